//! azscraper's routes, as its page documents them: a project's keys under the hand of whoever is logged in, who is the operator
//! here.
//!
//! This module never takes a key for a log-in: "you manage keys from the dashboard session, not with another key".

use hyper::Method;

use super::call::{Outcome, Turn};
use super::{fields, keys, listing};
use crate::domain::percent::decoded;
use crate::ops::{mint, rename};
use crate::output::json;
use crate::output::view::{AzscraperKey, AzscraperMinted, Data};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    List,
    Create,
    Rename(String),
    Revoke(String),
}

/// The route of a path with its project, which is a workspace's name; as for the other documented system.
pub fn find(method: &Method, path: &str) -> Option<(&'static str, String, Option<Route>)> {
    let (project, rest) = path.strip_prefix("/private/projects/")?.split_once('/')?;
    let project = decoded(project).into_owned();
    let rest = rest.strip_prefix("api-keys")?;
    let (name, route) = match (rest.strip_prefix('/'), method) {
        (None, _) if !rest.is_empty() => return None,
        (None, &Method::GET) => (COLLECTION, Some(Route::List)),
        (None, &Method::POST) => (COLLECTION, Some(Route::Create)),
        (None, _) => (COLLECTION, None),
        (Some(id), &Method::PATCH) => (ITEM, Some(Route::Rename(decoded(id).into_owned()))),
        (Some(id), &Method::DELETE) => (ITEM, Some(Route::Revoke(decoded(id).into_owned()))),
        (Some(_), _) => (ITEM, None),
    };
    Some((name, project, route))
}

const COLLECTION: &str = "/private/projects/{projectId}/api-keys";
const ITEM: &str = "/private/projects/{projectId}/api-keys/{id}";

pub fn work(turn: &mut Turn<'_>, project: &str, route: &Route) -> Outcome {
    turn.require_operator()?;
    let (workspace, now) = (Some(project.to_owned()), turn.now());
    match route {
        Route::List => {
            let request = listing::plain(workspace);
            listing::list(turn, &request, "{\"data\":[", "]}", |key| {
                json::to_string(&AzscraperKey::new(key))
            })
        }
        Route::Create => {
            let wish: fields::Named = fields::read(&turn.call.body)?;
            let name = fields::name(&wish.name)?;
            let request = mint::Request { workspace, ..mint::Request::new(name) };
            keys::minted(turn, request, false, 201, |key, secret, _| {
                json::to_bytes(&Data { data: AzscraperMinted::new(key, secret) })
            })
        }
        Route::Rename(id) => {
            let wish: fields::Named = fields::read(&turn.call.body)?;
            turn.refuse_secrets(&[&wish.name])?;
            let (selector, name) = (keys::selector(id)?, fields::name(&wish.name)?);
            let (store, actor) = (&mut *turn.store, &turn.actor);
            rename::run(store, actor, Some(project), &selector, &name, now)?;
            keys::success()
        }
        Route::Revoke(id) => keys::ended(turn, workspace, id),
    }
}
