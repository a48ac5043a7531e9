//! The fields of a workspace's or a format's line as written, which fields a line gives, and which of their texts could wrongly
//! contain a secret.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::domain::exposure::unescaped;
use crate::domain::known_format::KnownFormat;
use crate::domain::sanitize::Safe;
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

/// What null means in a field that need not be there.
pub fn absent<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The fields that every record has: null is as good as their absence. In any other it is a value, that there is none.
const ALWAYS: [&str; 13] = [
    "id",
    "environment",
    "scopes",
    "prefix",
    "short",
    "keyHint",
    "status",
    "foreign",
    "createdAt",
    "createdBy",
    "graceMillis",
    "allow",
    "labels",
];

/// The names of a line's fields; none if it is not a JSON object.
pub(super) fn said(line: &str) -> BTreeSet<String> {
    let fields: BTreeMap<String, Option<IgnoredAny>> =
        serde_json::from_str(line).unwrap_or_default();
    let given = |(field, value): (String, Option<IgnoredAny>)| {
        let is_said = value.is_some() || !ALWAYS.contains(&field.as_str());
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
