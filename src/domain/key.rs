//! The record of a key, and what may be done with it at a moment.
//!
//! This module never holds a secret, and never stores a status that time alone decides.

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
    pub fn from_stored(text: String) -> Self {
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
    /// The key's life.
    pub fn life(&self) -> Life {
        Life { state: self.state, created_at: self.created_at, expires_at: self.expires_at }
    }

    /// What the key is at this moment, as verify would say.
    pub fn status(&self, now: Timestamp) -> Status {
        self.life().status(now, self.seen)
    }

    /// How the key has ended, if it has.
    pub fn ended(&self, now: Timestamp) -> Option<Status> {
        self.life().ended(now, self.seen)
    }

    /// Whether the key can still come to verify.
    pub fn is_living(&self, now: Timestamp) -> bool {
        self.ended(now).is_none()
    }

    /// Whether the key's holder can still activate it.
    pub fn is_pending(&self, now: Timestamp) -> bool {
        self.state == State::Pending && self.is_living(now)
    }

    /// Whether the key is paused, and enabling it makes it verify again.
    pub fn is_paused(&self, now: Timestamp) -> bool {
        self.state == State::Disabled && self.is_living(now)
    }

    /// The key's status for a change: an ended key is no longer pending or disabled.
    pub fn standing(&self, now: Timestamp) -> Status {
        self.ended(now).unwrap_or_else(|| self.status(now))
    }

    /// The id of the key that it replaces.
    pub fn replaces(&self) -> Option<&KeyId> {
        self.rotation.as_ref().map(|rotation| &rotation.replaces)
    }

    /// When a pending key became void by waiting, if it has.
    pub fn lapsed_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.life().lapsed_at(now, self.seen)
    }

    /// Why it was revoked, or became void by waiting; nothing if no reason was given.
    pub fn reason(&self, now: Timestamp) -> Option<&str> {
        let given = self.revoked_reason.as_deref();
        let reason = given.or_else(|| self.lapsed_at(now).map(|_| UNDELIVERED));
        reason.filter(|reason| *reason != UNSPECIFIED)
    }

    /// Every time in the record except its last use.
    pub fn times(&self) -> impl Iterator<Item = Timestamp> {
        let optional = [self.expires_at, self.revoked_at, self.previous_expires_at()];
        optional.into_iter().flatten().chain([self.created_at])
    }

    /// The expiry that the key before had when this one superseded it.
    pub fn previous_expires_at(&self) -> Option<Timestamp> {
        let rotation = self.rotation.as_ref();
        rotation.and_then(|rotation| rotation.previous_expires_at)
    }

    /// Revokes the key.
    pub fn revoke(&mut self, reason: &str, message: Option<String>, now: Timestamp) {
        self.state = State::Revoked;
        self.revoked_at = Some(now);
        self.revoked_reason = Some(reason.to_owned());
        self.revoked_message = message;
    }

    /// Takes over from `old` at this moment: ends or shortens its life and ties the two together.
    ///
    /// The old key's expiry is never moved to a later time; a grace of zero revokes it.
    pub fn supersede(&mut self, old: &mut Self, now: Timestamp) {
        let Some(rotation) = &mut self.rotation else {
            return;
        };
        let is_again = old.replaced_by.as_ref() == Some(&self.id);
        old.replaced_by = Some(self.id.clone());
        if !old.is_living(now) {
            return;
        }
        if rotation.grace_millis == 0 {
            old.revoke(SUPERSEDED, None, now);
        } else {
            let ends = now.plus_millis(rotation.grace_millis);
            // A backup may have restored an earlier time; what was recorded then is kept.
            if !is_again {
                rotation.previous_expires_at = old.expires_at;
            }
            old.expires_at = Some(old.expires_at.map_or(ends, |expires_at| expires_at.min(ends)));
        }
    }

    /// Whether the key's name is its own: it lives, has not been superseded, and does not wait to supersede another.
    pub fn holds_its_name(&self, now: Timestamp) -> bool {
        let waits_to_supersede = self.state == State::Pending && self.rotation.is_some();
        self.is_living(now) && self.replaced_by.is_none() && !waits_to_supersede
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
            hash: SecretHash::from_bytes([0; 32]),
            form: None,
            state: State::Active,
            created_at: Timestamp::from_millis(0),
            created_by: "operator:someone".to_owned(),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
            revoked_reason: None,
            revoked_message: None,
            rotation: None,
            replaced_by: None,
            allow: Vec::new(),
            owner: None,
            labels: BTreeMap::new(),
            plan: None,
            revision: 1,
            seen: Timestamp::EPOCH,
        }
    }

    #[test]
    fn superseding_never_prolongs_the_old_key() {
        let now = Timestamp::from_millis(1000);
        for (expires_at, grace_millis, ends) in
            [(None, 500, 1500), (Some(1200), 500, 1200), (Some(9000), 500, 1500)]
        {
            let mut old = sample();
            old.expires_at = expires_at.map(Timestamp::from_millis);
            let mut new = sample();
            new.id = KeyId::from_stored("key_new".to_owned());
            let previous_expires_at = None;
            new.rotation =
                Some(Rotation { replaces: old.id.clone(), grace_millis, previous_expires_at });
            let before = old.expires_at;
            new.supersede(&mut old, now);
            assert_eq!(old.expires_at, Some(Timestamp::from_millis(ends)));
            assert_eq!(old.replaced_by, Some(new.id.clone()));
            assert_eq!(new.rotation.and_then(|rotation| rotation.previous_expires_at), before);
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
