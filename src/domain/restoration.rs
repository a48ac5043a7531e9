//! What a key keeps when a backup is restored: everything that is stricter now than it was then.
//!
//! This module never gives a key more than the backup has, except for a rotation that was cancelled since.

use crate::domain::address::admits_more;
use crate::domain::endings::Ending;
use crate::domain::key::{Key, State};
use crate::domain::timestamp::Timestamp;
use crate::domain::words::words;

words! {
    /// What a key keeps.
    #[derive(PartialOrd, Ord)]
    pub enum What {
        Revoked = "revoked",
        Disabled = "disabled",
        /// Its allow-list does not admit all that the backup's does.
        Allow = "allow",
        /// It lacks a scope that it has in the backup.
        Scopes = "scopes",
        Expiry = "expiry",
        Superseded = "superseded",
    }
}

/// A key of a backup with what is kept of the current one.
#[derive(Debug, Clone)]
pub struct Merged {
    pub backup: Key,
    pub key: Key,
    /// What it keeps, in order.
    pub kept: Vec<What>,
    /// The present record, where the rotation by which the backup has the key superseded was cancelled since.
    cancelled: Option<Box<Key>>,
}

impl Merged {
    /// A key about which only the backup has information.
    pub fn of(backup: Key) -> Self {
        Self { key: backup.clone(), backup, kept: Vec::new(), cancelled: None }
    }

    /// Whether the key is the same as in the backup.
    pub fn is_unchanged(&self) -> bool {
        self.cancelled.is_none()
            && self.kept.is_empty()
            && self.key.previous_expires_at() == self.backup.previous_expires_at()
    }

    /// Takes over what is stricter in the current record: the one with the same id, or a revoked one with the same
    /// secret. From an undamaged record, a rotation that was cancelled since is taken over too.
    pub fn keep(&mut self, present: &Key, is_believed: bool) {
        if self.key.state == State::Revoked {
            return;
        }
        let is_same = present.id == self.backup.id;
        if present.state == State::Revoked {
            // The fate of one secret says nothing about another secret that the key was given; the trail has the fate
            // of the key itself.
            if present.hash == self.backup.hash {
                self.end(Ending {
                    at: present.revoked_at.unwrap_or(present.created_at),
                    reason: present.revoked_reason.clone(),
                    message: present.revoked_message.clone(),
                });
                if is_same && present.replaced_by.is_some() {
                    self.key.replaced_by.clone_from(&present.replaced_by);
                }
            }
            return;
        }
        if !is_same {
            return;
        }
        let was_cancelled =
            self.backup.replaced_by.is_some() && self.backup.replaced_by != present.replaced_by;
        if was_cancelled && is_believed {
            self.cancelled = Some(Box::new(present.clone()));
        }
        if present.state == State::Disabled && self.key.state != State::Disabled {
            self.key.state = State::Disabled;
            self.note(What::Disabled);
        }
        if admits_more(&self.key.allow, &present.allow) {
            self.key.allow.clone_from(&present.allow);
            self.note(What::Allow);
        }
        let has_lost = |scope: &String| !present.scopes.contains(scope);
        if self.key.scopes.iter().any(has_lost) {
            self.key.scopes.clone_from(&present.scopes);
            self.note(What::Scopes);
        }
        if present.replaced_by.is_some() && present.replaced_by != self.key.replaced_by {
            self.key.replaced_by.clone_from(&present.replaced_by);
            self.key.expires_at = earlier(self.key.expires_at, present.expires_at);
            self.note(What::Superseded);
        }
        self.shorten(present.expires_at);
        self.shorten_previous(present.previous_expires_at());
    }

    /// Revokes the key, unless it is.
    pub fn end(&mut self, ending: Ending) {
        if self.key.state != State::Revoked {
            self.key.state = State::Revoked;
            self.key.revoked_at = Some(ending.at);
            self.key.revoked_reason = ending.reason;
            self.key.revoked_message = ending.message;
            self.kept = vec![What::Revoked];
        }
    }

    /// Lets the key expire by this time at the latest.
    pub fn shorten(&mut self, expires_at: Option<Timestamp>) {
        let earlier = earlier(self.key.expires_at, expires_at);
        if self.key.state != State::Revoked && earlier != self.key.expires_at {
            self.key.expires_at = earlier;
            self.note(What::Expiry);
        }
    }

