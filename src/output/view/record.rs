//! What is shown of the audit trail, of the store itself, and of the lines of an import.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Moment;
use crate::domain::Safe;
use crate::domain::audit::{About, Event, Head};
use crate::domain::flaw::{Flaw, Remedy};
use crate::domain::restoration::What;
use crate::domain::sanitize::Quoted;
use crate::domain::transfer::LineOutcome;

/// What a SHA-256 is written like.
const HASH: &str = "^[0-9a-f]{64}$";

#[derive(Debug, Serialize, JsonSchema)]
pub struct EventView<'a> {
    #[schemars(range(min = 0))]
    seq: i64,
    time: Moment,
    actor: &'a str,
    action: &'a str,
    subject: &'a str,
    #[schemars(with = "Map<String, Value>")]
    details: Value,
    #[schemars(regex(pattern = HASH))]
    hash: String,
}

impl<'a> EventView<'a> {
    /// The row as shown. Details that are not JSON, which only a changed store has, are shown as text.
    pub fn new(event: &'a Event) -> Self {
        Self {
            seq: event.seq,
            time: Moment(event.time),
            actor: &event.actor,
            action: &event.action,
            subject: &event.subject,
            details: serde_json::from_str(&event.details)
                .unwrap_or_else(|_| Value::String(event.details.clone())),
            hash: event.hash.to_string(),
        }
    }
}

/// What checking the trail found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrailView {
    /// Whether the chain is whole.
    pub ok: bool,
    /// How many rows were read.
    pub checked: u64,
    /// The first bad row's place.
    pub first_bad: Option<i64>,
}

/// The end of the trail: its last row's place and link.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HeadView {
    #[schemars(range(min = 0))]
    pub seq: i64,
    #[schemars(regex(pattern = HASH))]
    pub hash: String,
}

impl From<Head> for HeadView {
    fn from(head: Head) -> Self {
        Self { seq: head.seq, hash: head.hash.to_string() }
    }
}

/// What looking a store through found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HealthView {
    /// Whether no problems.
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
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProblemView {
    #[schemars(extend("enum" = ["key", "workspace", "store"]))]
    pub kind: &'static str,
    /// The key's id, the workspace's name, `file` or `trail`.
    pub subject: String,
    pub problem: String,
    /// The command that fixes it.
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
            Remedy::Prune => "keyward prune --all-workspaces --dead-for 0s".to_owned(),
            Remedy::Restore => "keyward store restore FILE".to_owned(),
            Remedy::Reopen => "keyward store check".to_owned(),
        };
        Self { kind, subject: flaw.subject.clone(), problem: flaw.problem.clone(), remedy }
    }
}

/// A backup that was made.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupView {
    pub path: String,
    pub size_bytes: u64,
    #[serde(flatten)]
    pub head: HeadView,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreView {
    /// Where the store is.
    pub path: String,
    /// How many workspaces it has.
    pub workspaces: u64,
    pub keys: u64,
    /// What was kept because it is stricter than in the backup.
    pub kept: Vec<KeptView>,
    /// What the backup was compared with.
    #[schemars(extend("enum" = ["whole", "salvaged", "nothing"]))]
    pub compared: &'static str,
    /// Where a store that was damaged is kept.
    pub put_aside: Option<String>,
    #[serde(flatten)]
    pub head: HeadView,
}

/// Something that a key kept when a backup was restored.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeptView {
    pub id: String,
    pub name: String,
    pub what: What,
}

/// Facts about the store.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreView {
    pub path: String,
    /// Its schema's number; nothing if no store exists.
    pub schema: Option<i64>,
    /// A file's journal mode; nothing if no store exists, or it is on a server.
    pub journal_mode: Option<String>,
    pub size_bytes: u64,
    pub workspaces: u64,
    pub keys: u64,
    /// The trusted folder, if the store is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_folder: Option<String>,
    /// The PostgreSQL server, if the store is on one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerView>,
}

/// The SQL of roles.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RolesView {
    pub sql: String,
}

/// Facts about a server.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerView {
    pub host: String,
    pub version: String,
    pub database: String,
    pub role: String,
    pub schema: String,
    pub synchronous_commit: String,
    /// The standbys that have a change before it is confirmed; empty for none.
    pub synchronous_standbys: String,
}

impl ServerView {
    /// The lines of `store info`.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let safe = |text: &str| Safe(text).to_string();
        let standbys = match self.synchronous_standbys.as_str() {
            "" => "none".to_owned(),
            standbys => safe(standbys),
        };
        vec![
            ("server", safe(&self.host)),
            ("version", safe(&self.version)),
            ("database", safe(&self.database)),
            ("role", safe(&self.role)),
            ("database schema", safe(&self.schema)),
            ("synchronous commit", safe(&self.synchronous_commit)),
            ("synchronous standbys", standbys),
        ]
    }
}

/// A store that was made, or was there already.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CreatedStoreView {
    #[serde(flatten)]
    pub store: StoreView,
    pub changed: bool,
}

/// What became of a line of an import.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ImportView<'a> {
    index: u64,
    line: u64,
    #[schemars(regex(pattern = "^[a-z_]+$"))]
    code: &'static str,
    id: Option<&'a str>,
    name: Option<&'a str>,
    /// In which fields the record differs.
    fields: &'a [&'static str],
    message: Option<&'a str>,
    hint: Option<&'a str>,
}

impl<'a> ImportView<'a> {
    pub fn new(outcome: &'a LineOutcome) -> Self {
        Self {
            index: outcome.index,
            line: outcome.index + 1,
            code: outcome.code,
            id: outcome.id.as_ref().map(|id| id.as_str()),
            name: outcome.name.as_deref(),
            fields: &outcome.fields,
            message: outcome.refusal.as_ref().map(|refusal| refusal.message.as_str()),
            hint: outcome.refusal.as_ref().and_then(|refusal| refusal.hint.as_deref()),
        }
    }
}
