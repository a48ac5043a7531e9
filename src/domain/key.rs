//! The record of a key, and how it is stored.
//!
//! This module never holds a secret.

use std::collections::BTreeMap;
use std::fmt;

use rand::TryCryptoRng;
use serde::Serialize;

use crate::domain::address::Network;
use crate::domain::alphabet::Alphabet;
use crate::domain::form::HashForm;
pub use crate::domain::life::{Life, State, Status};
use crate::domain::sanitize::Safe;
use crate::domain::secret::SecretHash;
use crate::domain::stored::Stored::{Hash, Labels, Maybe, Networks, Number, Text, Texts, Time};
use crate::domain::stored::{Field, Source};
use crate::domain::timestamp::Timestamp;
use crate::domain::workspace::WorkspaceId;
use crate::error::{Error, Kind, Result};

/// The reason recorded for a key whose secret never reached a holder.
pub const UNDELIVERED: &str = "undelivered";
/// What is recorded as the reason where none was given.
pub const UNSPECIFIED: &str = "unspecified";
/// The reason recorded for a key that another took the place of at once.
pub const SUPERSEDED: &str = "superseded";

/// A key's identifier: `key_` and 16 random characters of `0-9a-z` (82 bits).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct KeyId(String);

impl KeyId {
    /// What every key id begins with.
    pub const PREFIX: &'static str = "key_";
    /// How many random characters follow it.
    pub const RANDOM_LENGTH: usize = 16;

    /// Draws a new id. Random rather than ordered by time, so that six characters of it are enough to name a key.
    pub fn generate<R: TryCryptoRng>(rng: &mut R) -> Result<Self> {
        let mut id = Self::PREFIX.to_owned();
        let mut bytes = [0u8; 32];
        while id.len() < Self::PREFIX.len() + Self::RANDOM_LENGTH {
            rng.try_fill_bytes(&mut bytes).map_err(|error| {
                Error::new(Kind::Internal, format!("the system's random generator failed: {error}"))
            })?;
            let wanted = Self::PREFIX.len() + Self::RANDOM_LENGTH - id.len();
            let picked = bytes.iter().filter_map(|byte| Alphabet::Base36.pick(*byte));
            id.extend(picked.take(wanted).map(char::from));
        }
        Ok(Self(id))
    }

    /// Takes an id read from the store.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// For people: an id planted in a store is escaped like any other text. Data takes [`KeyId::as_str`].
impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Safe(&self.0).fmt(formatter)
    }
}

/// The rotation that a key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The key it replaces.
    pub replaces: KeyId,
    /// How long the old key stays valid once this one is active, in milliseconds; 0 revokes it at once.
    pub grace_millis: i64,
    /// The old key's expiry before the rotation cut it short; what `--cancel` gives back.
    pub previous_expires_at: Option<Timestamp>,
}

/// A key's row number, never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeySeq(pub i64);

/// A key's whole record.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its identifier.
    pub id: KeyId,
    /// The workspace that owns it.
    pub workspace_id: WorkspaceId,
    /// That workspace's name.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// Its environment.
    pub environment: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// The public front of its token.
    pub prefix: String,
    /// The random part of that front.
    pub short: String,
    /// The last characters of its secret part.
    pub hint: String,
    /// The hash of its whole token.
    pub hash: SecretHash,
    /// What of its token is hashed, if another system minted it.
    pub form: Option<HashForm>,
    /// What the store records of its life.
    pub state: State,
    /// When it was minted.
    pub created_at: Timestamp,
    /// Who minted it.
    pub created_by: String,
    /// When it stops; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// When it last verified; `None` is never.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Why: a word.
    pub revoked_reason: Option<String>,
    /// Why: the operator's own sentence.
    pub revoked_message: Option<String>,
    /// The rotation it came from.
    pub rotation: Option<Rotation>,
    /// The key that replaced it.
    pub replaced_by: Option<KeyId>,
    /// The networks it may be used from; empty is anywhere.
    pub allow: Vec<Network>,
    /// The person or team responsible for it.
    pub owner: Option<String>,
    /// The plan of its own that it is on, beside its workspace's.
    pub plan: Option<String>,
    /// Free words.
    pub labels: BTreeMap<String, String>,
    /// How often the record was written, pending ones not counted; the store sets it.
    pub revision: i64,
    /// The latest time that the store had seen when this was read; see [`crate::domain::clock`].
    pub seen: Timestamp,
}

impl Key {
    /// A pending record in which nothing is said yet.
    pub(crate) const fn blank() -> Self {
        Self {
            id: KeyId::from_stored(String::new()),
            workspace_id: WorkspaceId(0),
            workspace: String::new(),
            name: String::new(),
            environment: String::new(),
            scopes: Vec::new(),
            prefix: String::new(),
            short: String::new(),
            hint: String::new(),
            hash: SecretHash::from_bytes([0; 32]),
            form: None,
            state: State::Pending,
            created_at: Timestamp::EPOCH,
            created_by: String::new(),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
            revoked_reason: None,
            revoked_message: None,
            rotation: None,
            replaced_by: None,
            allow: Vec::new(),
            owner: None,
            plan: None,
            labels: BTreeMap::new(),
            revision: 0,
            seen: Timestamp::EPOCH,
        }
    }