    /// Lets the key that this one has replaced get no later expiry back than this.
    pub fn shorten_previous(&mut self, expires_at: Option<Timestamp>) {
        if let Some(rotation) = &mut self.key.rotation {
            rotation.previous_expires_at = earlier(rotation.previous_expires_at, expires_at);
        }
    }

    /// The key with the life and the name that it has now, where its rotation was cancelled since.
    pub fn uncancelled(&self) -> Option<Key> {
        let present = self.cancelled.as_ref()?;
        let is_alive = self.key.state != State::Revoked;
        is_alive.then(|| Key {
            name: present.name.clone(),
            expires_at: present.expires_at,
            replaced_by: present.replaced_by.clone(),
            ..self.key.clone()
        })
    }

    /// Leaves the key superseded, as in the backup.
    pub fn forget_cancelled(&mut self) {
        self.cancelled = None;
    }

    fn note(&mut self, what: What) {
        if !self.kept.contains(&what) {
            self.kept.push(what);
            self.kept.sort_unstable();
        }
    }
}

/// The earlier of two ends, of which nothing is never.
pub fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::KeyId;
    use crate::domain::key::tests::sample;
    use crate::domain::secret::SecretHash;

    fn at(millis: i64) -> Option<Timestamp> {
        Some(Timestamp::from_millis(millis))
    }

    fn id(text: &str) -> Option<KeyId> {
        Some(KeyId::from_stored(text.to_owned()))
    }

    /// The result for a key of the backup and the current one.
    fn merged(change_backup: fn(&mut Key), change_present: fn(&mut Key)) -> Merged {
        let (mut backup, mut present) = (sample(), sample());
        change_backup(&mut backup);
        change_present(&mut present);
        let mut merged = Merged::of(backup);
        merged.keep(&present, true);
        merged
    }

    #[test]
    fn what_is_stricter_stays_and_what_is_wider_does_not() {
        let stricter: fn(&mut Key) = |key| {
            key.state = State::Disabled;
            key.allow = vec!["10.0.0.0/8".parse().expect("a network")];
            key.scopes = Vec::new();
            key.expires_at = at(5);
        };
        let kept = merged(|_| {}, stricter);
        assert_eq!(kept.kept, [What::Disabled, What::Allow, What::Scopes, What::Expiry]);
        let key = kept.key;
        assert_eq!((key.state, key.expires_at), (State::Disabled, at(5)));
        assert!(merged(stricter, |_| {}).is_unchanged());
        assert!(merged(stricter, stricter).is_unchanged());
    }

    #[test]
    fn the_end_of_a_secret_is_no_end_of_another_under_the_same_id() {
        let end: fn(&mut Key) = |key| key.revoke("retired", None, Timestamp::EPOCH);
        assert_eq!(merged(|_| {}, end).kept, [What::Revoked]);
        let other: fn(&mut Key) = |key| key.hash = SecretHash::from_bytes([9; 32]);
        assert!(merged(other, end).is_unchanged());
        assert!(merged(end, |key| key.state = State::Disabled).is_unchanged());
    }

    #[test]
    fn a_superseded_key_keeps_the_earlier_end_and_a_cancelled_rotation_its_present_life() {
        let superseded: fn(&mut Key) = |key| {
            key.replaced_by = id("key_new");
            key.expires_at = at(5);
        };
        let kept = merged(|key| key.expires_at = at(9), superseded);
        assert_eq!(kept.kept, [What::Superseded]);
        assert_eq!(kept.key.expires_at, at(5));
        assert!(kept.uncancelled().is_none());
        let kept = merged(superseded, |key| key.expires_at = at(9));
        assert_eq!((kept.key.expires_at, &kept.kept), (at(5), &Vec::new()));
        let key = kept.uncancelled().expect("it was cancelled");
        assert_eq!((key.replaced_by, key.expires_at), (None, at(9)));
        let mut dead = kept;
        dead.end(Ending::unspecified(Timestamp::EPOCH));
        assert!(dead.uncancelled().is_none());
    }
}
