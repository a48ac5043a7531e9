//! scrapewise's routes, as its page documents them: keys under the caller's own key.
//!
//! This module never answers with anything that the page does not have.

use hyper::Method;

use super::call::{Outcome, Turn};
use super::{fields, keys, listing};
use crate::domain::percent::decoded;
use crate::ops::{mint, whoami};
use crate::output::json;
use crate::output::view::{ScrapewiseCaller, ScrapewiseKey, ScrapewiseMinted};
use crate::serve::answer::Answer;

/// What may stand before the paths: the page's base URL has it.
const BASE: &str = "/api/scraper-api";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    Whoami,
    Generate,
    List,
    Revoke(String),
}

/// The route of a path; nothing where it is not one of these paths, and no route where the method is another's.
pub fn find(method: &Method, path: &str) -> Option<(&'static str, Option<Route>)> {
    let path = path.strip_prefix(BASE).unwrap_or(path).strip_prefix("/api/key/")?;
    let only = |wanted: Method, route: Route| (*method == wanted).then_some(route);
    let revoke = |id: &str| only(Method::DELETE, Route::Revoke(decoded(id).into_owned()));
    Some(match path {
        "whoami" => ("/api/key/whoami", only(Method::GET, Route::Whoami)),
        "generate" => ("/api/key/generate", only(Method::PUT, Route::Generate)),
        "list" => ("/api/key/list", only(Method::GET, Route::List)),
        id if !id.contains('/') => ("/api/key/{id}", revoke(id)),
        _ => return None,
    })
}

pub fn work(turn: &mut Turn<'_>, route: &Route) -> Outcome {
    match route {
        Route::Whoami => whoami(turn),
        Route::Generate => generate(turn),
        Route::List => {
            let request = listing::plain(turn.workspace());
            listing::list(turn, &request, "{\"keys\":[", "]}", |key| {
                json::to_string(&ScrapewiseKey::new(key))
            })
        }
        Route::Revoke(id) => keys::ended(turn, turn.workspace(), id),
    }
}

fn whoami(turn: &mut Turn<'_>) -> Outcome {
    let (now, workspace) = (turn.now(), turn.workspace());
    let caller = whoami::run(turn.store, &turn.actor, workspace.as_deref(), now)?;
    let view = match &caller {
        whoami::Outcome::Caller(key) => ScrapewiseCaller::key(key),
        whoami::Outcome::Operator { name, workspace } => {
            ScrapewiseCaller::operator(name, workspace.as_deref())
        }
    };
    Ok(Some(Answer::json(200, json::to_string(&view))))
}

fn generate(turn: &mut Turn<'_>) -> Outcome {
    let name = fields::name(&turn.option("name").unwrap_or_default())?;
    let request = mint::Request {
        workspace: turn.workspace(),
        scopes: turn.option("scope").into_iter().collect(),
        ..mint::Request::new(name)
    };
    keys::minted(turn, request, false, 200, |key, secret, _| {
        json::to_bytes(&ScrapewiseMinted::new(key, secret))
    })
}
