//! What a key is at a moment, and what becomes of its record when it is revoked or replaced.
//!
//! This module never stores a status that time alone decides.

use crate::domain::key::{Key, KeyId, SUPERSEDED, UNDELIVERED, UNSPECIFIED};
use crate::domain::life::{Life, State, Status};
use crate::domain::timestamp::Timestamp;

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
mod tests {
    use super::*;
    use crate::domain::key::Rotation;
    use crate::domain::key::tests::sample;

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
}
