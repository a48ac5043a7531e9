//! The fields of a line as written: what an export writes and an import reads, and which of their texts could wrongly
//! contain a secret.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::domain::exposure::unescaped;
use crate::domain::form::HashForm;
use crate::domain::key::{Key, Status};
use crate::domain::known_format::KnownFormat;
use crate::domain::sanitize::Safe;
use crate::domain::timestamp::Timestamp;
use crate::domain::workspace::Workspace;
use crate::error::{Error, Result};

/// A workspace.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceFields {
    r#type: String,
    pub(super) name: String,
    pub(super) preset: Option<String>,
    pub(super) policy: String,
    pub(super) plan: Option<String>,
}

/// A token format that is not a workspace's any more, or what imported tokens begin with, of which no template is known.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatFields {
    r#type: String,
    pub(super) token: Option<String>,
    pub(super) alphabet: Option<String>,
    pub(super) prefix: String,
    pub(super) environments: Vec<String>,
}

/// A key, of which other systems say the name and the hash alone.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct KeyFields {
    r#type: Option<String>,
    pub(super) workspace: Option<String>,
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) environment: Option<String>,
    #[serde(default, deserialize_with = "absent")]
    pub(super) scopes: Vec<String>,
    pub(super) prefix: Option<String>,
    pub(super) short: Option<String>,
    pub(super) key_hint: Option<String>,
    pub(super) status: Option<String>,
    pub(super) algorithm: Option<String>,
    pub(super) hash: String,
    /// Whether another system minted the key.
    #[serde(default, deserialize_with = "absent")]
    pub(super) foreign: bool,
    pub(super) created_at: Option<Value>,
    pub(super) created_by: Option<String>,
    pub(super) expires_at: Option<Value>,
    #[serde(default, deserialize_with = "absent")]
    pub(super) expired: bool,
    pub(super) last_used_at: Option<Value>,
    pub(super) revoked_at: Option<Value>,
    pub(super) revoked_reason: Option<String>,
    pub(super) revoked_message: Option<String>,
    pub(super) replaces: Option<String>,
    pub(super) grace_millis: Option<i64>,
    pub(super) previous_expires_at: Option<Value>,
    pub(super) replaced_by: Option<String>,
    #[serde(default, deserialize_with = "absent")]
    pub(super) allow: Vec<String>,
    pub(super) owner: Option<String>,
    #[serde(default, deserialize_with = "absent")]
    pub(super) labels: BTreeMap<String, String>,
    pub(super) plan: Option<String>,
}

/// What null means in a field that need not be there.
pub fn absent<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl From<&Workspace> for WorkspaceFields {
    fn from(workspace: &Workspace) -> Self {
        Self {
            r#type: "workspace".to_owned(),
            name: workspace.name.clone(),
            preset: workspace.preset.clone(),
            policy: workspace.policy.to_toml(),
            plan: workspace.plan.clone(),
        }
    }
}

impl From<&KnownFormat> for FormatFields {
    fn from(format: &KnownFormat) -> Self {
        let (template, alphabet, prefix, environments) = format.parts();
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self {
            r#type: "format".to_owned(),
            token: known(&template),
            alphabet: known(alphabet),
            prefix: prefix.to_owned(),
            environments: environments.to_vec(),
        }
    }
}

impl FormatFields {
    /// The format.
    pub fn format(&self) -> Result<KnownFormat> {
        let [template, alphabet] =
            [&self.token, &self.alphabet].map(|field| field.as_deref().unwrap_or_default());
        KnownFormat::new(template, alphabet, &self.prefix, self.environments.clone()).map_err(
            |_| {
                Error::usage(
                    "the fields token, alphabet, prefix and environments are not a token format",
                )
            },
        )
    }
}

