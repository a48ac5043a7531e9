//! Reading a line of an import.
//!
//! This module never repeats a part of a line that may be a secret.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fields::{FormatFields, WorkspaceFields, said};
use super::key::{KeyFields, LONGEST_PREFIX, key};
use super::{Line, WorkspaceLine, place_of, texts};
use crate::domain::exposure::parts;
use crate::domain::form::HashForm;
use crate::domain::known_format::KnownFormat;
use crate::domain::label::check_text;
use crate::domain::name::is_invisible;
use crate::domain::policy::Policy;
use crate::domain::sanitize::Safe;
use crate::domain::secret::SecretHash;
use crate::error::{Error, Result};

/// What kind of line it is, whatever else it says.
#[derive(Deserialize)]
struct Kinds {
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Line {
    /// Reads a line of JSON. Nothing of the line's own text is in an error but names of fields and the checked name.
    /// A hash is of the given form, SHA-256 of the whole token where there is none, unless the line names another.
    pub fn parse(line: &[u8], usual: Option<HashForm>) -> Result<Self> {
        let text =
            std::str::from_utf8(line).map_err(|_| Error::usage("the line is not UTF-8 text"))?;
        let kinds: Kinds =
            serde_json::from_str(text).map_err(|error| unreadable::<Kinds>(text, &error))?;
        match kinds.kind.as_deref() {
            Some("workspace") => {
                let fields: WorkspaceFields = serde_json::from_str(text)
                    .map_err(|error| unreadable::<WorkspaceFields>(text, &error))?;
                workspace(fields, said(text)).map(|line| Self::Workspace(Box::new(line)))
            }
            Some("format") => {
                let fields: FormatFields = serde_json::from_str(text)
                    .map_err(|error| unreadable::<FormatFields>(text, &error))?;
                format(&fields).map(Self::Format)
            }
            None | Some("key") => {
                let fields: KeyFields = serde_json::from_str(text)
                    .map_err(|error| unreadable::<KeyFields>(text, &error))?;
                let form = form(&fields, usual)?;
                let hash = hash(form, &fields.hash)?;
                let is_it = |part: &[u8]| form.hash(part) == Some(hash);
                let has_it = |text: &str| parts(text.as_bytes()).into_iter().any(is_it);
                if let Some(it) = texts(line).iter().find(|text| has_it(text)) {
                    let place = place_of(line, it);
                    return Err(Error::usage(format!(
                        "{place} contains the key's whole secret, which must not be in a record"
                    )));
                }
                key(fields, said(text), (form, hash)).map(|key| Self::Key(Box::new(key)))
            }
            Some(_) => Err(Error::usage("the field type is neither key, workspace nor format")),
        }
    }
}

fn workspace(fields: WorkspaceFields, said: BTreeSet<String>) -> Result<WorkspaceLine> {
    let policy = Policy::from_toml(&fields.policy)?;
    if let Some(plan) = &fields.plan {
        policy.plan(plan)?;
    }
    if let Some(preset) = &fields.preset {
        check_text("preset", preset)?;
    }
    Ok(WorkspaceLine {
        said,
        name: fields.name.parse()?,
        preset: fields.preset,
        policy,
        plan: fields.plan,
    })
}

fn format(fields: &FormatFields) -> Result<KnownFormat> {
    if fields.prefix.len() > LONGEST_PREFIX || fields.prefix.chars().any(is_invisible) {
        return Err(Error::usage("the field prefix is too long or contains invisible characters"));
    }
    fields.format()
}

/// The form that a line names, or its hash's tag; the usual one where neither does.
fn form(fields: &KeyFields, usual: Option<HashForm>) -> Result<HashForm> {
    let Some(word) = &fields.algorithm else {
        return Ok(HashForm::tagged(&fields.hash).or(usual).unwrap_or(HashForm::Sha256));
    };
    HashForm::of(word).ok_or_else(|| match HashForm::unfit(word) {
        Some(what) => lost("algorithm", what),
        None => Error::usage("the field algorithm is not a form of a hash that can be imported")
            .hinted(format!("one of {}", HashForm::words().join(", "))),
    })
}

/// The error of a hash that no key can be found by.
fn lost(field: &str, what: &str) -> Error {
    Error::usage(format!(
        "the field {field} says that the hash is {what}, which no token can be looked up by: mint a new key for its holder and accept both until it is in use"
    ))
}

fn hash(form: HashForm, text: &str) -> Result<SecretHash> {
    if let Some(what) = HashForm::unfit(text) {
        return Err(lost("hash", what));
    }
    form.read(text).ok_or_else(|| match form {
        HashForm::Sha512 => {
            Error::usage("the field hash is not a SHA-512 in hexadecimal or Base64")
                .hinted("a hash is 128 hexadecimal digits, or 88 characters of Base64")
        }
        _ => Error::usage("the field hash is not a SHA-256 in hexadecimal or Base64")
            .hinted("a hash is 64 hexadecimal digits, or 44 characters of Base64"),
    })
}

/// What serde says about a line, without its content, which may be a secret: the names of fields and what they take.
fn unreadable<T: DeserializeOwned>(text: &str, error: &serde_json::Error) -> Error {
    let said = error.to_string();
    if said.starts_with("unknown field `key`") {
        return Error::usage(
            "the line has the field key, which is for a secret: only hashes are imported",
        )
        .hinted("give the SHA-256 of the secret in the field hash");
    }
    for front in ["unknown field `", "missing field `", "duplicate field `"] {
        if let Some(rest) = said.strip_prefix(front) {
            let name = rest.split('`').next().unwrap_or_default();
            return Error::usage(format!("{front}{}`", Safe(name)));
        }
    }
    let fields: BTreeMap<String, Value> = match error.classify() {
        serde_json::error::Category::Data => serde_json::from_str(text).unwrap_or_default(),
        _ => BTreeMap::new(),
    };
    // Each field is tried without the others, whose absence is reported only after its own type.
    for (name, value) in fields {
        let alone = Value::Object([(name.clone(), value)].into_iter().collect());
        let tried = serde_json::from_value::<T>(alone).err().map(|error| error.to_string());
        let wanted = tried.as_deref().filter(|said| said.starts_with("invalid "));
        if let Some((_, wanted)) = wanted.and_then(|said| said.rsplit_once(", expected ")) {
            let wanted = wanted.replace("a sequence", "a list").replace("a map", "an object");
            let wanted = wanted.replace("i64", "a whole number");
            return Error::usage(format!("the field {} is not {wanted}", Safe(&name)));
        }
    }
    Error::usage("the line is not a JSON object")
}
