//! The lines of an export, and what became of those of an import.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Moment;
use crate::domain::key::{Key, Status};
use crate::domain::secret::SecretHash;
use crate::domain::timestamp::Timestamp;
use crate::domain::transfer::LineOutcome;
use crate::domain::workspace::Workspace;

#[derive(Debug, Serialize)]
pub struct WorkspaceLineView<'a> {
    r#type: &'static str,
    name: &'a str,
    preset: Option<&'a str>,
    policy: String,
    plan: Option<&'a str>,
}

impl<'a> WorkspaceLineView<'a> {
    pub fn new(workspace: &'a Workspace) -> Self {
        Self {
            r#type: "workspace",
            name: &workspace.name,
            preset: workspace.preset.as_deref(),
            policy: workspace.policy.to_toml(),
            plan: workspace.plan.as_deref(),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyLineView<'a> {
    r#type: &'static str,
    workspace: &'a str,
    id: &'a str,
    name: &'a str,
    environment: &'a str,
    scopes: &'a [String],
    prefix: &'a str,
    short: &'a str,
    key_hint: &'a str,
    status: &'static str,
    algorithm: &'static str,
    hash: String,
    created_at: Moment,
    created_by: &'a str,
    expires_at: Option<Moment>,
    expired: bool,
    last_used_at: Option<Moment>,
    revoked_at: Option<Moment>,
    revoked_reason: Option<&'a str>,
    revoked_message: Option<&'a str>,
    replaces: Option<&'a str>,
    grace_millis: Option<i64>,
    previous_expires_at: Option<Moment>,
    replaced_by: Option<&'a str>,
    allow: Vec<String>,
    owner: Option<&'a str>,
    labels: &'a BTreeMap<String, String>,
}

impl<'a> KeyLineView<'a> {
    /// The key's line, its status as of this moment.
    pub fn new(key: &'a Key, now: Timestamp) -> Self {
        let rotation = key.rotation.as_ref();
        let lapsed_at = key.lapsed_at(now);
        Self {
            r#type: "key",
            workspace: &key.workspace,
            id: key.id.as_str(),
            name: &key.name,
            environment: &key.environment,
            scopes: &key.scopes,
            prefix: &key.prefix,
            short: &key.short,
            key_hint: &key.hint,
            status: key.status(now).word(),
            algorithm: SecretHash::ALGORITHM,
            hash: key.hash.to_hex(),
            created_at: Moment(key.created_at),
            created_by: &key.created_by,
            expires_at: key.expires_at.map(Moment),
            expired: key.ended(now) == Some(Status::Expired),
            last_used_at: key.last_used_at.map(Moment),
            revoked_at: key.revoked_at.or(lapsed_at).map(Moment),
            revoked_reason: key.revoked_reason.as_deref(),
            revoked_message: key.revoked_message.as_deref(),
            replaces: rotation.map(|rotation| rotation.replaces.as_str()),
            grace_millis: rotation.map(|rotation| rotation.grace_millis),
            previous_expires_at: rotation
                .and_then(|rotation| rotation.previous_expires_at)
                .map(Moment),
            replaced_by: key.replaced_by.as_ref().map(|id| id.as_str()),
            allow: key.allow.iter().map(ToString::to_string).collect(),
            owner: key.owner.as_deref(),
            labels: &key.labels,
        }
    }
}

#[derive(Debug, Serialize)]
pub struct ImportView<'a> {
    index: u64,
    line: u64,
    code: &'static str,
    id: Option<&'a str>,
    name: Option<&'a str>,
    fields: &'a [&'static str],
    message: Option<&'a str>,
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
            message: outcome.refusal.as_ref().map(|(_, why)| why.as_str()),
        }
    }
}