impl KeyFields {
    /// The key's fields, its status as of this moment.
    pub fn of(key: &Key, now: Timestamp) -> Self {
        let text = |time: Option<Timestamp>| time.map(|time| Value::String(time.to_string()));
        let rotation = key.rotation.as_ref();
        Self {
            r#type: Some("key".to_owned()),
            workspace: Some(key.workspace.clone()),
            id: Some(key.id.as_str().to_owned()),
            name: key.name.clone(),
            environment: Some(key.environment.clone()),
            scopes: key.scopes.clone(),
            prefix: Some(key.prefix.clone()),
            short: Some(key.short.clone()),
            key_hint: Some(key.hint.clone()),
            status: Some(key.status(now).word().to_owned()),
            algorithm: Some(key.form.unwrap_or(HashForm::Sha256).word().to_owned()),
            hash: key.hash.to_hex(),
            foreign: key.form.is_some(),
            created_at: text(Some(key.created_at)),
            created_by: Some(key.created_by.clone()),
            expires_at: text(key.expires_at),
            expired: key.ended(now) == Some(Status::Expired),
            last_used_at: text(key.last_used_at),
            revoked_at: text(key.revoked_at.or(key.lapsed_at(now))),
            revoked_reason: key.revoked_reason.clone(),
            revoked_message: key.revoked_message.clone(),
            replaces: key.replaces().map(|id| id.as_str().to_owned()),
            grace_millis: rotation.map(|rotation| rotation.grace_millis),
            previous_expires_at: text(key.previous_expires_at()),
            replaced_by: key.replaced_by.as_ref().map(|id| id.as_str().to_owned()),
            allow: key.allow.iter().map(ToString::to_string).collect(),
            owner: key.owner.clone(),
            labels: key.labels.clone(),
            plan: key.plan.clone(),
        }
    }
}

/// The fields in which null is a value: that there is none. In any other it is as good as the field's absence.
const NONE_IS_SAID: [&str; 10] = [
    "preset",
    "plan",
    "expiresAt",
    "revokedAt",
    "revokedReason",
    "revokedMessage",
    "replaces",
    "previousExpiresAt",
    "replacedBy",
    "owner",
];

/// The names of a line's fields; none if it is not a JSON object.
pub(super) fn said(line: &str) -> BTreeSet<String> {
    let fields: BTreeMap<String, Option<IgnoredAny>> =
        serde_json::from_str(line).unwrap_or_default();
    let given = |(field, value): (String, Option<IgnoredAny>)| {
        let is_said = value.is_some() || NONE_IS_SAID.contains(&field.as_str());
        is_said.then_some(field)
    };
    fields.into_iter().filter_map(given).collect()
}

/// What is checked for a form that no secret has, or is a hash.
const CHECKED: [&str; 12] = [
    "type",
    "id",
    "status",
    "algorithm",
    "hash",
    "createdAt",
    "expiresAt",
    "lastUsedAt",
    "revokedAt",
    "replaces",
    "previousExpiresAt",
    "replacedBy",
];
/// What is part of a token, and may look like one.
const PUBLIC: [&str; 3] = ["prefix", "short", "keyHint"];

/// Every text of a line and the name of every field, except what is checked otherwise; nothing if the line is not JSON.
pub fn texts(line: &[u8]) -> Vec<String> {
    without(line, &[])
}

/// Those that may be judged by how they look.
pub fn free_texts(line: &[u8]) -> Vec<String> {
    without(line, &PUBLIC)
}

/// What an error calls the field in which one of those texts stands; the name of a field may be the text itself.
pub fn place_of(line: &[u8], text: &str) -> String {
    let fields: Map<String, Value> = serde_json::from_slice(line).unwrap_or_default();
    let holder = fields.into_iter().find(|(name, value)| {
        let mut texts = Vec::new();
        walk(value.clone(), &mut texts);
        name != text && texts.iter().any(|inside| inside == text)
    });
    holder.map_or_else(|| "a field".to_owned(), |(name, _)| format!("the field {}", Safe(&name)))
}

fn without(line: &[u8], public: &[&str]) -> Vec<String> {
    let mut texts = Vec::new();
    let Ok(Value::Object(fields)) = serde_json::from_slice(line) else {
        return texts;
    };
    for (name, value) in fields {
        if CHECKED.contains(&name.as_str()) || public.contains(&name.as_str()) {
            continue;
        }
        // A policy is a document of its own, which may be written with escapes again.
        if let ("policy", Value::String(policy)) = (name.as_str(), &value) {
            texts.extend(unescaped(policy));
        }
        texts.push(name);
        walk(value, &mut texts);
    }
    texts
}

fn walk(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.into_iter().for_each(|value| walk(value, texts)),
        Value::Object(fields) => {
            for (name, value) in fields {
                texts.push(name);
                walk(value, texts);
            }
        }
        _ => {}
    }
}
