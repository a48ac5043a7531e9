//! What is shown of the audit trail and of the store itself.

use serde::Serialize;
use serde_json::Value;

use crate::domain::audit::{About, Event};
use crate::domain::flaw::{Flaw, Remedy};
use crate::domain::sanitize::Quoted;

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

/// What looking a store through found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthView {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// How many workspaces were looked at.
    pub workspaces: u64,
    /// How many keys.
    pub keys: u64,
    /// How many events of the trail.
    pub events: u64,
    pub problems: Vec<ProblemView>,
}

/// One thing that is wrong with a store.
#[derive(Debug, Serialize)]
pub struct ProblemView {
    /// `key`, `workspace` or `store`.
    pub kind: &'static str,
    /// The key's id, the workspace's name, `file` or `trail`.
    pub subject: String,
    pub problem: String,
    /// The command that mends it.
    pub remedy: String,
}

impl ProblemView {
    pub fn new(flaw: &Flaw) -> Self {
        let kind = match flaw.about {
            About::Key => "key",
            About::Workspace => "workspace",
            About::Store => "store",
        };
        let remedy = match flaw.remedy {
            Remedy::Revoke => format!("keyward revoke {}{}", Quoted(&flaw.subject), flaw.place),
            Remedy::Prune => "keyward prune --all --dead-for 0s".to_owned(),
            Remedy::Restore => "keyward store restore FILE".to_owned(),
            Remedy::Reopen => "keyward store check".to_owned(),
        };
        Self {
            kind,
            subject: flaw.subject.clone(),
            problem: flaw.problem.clone(),
            remedy,
        }
    }
}

/// A backup that was made.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupView {
    pub path: String,
    pub size_bytes: u64,
    /// The last row's place in its trail.
    pub seq: i64,
    /// That row's link, in hexadecimal.
    pub hash: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreView {
    /// Where the store is.
    pub path: String,
    /// How many workspaces it has.
    pub workspaces: u64,
    pub keys: u64,
    /// What stays as it was, stricter than in the backup.
    pub kept: Vec<KeptView>,
    /// `whole`, `salvaged` or `nothing`: what the backup was compared with.
    pub compared: &'static str,
    /// Where a store that was damaged is kept.
    pub put_aside: Option<String>,
    /// The last row's place in the trail.
    pub seq: i64,
    /// That row's link, in hexadecimal.
    pub hash: String,
}

/// Something of a key that stays as it was when a backup was restored.
#[derive(Debug, Serialize)]
pub struct KeptView {
    pub id: String,
    pub name: String,
    /// `revoked`, `disabled`, `allow`, `scopes`, `expiry` or `superseded`.
    pub what: &'static str,
}

/// Facts about the store.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreView {
    pub path: String,
    /// Its schema's number; nothing when there is no store.
    pub schema: Option<i64>,
    /// Its journal mode; nothing when there is no store.
    pub journal_mode: Option<String>,
    pub size_bytes: u64,
    pub workspaces: u64,
    pub keys: u64,
    /// The trusted folder, if the store is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_folder: Option<String>,
}

/// A store that was made, or was there already.
#[derive(Debug, Serialize)]
pub struct CreatedStoreView {
    #[serde(flatten)]
    pub store: StoreView,
    pub changed: bool,
}