    /// How many fields are stored.
    pub(crate) const FIELDS: usize = 27;

    /// The stored fields: the columns of a key's row, and its digest, which has them in this order. A new one comes last,
    /// as [`Field::added`] after `\x03`, its name and `\0`.
    pub(crate) fn fields(&self) -> [Field<'_>; Self::FIELDS] {
        let rotation = self.rotation.as_ref();
        let form = self.form.map_or(Maybe(None), |form| Text(form.word()));
        [
            Field::fixed("id", Text(self.id.as_str())),
            Field::fixed("workspace_id", Number(Some(self.workspace_id.0))),
            Field::changing("name", Text(&self.name)),
            Field::fixed("environment", Text(&self.environment)),
            Field::changing("scopes", Texts(&self.scopes)),
            Field::fixed("prefix", Text(&self.prefix)),
            Field::fixed("short", Text(&self.short)),
            Field::fixed("hint", Text(&self.hint)),
            Field::fixed("algorithm", Text(SecretHash::ALGORITHM)),
            Field::fixed("hash", Hash(&self.hash)),
            Field::changing("state", Text(self.state.word())),
            Field::fixed("created_at", Time(Some(self.created_at))),
            Field::fixed("created_by", Text(&self.created_by)),
            Field::changing("expires_at", Time(self.expires_at)),
            Field::changing("revoked_at", Time(self.revoked_at)),
            Field::changing("revoked_reason", Maybe(self.revoked_reason.as_deref())),
            Field::changing("revoked_message", Maybe(self.revoked_message.as_deref())),
            Field::fixed("replaces", Maybe(self.replaces().map(KeyId::as_str))),
            Field::fixed("grace", Number(rotation.map(|rotation| rotation.grace_millis))),
            Field::changing("previous_expires_at", Time(self.previous_expires_at())),
            Field::changing("replaced_by", Maybe(self.replaced_by.as_ref().map(KeyId::as_str))),
            Field::changing("allow", Networks(&self.allow)),
            Field::changing("owner", Maybe(self.owner.as_deref())),
            Field::changing("labels", Labels(&self.labels)),
            Field::changing("revision", Number(Some(self.revision))).added(b"", self.revision > 1),
            Field::changing("plan", Maybe(self.plan.as_deref())).added(b"", self.plan.is_some()),
            Field::fixed("form", form).added(b"\x02", self.form.is_some()),
        ]
    }

    /// Takes a record from its row, in the same order. Its workspace's name and its last use are in other tables.
    pub(crate) fn load<S: Source>(row: &mut S) -> Result<Self> {
        Ok(Self {
            id: KeyId::from_stored(row.text("id")?),
            workspace_id: WorkspaceId(row.integer("workspace_id")?),
            name: row.text("name")?,
            environment: row.text("environment")?,
            scopes: row.json("scopes", "[]")?,
            prefix: row.text("prefix")?,
            short: row.text("short")?,
            hint: row.text("hint")?,
            hash: {
                row.word("algorithm", "its hash is of an unknown algorithm", |word| {
                    (word == Some(SecretHash::ALGORITHM)).then_some(())
                })?;
                row.hash("hash")?
            },
            state: row.word("state", "a key has an unknown state", |word| State::of(word?))?,
            created_at: Timestamp::from_millis(row.integer("created_at")?),
            created_by: row.text("created_by")?,
            expires_at: row.time("expires_at")?,
            revoked_at: row.time("revoked_at")?,
            revoked_reason: row.maybe("revoked_reason")?,
            revoked_message: row.maybe("revoked_message")?,
            rotation: {
                let replaces = row.maybe("replaces")?.map(KeyId::from_stored);
                let grace_millis = row.number("grace")?;
                let previous_expires_at = row.time("previous_expires_at")?;
                replaces.zip(grace_millis).map(|(replaces, grace_millis)| Rotation {
                    replaces,
                    grace_millis,
                    previous_expires_at,
                })
            },
            replaced_by: row.maybe("replaced_by")?.map(KeyId::from_stored),
            allow: row.networks("allow")?,
            owner: row.maybe("owner")?,
            labels: row.json("labels", "{}")?,
            revision: row.integer("revision")?,
            plan: row.maybe("plan")?,
            form: row.word("form", "its hash is of an unknown form", |word| match word {
                None => Some(None),
                Some(word) => HashForm::of(word).map(Some),
            })?,
            workspace: String::new(),
            last_used_at: None,
            seen: Timestamp::EPOCH,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sample() -> Key {
        Key {
            id: KeyId::from_stored("key_0123456789abcdef".to_owned()),
            workspace_id: WorkspaceId(1),
            workspace: "default".to_owned(),
            name: "ci".to_owned(),
            environment: "live".to_owned(),
            scopes: vec!["read".to_owned()],
            prefix: "kw_live_0".to_owned(),
            short: "0".to_owned(),
            hint: "a1b2".to_owned(),
            state: State::Active,
            created_by: "operator:someone".to_owned(),
            revision: 1,
            ..Key::blank()
        }
    }

    #[test]
    fn ids_are_key_and_16_lowercase_characters() {
        let id = KeyId::generate(&mut crate::random::SystemRandom).expect("random");
        let random = id.as_str().strip_prefix("key_").expect("prefix");
        assert_eq!(random.len(), 16);
        assert!(random.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()));
    }
}
