//! Listing keys, a piece at a time.
//!
//! This module never gathers the list: whoever reads it slowly costs a desk, and no memory.

use hyper::body::Bytes;
use tokio::sync::mpsc;

use super::call::{Failure, Outcome, Turn};
use crate::domain::{Key, Status};
use crate::error::{Error, Kind, Result};
use crate::ops::list;
use crate::output::json;
use crate::output::view::KeyView;
use crate::serve::answer::Answer;
use crate::serve::body::{Broken, Content};
use crate::serve::dialect::Refusal;
use crate::store::Order;

/// How large a piece is, in bytes, and how many wait for their reader.
const PIECE: usize = 32 * 1024;
const WAITING: usize = 2;

/// The keys that the query asks for, as `list --json` has them.
pub fn all(turn: &mut Turn<'_>) -> Outcome {
    let request = request(turn)?;
    let now = turn.now();
    list(turn, &request, "{\"keys\":[", "]}\n", |key| json::to_string(&KeyView::new(key, now)))
}

/// Lists keys between these two texts, each as this has it.
pub fn list(
    turn: &mut Turn<'_>,
    request: &list::Request,
    front: &str,
    end: &str,
    view: impl Fn(&Key) -> String,
) -> Outcome {
    let now = turn.now();
    let mut text = front.to_owned();
    let mut is_first = true;
    let mut pieces: Option<mpsc::Sender<Result<Bytes, Broken>>> = None;
    let Turn { store, actor, answer, .. } = turn;
    let listed = list::run(store, actor, request, now, |key| {
        if !std::mem::replace(&mut is_first, false) {
            text.push(',');
        }
        text += &view(&key);
        if text.len() < PIECE {
            return Ok(());
        }
        let gone = || Error::new(Kind::Io, "the listing has no reader any more");
        let sender = match &pieces {
            Some(sender) => sender,
            None => {
                let (sender, receiver) = mpsc::channel(WAITING);
                let begun = Answer::empty(200).with_json(Content::Pieces(receiver));
                let teller = answer.take().ok_or_else(gone)?;
                teller.send(begun).map_err(|_| gone())?;
                pieces.insert(sender)
            }
        };
        let piece = std::mem::take(&mut text).into();
        sender.blocking_send(Ok(piece)).map_err(|_| gone())
    });
    text += end;
    match (pieces, listed) {
        (None, Ok(_)) => Ok(Some(Answer::json(200, text))),
        (None, Err(error)) => Err(error.into()),
        (Some(sender), Ok(_)) => {
            // Whoever does not read to the end has gone.
            let _ = sender.blocking_send(Ok(text.into()));
            Ok(None)
        }
        (Some(sender), Err(_)) => {
            let _ = sender.blocking_send(Err(Broken));
            Ok(None)
        }
    }
}

/// A listing of a workspace's keys that takes them all, but revoked and expired ones.
pub fn plain(workspace: Option<String>) -> list::Request {
    list::Request {
        workspace,
        everywhere: false,
        statuses: Vec::new(),
        all: false,
        environment: None,
        name: None,
        owner: None,
        labels: Vec::new(),
        scopes: Vec::new(),
        order: Order::Created,
    }
}

fn request(turn: &Turn<'_>) -> Result<list::Request, Failure> {
    let mut request = plain(turn.workspace());
    for (name, value) in &turn.call.query {
        let is_taken = match name.as_str() {
            "workspace" => true,
            "status" => value.split(',').all(|word| match Status::of(word) {
                Some(status) => {
                    request.statuses.push(status);
                    true
                }
                None => false,
            }),
            "all" => {
                request.all = matches!(value.as_str(), "" | "true");
                request.all || value == "false"
            }
            "environment" => set(&mut request.environment, value),
            "name" => set(&mut request.name, value),
            "owner" => set(&mut request.owner, value),
            "scope" => {
                request.scopes.push(value.clone());
                true
            }
            "label" => {
                request.labels.push(list::label(value));
                true
            }
            _ => false,
        };
        if !is_taken {
            let message =
                "the options are workspace, status, all, environment, name, owner, scope and label";
            return Err(Refusal::new("usage", 422, message).into());
        }
    }
    Ok(request)
}

fn set(place: &mut Option<String>, value: &str) -> bool {
    place.replace(value.to_owned()).is_none()
}
