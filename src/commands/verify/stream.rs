//! `keyward verify --stream`: a request a line, a verdict a line.
//!
//! This module never lets a line that cannot be read end the stream, and never answers out of turn.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

pub use super::Template;
use crate::commands::Exit;
use crate::context::{Context, Heard, LONGEST_LINE, Line};
use crate::domain::secret::Secret;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::ops::verifier::{Request, Verifier};
use crate::output::ui::Answers;
use crate::output::view::VerdictView;

/// How many keys are remembered: with their whole records, some 200 MB where so many are in use.
const REMEMBERED: usize = 1 << 18;

/// A line of JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked<'a> {
    #[serde(deserialize_with = "secret")]
    key: Secret,
    #[serde(borrow, default, deserialize_with = "some")]
    id: Option<&'a RawValue>,
    environment: Option<String>,
    scopes: Option<Vec<String>>,
    #[serde(borrow)]
    ip: Option<Cow<'a, str>>,
    cost: Option<u32>,
}

/// What can be read of a line that is no request.
#[derive(Deserialize)]
struct Id<'a> {
    #[serde(borrow, default, deserialize_with = "some")]
    id: Option<&'a RawValue>,
}

/// SECURITY: wiped when dropped, whatever becomes of the rest of the line.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

/// Takes whatever is there, null too, for an id.
fn some<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// A line and what became of it.
pub struct Turn<'a> {
    /// The id to answer it with, as it was written.
    pub id: Option<&'a RawValue>,
    /// What is to be judged.
    ///
    /// # Errors
    /// `usage`, which never repeats what stands in the line.
    pub request: Result<Request>,
}

/// Answers until input ends or a signal says so.
pub(super) fn run(template: &Template, context: &mut Context) -> Result<Exit> {
    let mut has_store = context.existing_store()?.is_some();
    let mut verifier = open(context)?;
    let mut conversation = context.conversation()?;
    let mut answers = context.ui.answers()?;
    let signal = loop {
        let time = time_left(&verifier, context.now());
        match conversation.wait(time)? {
            Heard::Go => {}
            Heard::End => break None,
            Heard::Signal(signal) => break Some(signal),
        }
        let turns: Vec<Turn<'_>> = conversation
            .lines()
            .iter()
            .map(|line| turn(line, template))
            .collect();
        if !has_store && context.existing_store()?.is_some() {
            // The first key was minted meanwhile.
            has_store = true;
            verifier = open(context)?;
        }
        let now = context.now();
        match turns.is_empty() {
            true => verifier.write_if_due(now),
            false => answer(&mut verifier, turns, now, &mut answers)?,
        }
        // Whoever does not read the answers must not keep uses from being written, nor a signal from ending this.
        answers.flush(|pipe| {
            loop {
                let time = time_left(&verifier, context.now());
                match conversation.may_answer(pipe, time)? {
                    Some(false) => verifier.write_if_due(context.now()),
                    ready => return Ok(ready.is_some()),
                }
            }
        })?;
    };
    if let Err(error) = verifier.close() {
        context
            .ui
            .warn(&format!("the last uses could not be recorded: {error}"));
    }
    match signal {
        None | Some(SIGTERM) => Ok(0),
        Some(_) => Err(Error::new(Kind::Interrupted, "interrupted")),
    }
}

fn open(context: &mut Context) -> Result<Verifier> {
    let verifier = super::open(context)?.remembering(REMEMBERED);
    verifier.expect_many()?;
    Ok(verifier)
}

/// How long until uses must be written; nothing when none wait.
fn time_left(verifier: &Verifier, now: Timestamp) -> Option<Duration> {
    let due = verifier.due()?;
    Some(Duration::from_millis(due.since(now).max(0).unsigned_abs()))
}

/// The signal by which a service is told to end well (POSIX `signal.h`).
const SIGTERM: i32 = 15;

