//! Reading a line of an import.
//!
//! This module never repeats a part of a line that may be a secret.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fields::{FormatFields, KeyFields, WorkspaceFields, said};
use super::{KeyLine, Line, WorkspaceLine, place_of, texts};
use crate::domain::address::Network;
use crate::domain::exposure::parts;
use crate::domain::form::HashForm;
use crate::domain::key::{KeyId, Rotation, State};
use crate::domain::known_format::KnownFormat;
use crate::domain::label::{Label, Owner, check_text};
use crate::domain::mapping::{WANTED_TIME, read_time};
use crate::domain::name::is_invisible;
use crate::domain::policy::Policy;
use crate::domain::sanitize::Safe;
use crate::domain::secret::SecretHash;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Result};

/// The longest prefix, in characters: more than a template's 200 can become.
const LONGEST_PREFIX: usize = 1024;
/// The longest public part, and the longest of what has no measure of its own, in characters.
const LONGEST_WORD: usize = 256;
/// The longest message of a revocation, in bytes: what an argument can be (Linux, `MAX_ARG_STRLEN`).
const LONGEST_MESSAGE: usize = 128 * 1024;
/// The longest hint, in characters.
const LONGEST_HINT: usize = 8;

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

fn key(
    fields: KeyFields,
    said: BTreeSet<String>,
    (form, hash): (HashForm, SecretHash),
) -> Result<KeyLine> {
    let texts = [
        ("prefix", &fields.prefix, LONGEST_PREFIX),
        ("short", &fields.short, LONGEST_WORD),
        ("keyHint", &fields.key_hint, LONGEST_HINT),
        ("createdBy", &fields.created_by, LONGEST_WORD),
        ("revokedReason", &fields.revoked_reason, LONGEST_WORD),
        ("environment", &fields.environment, LONGEST_WORD),
    ];
    for (name, text, longest) in texts {
        let Some(text) = text else { continue };
        if text.chars().any(is_invisible) {
            let message = format!("the field {name} contains invisible characters");
            return Err(Error::usage(message));
        }
        if text.chars().count() > longest {
            let message = format!("the field {name} has more than {longest} characters");
            return Err(Error::usage(message));
        }
    }
    // The operator's own words: revoking takes any.
    let message = fields.revoked_message.as_deref().unwrap_or_default();
    if message.len() > LONGEST_MESSAGE {
        let why = format!("the field revokedMessage is longer than {LONGEST_MESSAGE} bytes");
        return Err(Error::usage(why));
    }
    let revoked_at = time("revokedAt", fields.revoked_at)?;
    let state = match fields.status.as_deref() {
        // An expired key is an active one whose time is over.
        None | Some("expired") => State::Active,
        Some(word) => State::of(word).ok_or_else(|| {
            const WANTED: &str = "active, pending, disabled, revoked or expired";
            Error::usage(format!("the field status is not {WANTED}"))
        })?,
    };
    let expires_at = time("expiresAt", fields.expires_at)?;
    let has_expired = fields.expired || fields.status.as_deref() == Some("expired");
    if has_expired && expires_at.is_none() {
        return Err(Error::usage("an expired key needs the field expiresAt"));
    }
    let of_the_revoked = [
        ("revokedAt", revoked_at.is_some()),
        ("revokedReason", fields.revoked_reason.is_some()),
        ("revokedMessage", fields.revoked_message.is_some()),
    ];
    let given = of_the_revoked.iter().find(|(_, is_given)| *is_given);
    if let (Some((name, _)), true) = (given, state != State::Revoked) {
        return Err(Error::usage(format!("the field {name} belongs to a revoked key")));
    }
    let rotation = match (fields.replaces, fields.grace_millis) {
        (Some(replaces), grace) => Some(Rotation {
            replaces: id("replaces", replaces)?,
            grace_millis: grace.unwrap_or(0).max(0),
            previous_expires_at: time("previousExpiresAt", fields.previous_expires_at)?,
        }),
        (None, _) => None,
    };
    let mut labels = BTreeMap::new();
    for (name, value) in fields.labels {
        if name.contains('=') {
            return Err(Error::usage("the field labels has a name with an ="));
        }
        let label: Label = format!("{name}={value}").parse()?;
        labels.insert(label.name, label.value);
    }
    let networks = fields.allow.iter().map(|network| {
        let network = network.parse::<Network>();
        network.map_err(|_| {
            Error::usage("the field allow has an entry that is not an address or network")
        })
    });
    let owner = fields.owner.map(|owner| owner.parse::<Owner>()).transpose();
    let is_foreign = fields.foreign || fields.id.is_none();
    Ok(KeyLine {
        said,
        workspace: fields.workspace,
        id: fields.id.map(|text| id("id", text)).transpose()?,
        name: fields.name.parse()?,
        environment: fields.environment,
        scopes: fields.scopes,
        prefix: fields.prefix.unwrap_or_default(),
        short: fields.short.unwrap_or_default(),
        hint: fields.key_hint.unwrap_or_default(),
        hash,
        // A record that has the whole token's SHA-256 may be of a key that keyward minted.
        form: Some(form).filter(|form| is_foreign || *form != HashForm::Sha256),
        state,
        created_at: time("createdAt", fields.created_at)?,
        created_by: fields.created_by,
        has_expired,
        expires_at,
        last_used_at: time("lastUsedAt", fields.last_used_at)?,
        revoked_at,
        revoked_reason: fields.revoked_reason,
        revoked_message: fields.revoked_message,
        rotation,
        replaced_by: fields.replaced_by.map(|text| id("replacedBy", text)).transpose()?,
        allow: networks.collect::<Result<_>>()?,
        owner: owner
            .map_err(|_| Error::usage("the field owner is not a valid owner"))?
            .map(|owner| owner.0),
        labels,
        plan: fields.plan,
    })
}

fn id(field: &str, text: String) -> Result<KeyId> {
    let random = text.strip_prefix(KeyId::PREFIX).unwrap_or_default();
    let is_id = random.len() == KeyId::RANDOM_LENGTH
        && random.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    if is_id {
        Ok(KeyId::from_stored(text))
    } else {
        Err(Error::usage(format!("the field {field} is not a key id"))
            .hinted("leave it out to have one generated"))
    }
}

fn time(field: &str, value: Option<Value>) -> Result<Option<Timestamp>> {
    read_time(&value.unwrap_or_default())
        .ok_or_else(|| Error::usage(format!("the field {field} is not {WANTED_TIME}")))
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
