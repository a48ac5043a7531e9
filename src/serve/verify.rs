//! `/v1/verify`: requests as a line of `keyward verify --stream` has them, and the same verdicts.
//!
//! This module never answers one request with another's verdict: they keep their order.

use std::rc::Rc;
use std::time::Instant;

use serde_json::value::RawValue;

use super::answer::{Answer, sentence};
use super::caller::Asked;
use super::dialect::{Dialect, Refusal};
use super::unread::{LONGEST_ARRAY, LONGEST_BODY, Unread};
use super::worker::Worker;
use crate::domain::verdict::Ask;
use crate::error::{Kind, Result};
use crate::ops::verifier::asked::{Template, Turn, turn};
use crate::output::json;
use crate::output::view::{self, VerdictView};

pub const PATH: &str = "/v1/verify";

/// The most requests in an array.
const MOST: usize = 1000;

/// Answers a request, or an array of them.
pub async fn answer(worker: &Rc<Worker>, asked: &Asked<'_>, body: &mut Unread<'_>) -> Answer {
    let dialect = asked.dialect(Dialect::Own);
    let refused = |refusal: &Refusal| Answer::refusal(refusal, dialect);
    let bytes = match body.read(LONGEST_ARRAY).await {
        Ok(bytes) => bytes,
        Err(refusal) => return refused(&refusal),
    };
    let bad = |status| refused(&Refusal::plain("bad_request", status));
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return bad(400);
    };
    let is_array = text.trim_start().starts_with('[');
    if !is_array && text.len() > LONGEST_BODY {
        return bad(413);
    }
    let pieces: Vec<&RawValue> = match is_array {
        true => match serde_json::from_str(text) {
            Ok(pieces) => pieces,
            Err(_) => return bad(400),
        },
        false => Vec::new(),
    };
    if pieces.len() > MOST {
        return bad(413);
    }
    let template = Template {
        ask: Ask::default(),
        workspace: worker.settings.workspace.clone(),
        cost: 1,
        record: true,
    };
    let turns: Vec<Turn<'_>> = match is_array {
        true => pieces.iter().map(|piece| turn(piece.get(), "item", &template)).collect(),
        false => vec![turn(text, "body", &template)],
    };
    if let ([Turn { id: None, request: Err(error) }], false) = (turns.as_slice(), is_array) {
        let refusal = Refusal::new("bad_request", 400, error.to_string());
        return refused(&refusal);
    }
    let [begin, end] = if is_array { ["[", "]\n"] } else { ["", "\n"] };
    let mut text = begin.as_bytes().to_vec();
    match judged(worker, turns, &mut text).await {
        Ok(()) => {
            text.extend_from_slice(end.as_bytes());
            Answer::json(200, text)
        }
        Err(error) => refused(&Refusal::from(&error)),
    }
}

/// Adds the verdicts in the order of the requests, with commas between them.
async fn judged(worker: &Worker, turns: Vec<Turn<'_>>, text: &mut Vec<u8>) -> Result<()> {
    let now = (worker.settings.clock)();
    let mut places = Vec::with_capacity(turns.len());
    let (mut requests, mut asks) = (Vec::new(), Vec::new());
    for turn in turns {
        let unread = match turn.request {
            Ok(request) => {
                asks.push(request.ask.clone());
                requests.push(request);
                None
            }
            Err(error) => Some(error),
        };
        places.push((turn.id, unread));
    }
    let (count, begun) = (requests.len(), Instant::now());
    let verdicts = worker.with_records(move |verifier| verifier.verify_each(requests, now)).await?;
    worker.metrics.judged(count, begun.elapsed());
    verdicts.iter().for_each(|verdict| worker.metrics.verdict(verdict));
    let mut verdicts = verdicts.iter().zip(&asks);
    for (nth, (id, unread)) in places.into_iter().enumerate() {
        if nth > 0 {
            text.push(b',');
        }
        let mut fail = |code, status, message: &str| {
            json::append(text, &VerdictView::none(code, status, message).to(id));
        };
        if let Some(error) = unread {
            fail("bad_request", 400, &error.to_string());
            continue;
        }
        let (verdict, ask) = verdicts.next().expect("each request has its verdict");
        match verdict {
            Ok(verdict) => view::answer(text, verdict, ask, now, id),
            Err(error) => {
                let kind = error.kind();
                let status = if kind == Kind::Damaged { 500 } else { 503 };
                fail(kind.code(), status, sentence(status));
            }
        }
    }
    Ok(())
}
