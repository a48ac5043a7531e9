//! `/v1/auth`: whether a request may pass, in the way that proxies ask (nginx `auth_request`, Caddy `forward_auth`, Traefik
//! ForwardAuth, Envoy ext_authz).
//!
//! This module never answers 400, which proxies take for a fault, and never 200 without every identity field.

use std::rc::Rc;

use hyper::header::{self, HeaderValue};

use super::answer::Answer;
use super::caller::Asked;
use super::dialect::Refusal;
use super::identity::{FIELDS, Identity, NOTHING, REMAINING};
use super::query::Wish;
use super::worker::Worker;
use crate::domain::Code;
use crate::domain::credential::Presented;
use crate::domain::secret::Secret;
use crate::domain::verdict::{Ask, Verdict};
use crate::ops::verifier::{Kept, Request};

/// Where a proxy asks. Below it, the path and the query are the client's, and say nothing here.
pub const PATH: &str = "/v1/auth";

pub async fn answer(worker: &Rc<Worker>, asked: &Asked<'_>) -> Answer {
    let is_own = asked.path() == PATH;
    let (wish, read) = Wish::read(if is_own { asked.query() } else { "" });
    let answer = match read {
        Ok(()) => judged(worker, asked, &wish).await,
        Err(why) => {
            let exposed = unexposed(worker, asked).await.err();
            refused(worker, asked, &exposed.unwrap_or(Refusal::new("usage", 500, why)))
        }
    };
    if wish.only_forbids { answer.only_forbidding() } else { answer }
}

async fn judged(worker: &Rc<Worker>, asked: &Asked<'_>, wish: &Wish) -> Answer {
    let secret = match secret(worker, asked).await {
        Ok(secret) => secret,
        Err(refusal) => return refused(worker, asked, &refusal),
    };
    let settings = &worker.settings;
    let ask = Ask { address: asked.client(settings), ..wish.ask.clone() };
    let request = Request {
        secret,
        workspace: wish.workspace.clone().or_else(|| settings.workspace.clone()),
        cost: wish.cost.unwrap_or(1),
        record: true,
        ask,
    };
    // A key of another workspace than the one that is served alone is nobody's.
    let is_served =
        settings.workspace.as_ref().is_none_or(|only| request.workspace.as_ref() == Some(only));
    let scopes = request.ask.scopes.clone();
    if !is_served {
        return refused(worker, asked, &Refusal::of(Code::NotFound, None));
    }
    match worker.judge(request).await {
        Ok(verdict) if verdict.code == Code::Valid => passed(worker, asked, verdict),
        Ok(verdict) => {
            let mut answer =
                refused(worker, asked, &Refusal::of(verdict.code, verdict.retry_after));
            if verdict.code == Code::InsufficientScope {
                challenge(&mut answer, &scopes);
            }
            answer.key = verdict.subject;
            answer
        }
        Err(error) => refused(worker, asked, &Refusal::from(&error)),
    }
}

/// The secret that is presented, unless the request is refused for how it is presented.
pub async fn secret(worker: &Worker, asked: &Asked<'_>) -> Result<Secret, Refusal> {
    unexposed(worker, asked).await?;
    match asked.presented(&worker.settings) {
        Presented::Key(key) => Ok(Secret::new(key.to_owned())),
        Presented::Malformed => Ok(Secret::new(String::new())),
        Presented::Nothing => {
            let message = "no key was presented; send Authorization: Bearer KEY";
            Err(Refusal::new("unauthorized", 401, message))
        }
        Presented::Ambiguous => {
            let message = "several credentials were presented; send one";
            Err(Refusal::new("ambiguous_key", 401, message))
        }
    }
}

/// Refuses a request with a key in its URL.
async fn unexposed(worker: &Worker, asked: &Asked<'_>) -> Result<(), Refusal> {
    let suspects = asked.suspects();
    if !suspects.is_empty()
        && worker.is_exposed(suspects).await.map_err(|error| Refusal::from(&error))?
    {
        let message = "there is a key in the URL, where logs keep it; send it in a header";
        return Err(Refusal::new("key_in_url", 401, message));
    }
    Ok(())
}

fn refused(worker: &Worker, asked: &Asked<'_>, refusal: &Refusal) -> Answer {
    Answer::refusal(refusal, asked.dialect(worker.settings.errors))
}

fn passed(worker: &Worker, asked: &Asked<'_>, verdict: Verdict<Kept<Identity>>) -> Answer {
    let Some(identity) = &verdict.subject else {
        return refused(worker, asked, &Refusal::plain("internal", 500));
    };
    let mut answer = Answer::empty(200);
    answer.code = Code::Valid.word();
    for (at, name) in FIELDS.into_iter().enumerate() {
        answer.fields.insert(name, identity.value(at));
    }
    let nothing = HeaderValue::from_static(NOTHING);
    let remaining = verdict.remaining.map_or(nothing, HeaderValue::from);
    answer.fields.insert(REMAINING, remaining);
    answer.key = verdict.subject;
    answer
}

/// Says which scopes are wanted (RFC 6750 3.1), where they can be said.
fn challenge(answer: &mut Answer, scopes: &[String]) {
    let wanted = scopes.join(" ");
    let can_be_said = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    if wanted.bytes().all(can_be_said)
        && let Ok(value) = HeaderValue::try_from(format!(
            "Bearer error=\"insufficient_scope\", scope=\"{wanted}\""
        ))
    {
        answer.fields.insert(header::WWW_AUTHENTICATE, value);
    }
}
