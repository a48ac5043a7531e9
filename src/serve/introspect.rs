//! `/v1/introspect`: token introspection (RFC 7662), for resource servers that know no other way to ask.
//!
//! This module never counts a use, and never says why a token is not active.

use std::rc::Rc;

use serde_json::json;

use super::answer::Answer;
use super::caller::Asked;
use super::dialect::{Dialect, Refusal};
use super::tokens;
use super::unread::{LONGEST_BODY, Unread};
use super::worker::Worker;
use crate::domain::percent::pairs;
use crate::domain::secret::Secret;
use crate::domain::{Code, Key, Timestamp};
use crate::ops::verifier::Request;
use crate::output::json;

pub const PATH: &str = "/v1/introspect";

/// Answers whether a token is active.
pub async fn answer(worker: &Rc<Worker>, asked: &Asked<'_>, body: &mut Unread<'_>) -> Answer {
    let dialect = asked.dialect(Dialect::Own);
    let refused = |refusal: &Refusal| Answer::refusal(refusal, dialect);
    if !is_authorised(worker, asked) {
        let message = "only a client that is known may introspect";
        return refused(&Refusal::new("unauthorized", 401, message));
    }
    let bytes = match body.read(LONGEST_BODY).await {
        Ok(bytes) => bytes,
        Err(refusal) => return refused(&refusal),
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut tokens = pairs(&text).filter(|(name, _)| name == "token");
    let (Some((_, token)), None) = (tokens.next(), tokens.next()) else {
        let message = "send a form with one field token";
        return refused(&Refusal::new("bad_request", 400, message));
    };
    let mut request = Request::new(Secret::new(token));
    request.record = false;
    request.workspace.clone_from(&worker.settings.workspace);
    let now = (worker.settings.clock)();
    let verdicts = worker.with_records(move |verifier| verifier.verify_each(vec![request], now));
    let verdicts = verdicts.await;
    let mut verdicts = match verdicts {
        Ok(verdicts) => verdicts,
        Err(error) => return refused(&Refusal::from(&error)),
    };
    match verdicts.pop() {
        Some(Ok(verdict)) => {
            // Limits are about uses, and this is none.
            let is_active =
                matches!(verdict.code, Code::Valid | Code::RateLimited | Code::QuotaExceeded);
            let key = verdict.subject.as_deref().filter(|_| is_active);
            let text = key.map_or_else(|| "{\"active\":false}".to_owned(), |key| active(key));
            Answer::json(200, text + "\n")
        }
        Some(Err(error)) => refused(&Refusal::from(&error)),
        None => refused(&Refusal::new("internal", 500, "internal error")),
    }
}

fn active(key: &Key) -> String {
    let seconds = |time: Timestamp| time.as_millis().div_euclid(1000);
    let mut token = json!({
        "active": true,
        "scope": key.scopes.join(" "),
        "client_id": key.id.as_str(),
        "sub": key.workspace,
        "username": key.name,
        "token_type": "Bearer",
        "iat": seconds(key.created_at),
    });
    if let Some(expires_at) = key.expires_at {
        token["exp"] = json!(seconds(expires_at));
    }
    json::to_string(&token)
}

/// Whoever reaches a Unix socket is its owner; anybody else presents the clients' token, as Bearer or as a password.
fn is_authorised(worker: &Worker, asked: &Asked<'_>) -> bool {
    if asked.connection.ends.is_none() {
        return true;
    }
    let Some(path) = &worker.settings.clients else {
        return false;
    };
    tokens::presented(asked.fields).is_some_and(|token| tokens::is_in(path, &token))
}
