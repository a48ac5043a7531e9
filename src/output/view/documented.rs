//! What the management routes of two documented systems answer, field by field as their pages have it.

use serde::Serialize;

use super::Moment;
use crate::domain::Key;

/// A key as scrapewise lists it: its prefix is what keyward calls short.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScrapewiseKey<'a> {
    id: &'a str,
    prefix: &'a str,
    name: &'a str,
    scope: &'a str,
    created_at: Moment,
    last_used_at: Option<Moment>,
}

/// A key that scrapewise has minted.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScrapewiseMinted<'a> {
    id: &'a str,
    prefix: &'a str,
    name: &'a str,
    scope: &'a str,
    key: &'a str,
    created_at: Moment,
}

/// Who calls scrapewise.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScrapewiseCaller<'a> {
    customer_ref: Option<&'a str>,
    scope: Option<&'a str>,
    prefix: &'a str,
    name: &'a str,
    id: Option<&'a str>,
    created_at: Option<Moment>,
    last_used_at: Option<Moment>,
}

/// The one scope that a key of scrapewise has.
fn scope(key: &Key) -> &str {
    key.scopes.first().map_or("", String::as_str)
}

impl<'a> ScrapewiseKey<'a> {
    pub fn new(key: &'a Key) -> Self {
        Self {
            id: key.id.as_str(),
            prefix: &key.short,
            name: &key.name,
            scope: scope(key),
            created_at: Moment(key.created_at),
            last_used_at: key.last_used_at.map(Moment),
        }
    }
}

impl<'a> ScrapewiseMinted<'a> {
    pub fn new(minted: &'a Key, secret: &'a str) -> Self {
        Self {
            id: minted.id.as_str(),
            prefix: &minted.short,
            name: &minted.name,
            scope: scope(minted),
            key: secret,
            created_at: Moment(minted.created_at),
        }
    }
}

impl<'a> ScrapewiseCaller<'a> {
    pub fn key(key: &'a Key) -> Self {
        Self {
            customer_ref: Some(&key.workspace),
            scope: Some(scope(key)),
            prefix: &key.short,
            name: &key.name,
            id: Some(key.id.as_str()),
            created_at: Some(Moment(key.created_at)),
            last_used_at: key.last_used_at.map(Moment),
        }
    }

    /// Whoever calls without a key has an empty prefix.
    pub fn operator(name: &'a str, workspace: Option<&'a str>) -> Self {
        Self {
            customer_ref: workspace,
            scope: None,
            prefix: "",
            name,
            id: None,
            created_at: None,
            last_used_at: None,
        }
    }
}

/// What azscraper wraps its answers in.
#[derive(Serialize)]
pub struct Data<T> {
    pub data: T,
}

/// A key as azscraper lists it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AzscraperKey<'a> {
    id: &'a str,
    name: &'a str,
    key_hint: &'a str,
    created_at: Moment,
    last_used_at: Option<Moment>,
}

impl<'a> AzscraperKey<'a> {
    pub fn new(key: &'a Key) -> Self {
        Self {
            id: key.id.as_str(),
            name: &key.name,
            key_hint: &key.hint,
            created_at: Moment(key.created_at),
            last_used_at: key.last_used_at.map(Moment),
        }
    }
}

/// A key that azscraper has minted.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AzscraperMinted<'a> {
    id: &'a str,
    name: &'a str,
    key: &'a str,
    created_at: Moment,
}

impl<'a> AzscraperMinted<'a> {
    pub fn new(minted: &'a Key, secret: &'a str) -> Self {
        Self {
            id: minted.id.as_str(),
            name: &minted.name,
            key: secret,
            created_at: Moment(minted.created_at),
        }
    }
}