/// Judges the turns and answers them in order.
fn answer(
    verifier: &mut Verifier,
    turns: Vec<Turn<'_>>,
    now: Timestamp,
    answers: &mut Answers,
) -> Result<()> {
    let mut requests = Vec::with_capacity(turns.len());
    let mut places = Vec::with_capacity(turns.len());
    for turn in turns {
        places.push((
            turn.id,
            turn.request.map(|request| requests.push(request)).err(),
        ));
    }
    let mut verdicts = Vec::with_capacity(requests.len());
    verifier.wait_at_most(Duration::MAX);
    while verdicts.len() < requests.len() {
        let waiting = &requests[verdicts.len()..];
        match verifier.verify_all(waiting, now, |verdict| verdicts.push(Ok(verdict))) {
            // The first that is left needed to be counted, and another process kept the store locked. It was waited for
            // once; the other lines and a signal must not wait for it again and again.
            Err(error) if error.kind() == Kind::Busy => {
                verdicts.push(Err(error));
                verifier.wait_at_most(Duration::ZERO);
            }
            // A record that cannot be believed is no reason to refuse the other keys.
            Err(error) if error.kind() == Kind::Damaged => verdicts.push(Err(error)),
            judged => judged?,
        }
    }
    let mut verdicts = verdicts.iter();
    for (id, unreadable) in &places {
        let view = match unreadable {
            Some(error) => {
                let message = error.to_string();
                answers.push(&VerdictView::none("bad_request", 400, &message).to(*id));
                continue;
            }
            None => match verdicts.next().expect("each request has its verdict") {
                Ok(verdict) => VerdictView::new(verdict, now),
                Err(error) => {
                    let (code, message) = (error.kind().code(), error.to_string());
                    let status = if error.kind() == Kind::Busy { 503 } else { 500 };
                    answers.push(&VerdictView::none(code, status, &message).to(*id));
                    continue;
                }
            },
        };
        answers.push(&view.to(*id));
    }
    Ok(())
}

/// Reads a line.
pub fn turn<'a>(line: &Line<'a>, template: &Template) -> Turn<'a> {
    let unreadable = |message: String| Turn {
        id: None,
        request: Err(Error::usage(message)),
    };
    let Line::Whole(bytes) = line else {
        return unreadable(format!("the line is longer than {LONGEST_LINE} bytes"));
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return unreadable("the line is not UTF-8 text".to_owned());
    };
    if !text.trim_start().starts_with('{') {
        return Turn {
            id: None,
            request: Ok(template.request(Secret::new(text.to_owned()))),
        };
    }
    match serde_json::from_str::<Asked<'a>>(text) {
        Ok(asked) => Turn {
            id: asked.id,
            request: request(asked, template),
        },
        Err(error) => Turn {
            // Whoever asks by id wants to know which question was not understood.
            id: serde_json::from_str::<Id<'a>>(text)
                .ok()
                .and_then(|asked| asked.id),
            ..unreadable(format!("the line is no request: {}", what_is_wrong(&error)))
        },
    }
}

fn request(asked: Asked<'_>, template: &Template) -> Result<Request> {
    let mut request = template.request(asked.key);
    if let Some(ip) = asked.ip {
        // SECURITY: what stands there may be anything, a secret too, so it is not repeated.
        let no_address = |_| Error::usage("the field ip is not an IP address");
        request.ask.address = Some(ip.parse::<IpAddr>().map_err(no_address)?);
    }
    if asked.environment.is_some() {
        request.ask.environment = asked.environment;
    }
    if let Some(scopes) = asked.scopes {
        request.ask.scopes = scopes;
    }
    if let Some(cost) = asked.cost {
        request.cost = cost;
    }
    Ok(request)
}

/// What serde says of a line, but nothing of what stands in it, which may be a secret.
fn what_is_wrong(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => "a field is missing, unknown or of the wrong type",
        _ => "it is not JSON",
    }
}
