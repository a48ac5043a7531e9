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
mod route;
mod scrapewise;

use std::rc::Rc;

use super::answer::{Answer, sentence};
use super::auth;
use super::caller::Asked;
use super::dialect::Refusal;
use super::unread::{LONGEST_BODY, Unread};
use super::worker::Worker;
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
        Err(status) => {
            let code = if status == 405 { "method_not_allowed" } else { "not_found" };
            let refusal = Refusal::new(code, status, sentence(status));
            return ("other", Answer::refusal(&refusal, settings.errors));
        }
    };
    let dialect = route.dialect(settings);
    let outcome = call(worker, asked, body, route).await;
    (name, outcome.unwrap_or_else(|refusal| Answer::refusal(&refusal, dialect)))
}

async fn call(
    worker: &Rc<Worker>,
    asked: &Asked<'_>,
    body: &mut Unread<'_>,
    route: Route,
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
        is_recording: worker.is_recording().await.unwrap_or(false),
    };
    let busy = || Refusal::new("busy", 503, sentence(503));
    let managers = worker.managers.as_ref().ok_or_else(busy)?;
    let answer = managers.work_on(route, call).ok_or_else(busy)?;
    // A desk that met a fault has answered nothing.
    answer.await.map_err(|_| Refusal::new("internal", 500, sentence(500)))
}
