//! What a request says of itself: the key that it presents, and where it comes from.
//!
//! This module never decides anything: the rules are `domain::credential`'s and `domain::forwarded`'s.

use std::net::IpAddr;

use hyper::header::ACCEPT;
use hyper::{HeaderMap, Uri};

use super::Settings;
use super::connection::Connection;
use super::dialect::{Dialect, PROBLEM};
use crate::domain::credential::{Presented, presented};
use crate::domain::exposure::looks_like_secret;
use crate::domain::forwarded::{Peer, client};
use crate::domain::percent::decoded;

/// The header fields in which proxies hand on a request's URL.
const URLS: [&str; 3] = ["x-forwarded-uri", "x-original-uri", "x-original-url"];

/// A request without its body.
pub struct Asked<'a> {
    pub method: &'a hyper::Method,
    pub uri: &'a Uri,
    pub fields: &'a HeaderMap,
    pub connection: &'a Connection,
}

impl<'a> Asked<'a> {
    pub fn path(&self) -> &'a str {
        self.uri.path()
    }

    pub fn query(&self) -> &'a str {
        self.uri.query().unwrap_or_default()
    }

    /// What refusals of this request look like where they have this form otherwise: a client may ask for problem details.
    pub fn dialect(&self, otherwise: Dialect) -> Dialect {
        let values = self.fields.get_all(ACCEPT).into_iter();
        let mut wanted = values.filter_map(|value| value.to_str().ok()).flat_map(|value| {
            value.split(',').filter_map(|range| range.split(';').next()).map(str::trim)
        });
        match otherwise {
            Dialect::Own if wanted.any(|range| range.eq_ignore_ascii_case(PROBLEM)) => {
                Dialect::Problem
            }
            dialect => dialect,
        }
    }

    pub fn presented(&self, settings: &'a Settings) -> Presented<'a> {
        let fields = settings.key_from.iter().flat_map(|name| {
            let values = self.fields.get_all(name.as_str()).into_iter();
            values.map(move |value| (name.as_str(), value.as_bytes()))
        });
        presented(fields)
    }

    pub fn client(&self, settings: &Settings) -> Option<IpAddr> {
        let name = settings.client_from.as_deref()?;
        let peer = match self.connection.ends {
            Some((_, peer)) => Peer::At(peer.ip()),
            None => Peer::Local,
        };
        let values = self.fields.get_all(name).into_iter();
        client(peer, &settings.trusted, name, values.map(|value| value.as_bytes()))
    }

    /// The texts in a URL that look like a key: they are one if the store says so.
    pub fn suspects(&self) -> Vec<String> {
        let own = [self.path(), self.query()].into_iter().map(str::as_bytes);
        let forwarded = URLS.iter().flat_map(|name| self.fields.get_all(*name));
        let texts = own.chain(forwarded.map(|value| value.as_bytes()));
        let mut suspects = Vec::new();
        for text in texts {
            let text = String::from_utf8_lossy(text);
            let text = decoded(&text);
            if looks_like_secret(&text) {
                suspects.push(text.into_owned());
            }
        }
        suspects
    }
}
