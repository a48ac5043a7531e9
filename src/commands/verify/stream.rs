//! `keyward verify --stream`: a request a line, which is a bare secret or JSON, and a verdict a line.
//!
//! This module never lets a line that cannot be read end the stream, never answers out of turn, and never repeats what stands
//! in a line, which may be a secret.

use std::time::Duration;

use serde_json::value::RawValue;

use crate::context::{Context, LONGEST_LINE, Line, WaitEnd};
use crate::domain::Timestamp;
use crate::domain::secret::Secret;
use crate::error::{Error, Exit, Kind, Result};
use crate::ops::verifier::{Verifier, asked};
use crate::output::stdout::Answers;
use crate::output::view::{self, Answered, VerdictView};
use crate::signals::SIGTERM;

pub use crate::ops::verifier::asked::{Template, Turn};

/// The code of a line that cannot be read.
const BAD_REQUEST: &str = "bad_request";

/// How many keys are cached: with their whole records and answers, about 200 MB if so many are in use.
const REMEMBERED: usize = 1 << 17;

/// Answers until input ends or a signal says so.
pub(super) fn run(template: &Template, context: &mut Context) -> Result<Exit> {
    let mut verifier = open(context, false)?;
    let mut line_reader = context.line_reader()?;
    let mut answers = Answers::begin()?;
    let signal = loop {
        let time = time_left(verifier.as_ref().ok(), context.now());
        match line_reader.wait(time)? {
            WaitEnd::Go => {}
            WaitEnd::End => break None,
            WaitEnd::Signal(signal) => break Some(signal),
        }
        let turns: Vec<Turn<'_>> =
            line_reader.lines().iter().map(|line| turn(line, template)).collect();
        if verifier.is_err() {
            // The store may have been made meanwhile.
            verifier = open(context, true)?;
        }
        let now = context.now();
        match &mut verifier {
            Err(error) => turns.into_iter().for_each(|turn| refuse(turn, error, &mut answers)),
            Ok(verifier) if turns.is_empty() => verifier.write_if_due(now),
            Ok(verifier) => answer(verifier, turns, now, &mut answers)?,
        }
        if let Some(loss) = verifier.as_mut().ok().and_then(Verifier::loss) {
            context.ui.warn_now(&loss.to_string());
        }
        // A client that does not read its answers must not keep uses from being written, or a signal from ending the
        // stream.
        answers.flush(|pipe| {
            loop {
                let time = time_left(verifier.as_ref().ok(), context.now());
                match (line_reader.may_answer(pipe, time)?, &mut verifier) {
                    (Some(false), Ok(verifier)) => verifier.write_if_due(context.now()),
                    (Some(false), Err(_)) => {}
                    (ready, _) => return Ok(ready.is_some()),
                }
            }
        })?;
    };
    if let Ok(verifier) = verifier
        && let Err(error) = verifier.close()
    {
        context.ui.warn_now(&format!("the last uses were not recorded: {error}"));
    }
    match signal {
        None | Some(SIGTERM) => Ok(0),
        Some(_) => Err(Error::new(Kind::Interrupted, "interrupted")),
    }
}

/// Opens the store. The inner error is temporary: the store does not exist, or, when `waiting` for one, is not complete
/// yet.
fn open(context: &mut Context, waiting: bool) -> Result<Result<Verifier<Answered>>> {
    let store = match context.existing_store() {
        Ok(Some(store)) => store,
        Ok(None) => return Ok(Err(context.store_place()?.absent())),
        Err(error) if waiting && error.kind() != Kind::Usage => return Ok(Err(error)),
        Err(error) => return Err(error),
    };
    let verifier = super::admit(context, store)?.remembering(REMEMBERED);
    Ok(Ok(verifier))
}

/// How long until uses must be written; nothing when none wait.
fn time_left(verifier: Option<&Verifier<Answered>>, now: Timestamp) -> Option<Duration> {
    let due = verifier?.due()?;
    Some(Duration::from_millis(due.since(now).max(0).unsigned_abs()))
}

/// Answers a line while no store exists.
fn refuse(turn: Turn<'_>, error: &Error, answers: &mut Answers) {
    match turn.request {
        Ok(_) => fail(turn.id, error.kind().code(), 503, error, answers),
        Err(unreadable) => fail(turn.id, BAD_REQUEST, 400, &unreadable, answers),
    }
}

/// Answers a line that gets no verdict.
fn fail(
    id: Option<&RawValue>,
    code: &'static str,
    status: u16,
    error: &Error,
    answers: &mut Answers,
) {
    answers.push(&VerdictView::none(code, status, &error.to_string()).to(id));
}

/// Judges the turns and answers them in order.
fn answer(
    verifier: &mut Verifier<Answered>,
    turns: Vec<Turn<'_>>,
    now: Timestamp,
    answers: &mut Answers,
) -> Result<()> {
    if let Err(error) = verifier.follow() {
        // The store's file was moved or deleted, or the file at its path is not a store.
        turns.into_iter().for_each(|turn| refuse(turn, &error, answers));
        return Ok(());
    }
    let mut requests = Vec::with_capacity(turns.len());
    let mut places = Vec::with_capacity(turns.len());
    for turn in turns {
        places.push((turn.id, turn.request.map(|request| requests.push(request)).err()));
    }
    let mut verdicts = Vec::with_capacity(requests.len());
    verifier.wait_at_most(Duration::MAX);
    while verdicts.len() < requests.len() {
        let waiting = &requests[verdicts.len()..];
        match verifier.verify_all(waiting, now, |verdict| verdicts.push(Ok(verdict))) {
            // The next request had to be counted, and another process held the lock. It was waited for once; the other
            // lines and a signal must not wait again.
            Err(error) if error.kind() == Kind::Busy => {
                verdicts.push(Err(error));
                verifier.wait_at_most(Duration::ZERO);
            }
            // A damaged record does not affect the other keys. Neither does a file that was just moved: the next lines
            // may find it again.
            Err(error)
                if matches!(error.kind(), Kind::Damaged | Kind::Io | Kind::StoreNotFound) =>
            {
                verdicts.push(Err(error))
            }
            judged => judged?,
        }
    }
    let mut verdicts = verdicts.iter().zip(&requests);
    for (id, unreadable) in places {
        if let Some(error) = unreadable {
            fail(id, BAD_REQUEST, 400, &error, answers);
            continue;
        }
        let (verdict, request) = verdicts.next().expect("each request has its verdict");
        match verdict {
            Ok(verdict) => {
                answers.add(|buffer| view::answer(buffer, verdict, &request.ask, now, id));
            }
            Err(error) => {
                let kind = error.kind();
                let status = if kind == Kind::Damaged { 500 } else { 503 };
                fail(id, kind.code(), status, error, answers);
            }
        }
    }
    Ok(())
}

/// Reads a line.
pub fn turn<'a>(line: &Line<'a>, template: &Template) -> Turn<'a> {
    let unreadable = |message: String| Turn { id: None, request: Err(Error::usage(message)) };
    let Line::Whole(bytes) = line else {
        return unreadable(format!("the line is longer than {LONGEST_LINE} bytes"));
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return unreadable("the line is not UTF-8 text".to_owned());
    };
    if !text.trim_start().starts_with('{') {
        return Turn { id: None, request: Ok(template.request(Secret::new(text.to_owned()))) };
    }
    asked::turn(text, "line", template)
}
