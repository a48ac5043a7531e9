//! A request of a connection becomes an answer, whichever route it is for.
//!
//! This module never reads more of a body than a route takes, and never keeps a connection whose request was not read to
//! its end.

use std::convert::Infallible;
use std::fmt::Write;
use std::rc::Rc;
use std::time::Instant;

use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use super::answer::Answer;
use super::body::Body;
use super::caller::Asked;
use super::connection::{Connection, Phase};
use super::dialect::Refusal;
use super::listen::Side;
use super::unread::Unread;
use super::worker::Worker;
use super::{auth, introspect, manage, verify};

pub async fn answer(
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    side: Side,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let begun = Instant::now();
    connection.enter(Phase::Answer);
    let (head, incoming) = request.into_parts();
    let asked = Asked {
        method: &head.method,
        uri: &head.uri,
        fields: &head.headers,
        connection: &connection,
    };
    let mut body = Unread::new(incoming, &connection);
    let (route, mut answer) = route(&worker, side, &asked, &mut body).await;
    worker.metrics.answered(route, answer.status);
    worker.log(route, &asked, &answer, begun.elapsed());
    // SECURITY: what is left of a body would be read as the next request.
    if !body.is_read() || worker.is_ending.get() {
        answer.fields.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    connection.enter(Phase::Answer);
    let mut response = Response::new(Body::new(answer.content, Rc::clone(&connection)));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = answer.fields;
    Ok(response)
}

/// The header fields and the body of the refusal of what cannot be read as a request.
pub fn unreadable(worker: &Worker, status: u16) -> (String, String) {
    worker.metrics.answered("other", status);
    let dialect = worker.settings.errors;
    let refusal = Refusal::plain("bad_request", status);
    let answer = Answer::refusal(&refusal, dialect);
    let mut fields = String::new();
    for (name, value) in &answer.fields {
        let _ = write!(fields, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    (fields, dialect.body(&refusal))
}

/// Finds the route, which has a name for the log, and its answer.
async fn route(
    worker: &Rc<Worker>,
    side: Side,
    asked: &Asked<'_>,
    body: &mut Unread<'_>,
) -> (&'static str, Answer) {
    let path = asked.path();
    let dialect = asked.dialect(worker.settings.errors);
    let refused = |code, status| Answer::refusal(&Refusal::plain(code, status), dialect);
    let is_below = |front: &str| path.strip_prefix(front).is_some_and(|rest| rest.starts_with('/'));
    match (side, path) {
        // An answer of 200 to it would make a tunnel.
        _ if asked.method == Method::CONNECT => ("other", refused("method_not_allowed", 405)),
        (_, "/healthz") => ("/healthz", alive()),
        (_, "/readyz") => ("/readyz", ready(worker).await),
        (Side::Verify, path) if path == auth::PATH || is_below(auth::PATH) => {
            (auth::PATH, auth::answer(worker, asked).await)
        }
        (Side::Verify, verify::PATH) if asked.method == Method::POST => {
            (verify::PATH, verify::answer(worker, asked, body).await)
        }
        (Side::Verify, introspect::PATH) if asked.method == Method::POST => {
            (introspect::PATH, introspect::answer(worker, asked, body).await)
        }
        (Side::Verify, verify::PATH | introspect::PATH) => {
            let mut answer = refused("method_not_allowed", 405);
            answer.fields.insert(header::ALLOW, HeaderValue::from_static("POST"));
            ("other", answer)
        }
        (Side::Verify, _) => ("other", refused("not_found", 404)),
        (Side::Manage, _) => manage::answer(worker, asked, body).await,
    }
}

/// It lives while it answers.
fn alive() -> Answer {
    Answer::json(200, "{\"alive\":true}\n".to_owned())
}

/// It is ready while the store can be read and it is not shutting down.
async fn ready(worker: &Worker) -> Answer {
    let recording = if worker.is_ending.get() { None } else { worker.is_recording().await.ok() };
    match recording {
        Some(recording) => {
            Answer::json(200, format!("{{\"ready\":true,\"recording\":{recording}}}\n"))
        }
        None => Answer::json(503, "{\"ready\":false,\"recording\":false}\n".to_owned()),
    }
}
