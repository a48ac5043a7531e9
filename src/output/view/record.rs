//! What is shown of the audit trail and of the store itself.
//!
//! This module never checks a chain.

use serde::Serialize;
use serde_json::Value;

use crate::domain::audit::Event;

/// A row of the audit trail.
#[derive(Debug, Serialize)]
pub struct EventView {
    seq: i64,
    time: String,
    actor: String,
    action: String,
    subject: String,
    details: Value,
    hash: String,
}

impl EventView {
    /// The row as it is shown. Details that are no JSON, which only a changed store has, are shown as text.
    pub fn new(event: &Event) -> Self {
        Self {
            seq: event.seq,
            time: event.time.to_string(),
            actor: event.actor.clone(),
            action: event.action.clone(),
            subject: event.subject.clone(),
            details: serde_json::from_str(&event.details)
                .unwrap_or_else(|_| Value::String(event.details.clone())),
            hash: event.hash.to_string(),
        }
    }
}

/// What checking the trail found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrailView {
    /// Whether the chain is whole.
    pub ok: bool,
    /// How many rows were read.
    pub checked: u64,
    /// The first bad row's place.
    pub first_bad: Option<i64>,
}

/// The end of the trail.
#[derive(Debug, Serialize)]
pub struct HeadView {
    /// The last row's place.
    pub seq: i64,
    /// Its link, in hexadecimal.
    pub hash: String,
}

/// Facts about the store.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreView {
    /// Where it is.
    pub path: String,
    /// Its schema's number; nothing when there is no store.
    pub schema: Option<i64>,
    /// Its journal mode; nothing when there is no store.
    pub journal_mode: Option<String>,
    /// The file's size.
    pub size_bytes: u64,
    /// How many workspaces.
    pub workspaces: u64,
    /// How many key records.
    pub keys: u64,
}
