//! The routes that manage keys: views over the use cases. `managers` has the threads that they run on, `call` what every route
//! starts from, `route` finds one, and a file each has what they do.
//!
//! This module never decides who may do what: a caller is judged as any request is, and then by `ops::access` in the
//! transaction that does what it wants.

mod azscraper;
mod call;
mod deliver;
mod desk;
mod fields;
mod keys;
mod listing;
mod managers;
mod refused;
mod route;
mod scrapewise;

use std::rc::Rc;

use hyper::header::ALLOW;

use super::answer::Answer;
use super::auth;
use super::caller::Asked;
use super::dialect::{Dialect, Refusal};
use super::unread::{LONGEST_BODY, Unread};
use super::worker::Worker;
use crate::domain::Code;
use crate::domain::percent::pairs;
use call::Call;
pub use managers::Managers;
use route::Route;
pub use route::Routes;

/// Answers a request. The first part is the route's name for the log.
pub async fn answer(
    worker: &Rc<Worker>,
    asked: &Asked<'_>,
    body: &mut Unread<'_>,
) -> (&'static str, Answer) {
    let settings = &worker.settings;
    let found = route::find(asked.method, asked.path(), &settings.routes);
    let (name, route) = match found {
        Ok(found) => found,
        Err(allowed) => {
            let (code, status) = match allowed.as_slice() {
                [] => ("not_found", 404),
                _ => ("method_not_allowed", 405),
            };
            let refusal = Refusal::plain(code, status);
            let mut answer = Answer::refusal(&refusal, asked.dialect(settings.errors));
            for method in allowed {
                answer.fields.append(ALLOW, method.as_str().parse().expect("a word"));
            }
            return ("other", answer);
        }
    };
    let dialect = asked.dialect(route.dialect(settings));
    let Some(managers) = &worker.managers else {
        return (name, Answer::refusal(&busy(), dialect));
    };
    let peer = asked.connection.ends.map(|(_, peer)| peer.ip());
    let address = asked.client(settings).or(peer);
    let wait = address.and_then(|address| managers.refused.wait(address, (settings.clock)()));
    if let Some(seconds) = wait {
        let refusal = Refusal::of(Code::RateLimited, Some(seconds));
        return (name, Answer::refusal(&refusal, dialect));
    }
    let outcome = call(worker, asked, body, managers, (route, dialect)).await;
    let answer = outcome.unwrap_or_else(|refusal| Answer::refusal(&refusal, dialect));
    let is_stranger = answer.status == 401 || answer.code == Code::IpDenied.word();
    if let Some(address) = address.filter(|_| is_stranger) {
        managers.refused.note(address, (settings.clock)());
    }
    (name, answer)
}

fn busy() -> Refusal {
    Refusal::plain("busy", 503)
}

async fn call(
    worker: &Rc<Worker>,
    asked: &Asked<'_>,
    body: &mut Unread<'_>,
    managers: &Managers,
    (route, dialect): (Route, Dialect),
) -> std::result::Result<Answer, Refusal> {
    let secret = match auth::secret(worker, asked).await {
        Ok(secret) => Some(secret),
        Err(refusal) if refusal.code == "unauthorized" => None,
        Err(refusal) => return Err(refusal),
    };
    let idempotency = match asked.fields.get("idempotency-key") {
        None => None,
        Some(value) => {
            let word = value.to_str().ok().and_then(|word| word.parse().ok());
            let message = "an Idempotency-Key has 1 to 255 visible ASCII characters";
            Some(word.ok_or_else(|| Refusal::new("usage", 422, message))?)
        }
    };
    let call = Call {
        query: pairs(asked.query()).collect(),
        body: body.read(LONGEST_BODY).await?,
        secret,
        address: asked.client(&worker.settings),
        account: asked.connection.account,
        ends: asked.connection.ends,
        idempotency,
        dialect,
        is_recording: route == Route::Metrics && worker.is_recording().await.unwrap_or(false),
    };
    let answer = managers.work_on(route, call).ok_or_else(busy)?;
    // A desk that met a fault has answered nothing.
    answer.await.map_err(|_| Refusal::plain("internal", 500))
}
