//! Exactly the fields a user may see, in the order and with the names that scripts rely on.
//!
//! This module never reads a store. A secret appears in one place alone: [`Minted`], for mint and rotate on stdout.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Deref;

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::address::Network;
use crate::domain::audit::Event;
use crate::domain::key::{Key, KeyId, Status, UNDELIVERED};
use crate::domain::policy::Policy;
use crate::domain::secret::Secret;
use crate::domain::timestamp::Timestamp;
use crate::domain::verdict::{Code, Verdict};
use crate::domain::workspace::{Census, Workspace};

/// A key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyView<'a> {
    id: &'a str,
    workspace: &'a str,
    name: &'a str,
    environment: &'a str,
    scopes: &'a [String],
    prefix: &'a str,
    short: &'a str,
    key_hint: &'a str,
    status: Status,
    created_at: Moment,
    created_by: &'a str,
    expires_at: Option<Moment>,
    last_used_at: Option<Moment>,
    revoked_at: Option<Moment>,
    revoked_reason: Option<&'a str>,
    replaces: Option<&'a str>,
    replaced_by: Option<&'a str>,
    #[serde(serialize_with = "texts")]
    allow: &'a [Network],
    owner: Option<&'a str>,
    labels: &'a BTreeMap<String, String>,
}

impl<'a> KeyView<'a> {
    /// The key as it is at this moment.
    pub fn new(key: &'a Key, now: Timestamp) -> Self {
        // A pending key that waited too long is revoked without anybody having written so.
        let lapsed_at = key.lapsed_at(now);
        let rotation = key.rotation.as_ref();
        Self {
            id: key.id.as_str(),
            workspace: &key.workspace,
            name: &key.name,
            environment: &key.environment,
            scopes: &key.scopes,
            prefix: &key.prefix,
            short: &key.short,
            key_hint: &key.hint,
            status: key.status(now),
            created_at: Moment(key.created_at),
            created_by: &key.created_by,
            expires_at: key.expires_at.map(Moment),
            last_used_at: key.last_used_at.map(Moment),
            revoked_at: key.revoked_at.or(lapsed_at).map(Moment),
            revoked_reason: key
                .revoked_reason
                .as_deref()
                .or_else(|| lapsed_at.map(|_| UNDELIVERED)),
            replaces: rotation.map(|rotation| rotation.replaces.as_str()),
            replaced_by: key.replaced_by.as_ref().map(KeyId::as_str),
            allow: &key.allow,
            owner: key.owner.as_deref(),
            labels: &key.labels,
        }
    }
}

/// A key that mint or rotate made. It has its secret only when stdout is the sink.
#[derive(Serialize)]
pub struct Minted<'a> {
    #[serde(flatten)]
    view: KeyView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced: Option<KeyView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

impl<'a> Minted<'a> {
    /// A minted key, with the key it replaces and its secret where they are to be shown.
    pub fn new(
        key: &'a Key,
        replaced: Option<&'a Key>,
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
pub struct Revoked<'a> {
    #[serde(flatten)]
    view: KeyView<'a>,
    changed: bool,
}

impl<'a> Revoked<'a> {
    /// A key after revoking; `changed` is false when it was revoked before.
    pub fn new(key: &'a Key, changed: bool, now: Timestamp) -> Self {
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
pub struct VerdictView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    valid: bool,
    code: &'static str,
    status: u16,
    message: &'a str,
    subject: Option<KeyView<'a>>,
    retry_after: Option<u64>,
    remaining: Option<u64>,
    recorded: bool,
}

impl<'a> VerdictView<'a> {
    /// The verdict as it is answered.
    pub fn new<S: Deref<Target = Key>>(verdict: &'a Verdict<S>, now: Timestamp) -> Self {
        let subject = verdict.subject.as_deref().map(|key| KeyView {
            last_used_at: verdict.last_used_at.map(Moment),
            ..KeyView::new(key, now)
        });
        Self {
            id: None,
            valid: verdict.code == Code::Valid,
            code: verdict.code.word(),
            status: verdict.code.http_status(),
            message: verdict.code.message(),
            subject,
            retry_after: verdict.retry_after,
            remaining: verdict.remaining,
            recorded: verdict.recorded,
        }
    }

    /// What a stream answers a line for which there is no verdict.
    pub fn none(code: &'static str, status: u16, message: &'a str) -> Self {
        Self {
            id: None,
            valid: false,
            code,
            status,
            message,
            subject: None,
            retry_after: None,
            remaining: None,
            recorded: false,
        }
    }

    /// The same for a request with this id.
    #[must_use]
    pub fn to(mut self, id: Option<&'a RawValue>) -> Self {
        self.id = id;
        self
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

/// A point in time as scripts read it: RFC 3339 in UTC with milliseconds.
#[derive(Debug, Clone, Copy)]
struct Moment(Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

fn texts<T: Display, S: Serializer>(items: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(items.iter().map(|item| item.to_string()))
}

fn text(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}
