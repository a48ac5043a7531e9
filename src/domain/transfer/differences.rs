//! Where a line of a key contradicts the record that is in the store already. A field that a line does not have is not compared.
//! Neither is the last use, which changes by itself.

use std::collections::BTreeSet;

use super::key::{KeyFields, KeyLine};
use crate::domain::key::{Key, Life, State, Status};
use crate::domain::name::composed;
use crate::domain::timestamp::Timestamp;

impl KeyLine {
    /// The names of the fields in which this line says something else than the key's record. The workspace is the one that the
    /// line or the command names.
    pub fn differences(
        &self,
        present: &Key,
        workspace: Option<&str>,
        now: Timestamp,
    ) -> Vec<&'static str> {
        let is_elsewhere = |name: &str| composed(name) != composed(&present.workspace);
        let networks = |key: &Key| key.allow.iter().map(ToString::to_string).collect();
        let is_unlike = |(field, is_other): &(&'static str, bool)| match *field {
            "type" | "expired" | "lastUsedAt" => false,
            "workspace" => workspace.is_some_and(is_elsewhere),
            "name" => self.name.as_str() != composed(&present.name),
            "status" => self.is_of_another_status(present, now),
            "algorithm" => *is_other,
            field if !self.said.contains(field) => false,
            "id" => self.id.as_ref() != Some(&present.id),
            "environment" => self.environment.as_ref() != Some(&present.environment),
            "createdAt" => self.created_at != Some(present.created_at),
            "createdBy" => self.created_by.as_ref() != Some(&present.created_by),
            "scopes" => !have_same(&self.key.scopes, &present.scopes),
            "allow" => {
                let [own, other]: [Vec<String>; 2] = [&self.key, present].map(networks);
                !have_same(&own, &other)
            }
            "expiresAt" => self.expires_otherwise(present, now),
            "revokedAt" => self.was_revoked_otherwise(present, now),
            _ => *is_other,
        };
        let [said, kept] = [&self.key, present].map(|key| KeyFields::of(key, now));
        let compared = said.compared(&kept).filter(is_unlike);
        let mut unlike: Vec<&str> = compared.map(|(field, _)| field).collect();
        // The hash is named before its form.
        if let Some(at) = unlike.windows(2).position(|pair| pair == ["algorithm", "hash"]) {
            unlike.swap(at, at + 1);
        }
        unlike
    }

    /// Whether the record is of a status that time alone does not explain. A line without one is that of a live key.
    fn is_of_another_status(&self, present: &Key, now: Timestamp) -> bool {
        let is_revoked = present.status(now) == Status::Revoked;
        if !self.said.contains("status") {
            let made_at = self.created_at.unwrap_or(present.created_at);
            let (state, expires_at) = (self.key.state, self.key.expires_at);
            let life = Life { state, created_at: made_at, expires_at };
            return is_revoked && life.ended(now, present.seen).is_none();
        }
        match self.key.state {
            State::Revoked => !is_revoked,
            // In the lines of an older keyward, what has expired may be a disabled or a pending key.
            State::Active if self.has_expired => present.state == State::Revoked,
            state => state != present.state,
        }
    }

    /// A line of an expired key may have been imported while the clock was behind; the key then ended at that time.
    fn expires_otherwise(&self, present: &Key, now: Timestamp) -> bool {
        let has_ended = self.has_expired && present.ended(now).is_some();
        let is_it = if has_ended {
            present.expires_at <= self.key.expires_at
        } else {
            present.expires_at == self.key.expires_at
        };
        !is_it
    }

    /// A pending key that was void by waiting is revoked in its line.
    fn was_revoked_otherwise(&self, present: &Key, now: Timestamp) -> bool {
        match (self.key.state, self.key.revoked_at) {
            (State::Revoked, None) => false,
            (State::Revoked, at) => at != present.revoked_at.or(present.lapsed_at(now)),
            _ => present.revoked_at.is_some(),
        }
    }
}

/// Whether two lists consist of the same words.
fn have_same(words: &[String], others: &[String]) -> bool {
    let [words, others] = [words, others].map(|words| words.iter().collect::<BTreeSet<_>>());
    words == others
}
