//! Which route a path is.
//!
//! This module never looks at anything but a method and a path.

use hyper::Method;

use super::keys::Deed;
use super::{azscraper, scrapewise};
use crate::domain::percent::decoded;
use crate::domain::words::words;
use crate::serve::Settings;
use crate::serve::dialect::Dialect;

words! {
    /// The documented systems whose routes there are.
    pub enum Routes {
        /// Its page's four.
        Scrapewise = "scrapewise",
        /// Its page's four.
        Azscraper = "azscraper",
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    Metrics,
    Whoami,
    List,
    Mint,
    Activate,
    Key(String, Deed),
    Scrapewise(scrapewise::Route),
    /// The workspace's name, and what is to be done there.
    Azscraper(String, azscraper::Route),
}

const METHODS: [Method; 5] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// The route and its name, or the methods for which the path has one. No method means that the path does not exist.
pub fn find(
    method: &Method,
    path: &str,
    routes: &[Routes],
) -> Result<(&'static str, Route), Vec<Method>> {
    let find = |method: &Method| {
        let (name, route) = routes
            .iter()
            .find_map(|routes| documented(*routes, method, path))
            .or_else(|| own(method, path))?;
        Some((name, route?))
    };
    find(method).ok_or_else(|| METHODS.into_iter().filter(|one| find(one).is_some()).collect())
}

type Found = (&'static str, Option<Route>);

/// A route of keyward's own. A path that exists for other methods alone has no route.
fn own(method: &Method, path: &str) -> Option<Found> {
    let only = |wanted: Method, route: Route| (*method == wanted).then_some(route);
    Some(match path {
        "/metrics" => ("/metrics", only(Method::GET, Route::Metrics)),
        "/v1/whoami" => ("/v1/whoami", only(Method::GET, Route::Whoami)),
        "/v1/keys:activate" => ("/v1/keys:activate", only(Method::POST, Route::Activate)),
        "/v1/keys" => {
            let mint = || only(Method::POST, Route::Mint);
            ("/v1/keys", only(Method::GET, Route::List).or_else(mint))
        }
        path => {
            let rest = path.strip_prefix("/v1/keys/")?;
            let (id, verb) = rest.split_once(':').map_or((rest, ""), |(id, verb)| (id, verb));
            let key = |deed| Route::Key(decoded(id).into_owned(), deed);
            match verb {
                "" => {
                    let deed = match *method {
                        Method::GET => Some(Deed::Show),
                        Method::PATCH => Some(Deed::Change),
                        Method::DELETE => Some(Deed::Revoke),
                        _ => None,
                    };
                    ("/v1/keys/{id}", deed.map(key))
                }
                "disable" => ("/v1/keys/{id}:disable", only(Method::POST, key(Deed::Disable))),
                "enable" => ("/v1/keys/{id}:enable", only(Method::POST, key(Deed::Enable))),
                "rotate" => ("/v1/keys/{id}:rotate", only(Method::POST, key(Deed::Rotate))),
                "revoke" => ("/v1/keys/{id}:revoke", only(Method::POST, key(Deed::Revoke))),
                _ => return None,
            }
        }
    })
}

fn documented(routes: Routes, method: &Method, path: &str) -> Option<Found> {
    match routes {
        Routes::Scrapewise => {
            let (name, route) = scrapewise::find(method, path)?;
            Some((name, route.map(Route::Scrapewise)))
        }
        Routes::Azscraper => {
            let (name, project, route) = azscraper::find(method, path)?;
            Some((name, route.map(|route| Route::Azscraper(project, route))))
        }
    }
}

impl Route {
    /// Whose bodies its refusals have.
    pub fn dialect(&self, settings: &Settings) -> Dialect {
        match self {
            Self::Scrapewise(_) => Dialect::Scrapewise,
            Self::Azscraper(..) => Dialect::Azscraper,
            _ => settings.errors,
        }
    }
}
