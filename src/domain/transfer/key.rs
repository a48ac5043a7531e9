//! A line of a key: its fields as an export writes and an import reads them, and what they mean.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::absent;
use crate::domain::address::Network;
use crate::domain::form::HashForm;
use crate::domain::key::{Key, KeyId, Rotation, State, Status};
use crate::domain::label::{Label, Owner};
use crate::domain::mapping::{WANTED_TIME, read_time};
use crate::domain::name::{Name, is_invisible};
use crate::domain::secret::SecretHash;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Result};

/// The longest prefix, in characters: more than a template's 200 can become.
pub(super) const LONGEST_PREFIX: usize = 1024;
/// The longest public part, and the longest of what has no measure of its own, in characters.
const LONGEST_WORD: usize = 256;
/// The longest message of a revocation, in bytes: what an argument can be (Linux, `MAX_ARG_STRLEN`).
const LONGEST_MESSAGE: usize = 128 * 1024;
/// The longest hint, in characters.
const LONGEST_HINT: usize = 8;

/// Declares a line's fields, each with its name in JSON.
macro_rules! fields {
    (
        $(#[$of_all:meta])*
        pub struct $line:ident {
            $($(#[$of:meta])* $field:ident: $type:ty = $name:literal,)*
        }
    ) => {
        $(#[$of_all])*
        pub struct $line {
            $($(#[$of])* #[serde(rename = $name)] pub(super) $field: $type,)*
        }

        impl $line {
            /// The name of each field, and whether the two say something else in it.
            pub(super) fn compared(&self, other: &Self) -> impl Iterator<Item = (&'static str, bool)> {
                [$(($name, self.$field != other.$field)),*].into_iter()
            }
        }
    };
}

fields! {
    /// A key, of which other systems say the name and the hash alone.
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct KeyFields {
        r#type: Option<String> = "type",
        workspace: Option<String> = "workspace",
        id: Option<String> = "id",
        name: String = "name",
        environment: Option<String> = "environment",
        #[serde(default, deserialize_with = "absent")]
        scopes: Vec<String> = "scopes",
        prefix: Option<String> = "prefix",
        short: Option<String> = "short",
        key_hint: Option<String> = "keyHint",
        status: Option<String> = "status",
        algorithm: Option<String> = "algorithm",
        hash: String = "hash",
        /// Whether another system minted the key.
        #[serde(default, deserialize_with = "absent")]
        foreign: bool = "foreign",
        created_at: Option<Value> = "createdAt",
        created_by: Option<String> = "createdBy",
        expires_at: Option<Value> = "expiresAt",
        #[serde(default, deserialize_with = "absent")]
        expired: bool = "expired",
        last_used_at: Option<Value> = "lastUsedAt",
        revoked_at: Option<Value> = "revokedAt",
        revoked_reason: Option<String> = "revokedReason",
        revoked_message: Option<String> = "revokedMessage",
        replaces: Option<String> = "replaces",
        grace_millis: Option<i64> = "graceMillis",
        previous_expires_at: Option<Value> = "previousExpiresAt",
        replaced_by: Option<String> = "replacedBy",
        #[serde(default, deserialize_with = "absent")]
        allow: Vec<String> = "allow",
        owner: Option<String> = "owner",
        #[serde(default, deserialize_with = "absent")]
        labels: BTreeMap<String, String> = "labels",
        plan: Option<String> = "plan",
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

/// A key to import. `None` means that the line does not have the field.
#[derive(Debug, Clone)]
pub struct KeyLine {
    /// The fields that the line gives.
    pub said: BTreeSet<String>,
    pub workspace: Option<String>,
    pub id: Option<KeyId>,
    pub name: Name,
    pub environment: Option<String>,
    pub created_at: Option<Timestamp>,
    pub created_by: Option<String>,
    /// Whether its time is over already, whatever the clock here says.
    pub has_expired: bool,
    /// What it says beside these, which are blank there.
    pub key: Key,
}

/// Reads the fields of a line.
pub(super) fn key(
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
        created_at: time("createdAt", fields.created_at)?,
        created_by: fields.created_by,
        has_expired,
        key: Key {
            scopes: fields.scopes,
            prefix: fields.prefix.unwrap_or_default(),
            short: fields.short.unwrap_or_default(),
            hint: fields.key_hint.unwrap_or_default(),
            hash,
            // A record that has the whole token's SHA-256 may be of a key that keyward minted.
            form: Some(form).filter(|form| is_foreign || *form != HashForm::Sha256),
            state,
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
            ..Key::blank()
        },
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
