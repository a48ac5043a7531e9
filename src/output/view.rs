//! Exactly the fields a user may see, in the order and with the names that scripts rely on.
//!
//! This module never reads a store. A secret appears in one place alone: [`Minted`], for mint and rotate on stdout.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::domain::address::Network;
use crate::domain::audit::Event;
use crate::domain::key::{Key, Status, UNDELIVERED};
use crate::domain::policy::Policy;
use crate::domain::secret::Secret;
use crate::domain::timestamp::Timestamp;
use crate::domain::verdict::Code;
use crate::domain::workspace::{Census, Workspace};

/// A key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    id: String,
    workspace: String,
    name: String,
    environment: String,
    scopes: Vec<String>,
    prefix: String,
    short: String,
    key_hint: String,
    status: Status,
    created_at: String,
    created_by: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    revoked_at: Option<String>,
    revoked_reason: Option<String>,
    replaces: Option<String>,
    replaced_by: Option<String>,
    allow: Vec<String>,
    owner: Option<String>,
    labels: BTreeMap<String, String>,
}

impl KeyView {
    /// The key as it is at this moment.
    pub fn new(key: &Key, now: Timestamp) -> Self {
        // A pending key that waited too long is revoked without anybody having written so.
        let lapsed_at = key.lapsed_at(now);
        Self {
            id: key.id.as_str().to_owned(),
            workspace: key.workspace.clone(),
            name: key.name.clone(),
            environment: key.environment.clone(),
            scopes: key.scopes.clone(),
            prefix: key.prefix.clone(),
            short: key.short.clone(),
            key_hint: key.hint.clone(),
            status: key.status(now),
            created_at: key.created_at.to_string(),
            created_by: key.created_by.clone(),
            expires_at: text(key.expires_at),
            last_used_at: text(key.last_used_at),
            revoked_at: text(key.revoked_at.or(lapsed_at)),
            revoked_reason: key
                .revoked_reason
                .clone()
                .or_else(|| lapsed_at.map(|_| UNDELIVERED.to_owned())),
            replaces: key
                .rotation
                .as_ref()
                .map(|rotation| rotation.replaces.as_str().to_owned()),
            replaced_by: key.replaced_by.as_ref().map(|id| id.as_str().to_owned()),
            allow: key.allow.iter().map(Network::to_string).collect(),
            owner: key.owner.clone(),
            labels: key.labels.clone(),
        }
    }
}

/// A key that mint or rotate made. It has its secret only when stdout is the sink.
#[derive(Serialize)]
pub struct Minted<'a> {
    #[serde(flatten)]
    view: KeyView,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced: Option<KeyView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

impl<'a> Minted<'a> {
    /// A minted key, with the key it replaces and its secret where they are to be shown.
    pub fn new(
        key: &Key,
        replaced: Option<&Key>,
        secret: Option<&'a Secret>,
        now: Timestamp,
    ) -> Self {
        Self {
            view: KeyView::new(key, now),
            replaced: replaced.map(|replaced| KeyView::new(replaced, now)),
            key: secret.map(Secret::expose),
        }
    }
}

/// A revoked key.
#[derive(Debug, Serialize)]
pub struct Revoked {
    #[serde(flatten)]
    view: KeyView,
    changed: bool,
}

impl Revoked {
    /// A key after revoking; `changed` is false when it was revoked before.
    pub fn new(key: &Key, changed: bool, now: Timestamp) -> Self {
        Self {
            view: KeyView::new(key, now),
            changed,
        }
    }
}

/// Several records under one name.
#[derive(Debug, Serialize)]
pub struct Keys<T> {
    /// The records.
    pub keys: Vec<T>,
}

/// A workspace.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceView {
    name: String,
    preset: Option<String>,
    plan: Option<String>,
    created_at: String,
    keys: CensusView,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<Policy>,
}

#[derive(Debug, Serialize)]
struct CensusView {
    active: u64,
    pending: u64,
    disabled: u64,
}

impl WorkspaceView {
    /// A workspace and its counts.
    pub fn new(workspace: &Workspace, census: Census) -> Self {
        Self {
            name: workspace.name.clone(),
            preset: workspace.preset.clone(),
            plan: workspace.plan.clone(),
            created_at: workspace.created_at.to_string(),
            keys: CensusView {
                active: census.active,
                pending: census.pending,
                disabled: census.disabled,
            },
            policy: None,
        }
    }

    /// The same with its policy.
    #[must_use]
    pub fn with_policy(mut self, policy: &Policy) -> Self {
        self.policy = Some(policy.clone());
        self
    }
}

/// All workspaces.
#[derive(Debug, Serialize)]
pub struct Workspaces {
    /// The records.
    pub workspaces: Vec<WorkspaceView>,
}

/// A verdict.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictView {
    valid: bool,
    code: &'static str,
    status: u16,
    message: &'static str,
    subject: Option<KeyView>,
    retry_after: Option<u64>,
    remaining: Option<u64>,
    recorded: bool,
}

impl VerdictView {
    /// The verdict as it is answered.
    pub fn new(code: Code, subject: Option<&Key>, recorded: bool, now: Timestamp) -> Self {
        Self {
            valid: code == Code::Valid,
            code: code.word(),
            status: code.http_status(),
            message: code.message(),
            subject: subject.map(|key| KeyView::new(key, now)),
            retry_after: None,
            remaining: None,
            recorded,
        }
    }
}

/// Who is calling.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallerView {
    workspace: Option<String>,
    scopes: Vec<String>,
    prefix: String,
    name: String,
    id: Option<String>,
    created_at: Option<String>,
    last_used_at: Option<String>,
    kind: &'static str,
}

impl CallerView {
    /// The person at the terminal; their prefix is empty.
    pub fn operator(name: &str, workspace: Option<String>) -> Self {
        Self {
            workspace,
            scopes: Vec::new(),
            prefix: String::new(),
            name: name.to_owned(),
            id: None,
            created_at: None,
            last_used_at: None,
            kind: "operator",
        }
    }

    /// A key that acts.
    pub fn key(key: &Key) -> Self {
        Self {
            workspace: Some(key.workspace.clone()),
            scopes: key.scopes.clone(),
            prefix: key.prefix.clone(),
            name: key.name.clone(),
            id: Some(key.id.as_str().to_owned()),
            created_at: Some(key.created_at.to_string()),
            last_used_at: text(key.last_used_at),
            kind: "key",
        }
    }
}

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

fn text(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}
