//! A line of an export or an import: a workspace, or a key of which only the hash is known; and where it contradicts the record
//! that is in the store already. A field that a line does not have is not compared. Neither is the last use, which changes by
//! itself.
//!
//! This module never accepts a secret, and never repeats a part of a line that may be one.

mod fields;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::address::Network;
use crate::domain::form::HashForm;
use crate::domain::key::{self, Key, KeyId, Life, Rotation, State, Status};
use crate::domain::known_format::KnownFormat;
use crate::domain::name::{Name, composed};
use crate::domain::policy::Policy;
use crate::domain::secret::SecretHash;
use crate::domain::timestamp::Timestamp;
use crate::domain::workspace::Workspace;
use crate::error::Kind;

pub use fields::{FormatFields, KeyFields, WorkspaceFields, absent, free_texts, place_of, texts};

/// The longest line, in bytes. A revocation's message of 128 KiB takes 768 KiB if each of its bytes is escaped, a policy of 1 MiB
/// takes 2 MiB with its lines and quotes escaped, and a label at most 3 KiB.
pub const LONGEST_LINE: usize = 4 * 1024 * 1024;

#[derive(Debug, Clone)]
pub enum Line {
    /// A workspace.
    Workspace(Box<WorkspaceLine>),
    /// A token format that is not a workspace's any more.
    Format(KnownFormat),
    /// A key.
    Key(Box<KeyLine>),
}

/// A workspace to import.
#[derive(Debug, Clone)]
pub struct WorkspaceLine {
    /// The fields that the line gives.
    pub said: BTreeSet<String>,
    pub name: Name,
    pub preset: Option<String>,
    pub policy: Policy,
    pub plan: Option<String>,
}

/// A key to import, in the words of [`crate::domain::key::Key`]; `None` means that the line does not have the field.
#[derive(Debug, Clone)]
pub struct KeyLine {
    /// The fields that the line gives.
    pub said: BTreeSet<String>,
    pub workspace: Option<String>,
    pub id: Option<KeyId>,
    pub name: Name,
    pub environment: Option<String>,
    pub scopes: Vec<String>,
    pub prefix: String,
    pub short: String,
    pub hint: String,
    pub hash: SecretHash,
    /// In which form that is, where another system minted the key.
    pub form: Option<HashForm>,
    /// What is recorded of its life.
    pub state: State,
    pub created_at: Option<Timestamp>,
    pub created_by: Option<String>,
    /// Whether its time is over already, whatever the clock here says.
    pub has_expired: bool,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked, if it was and that is known.
    pub revoked_at: Option<Timestamp>,
    /// Why: a word.
    pub revoked_reason: Option<String>,
    /// Why: a sentence.
    pub revoked_message: Option<String>,
    pub rotation: Option<Rotation>,
    pub replaced_by: Option<KeyId>,
    /// The networks it may be used from.
    pub allow: Vec<Network>,
    pub owner: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub plan: Option<String>,
}

#[derive(Debug, Clone)]
pub struct LineOutcome {
    /// Its place, from 0; empty lines count and are passed over.
    pub index: u64,
    /// `created`, `unchanged`, `differs`, or the refusal's code.
    pub code: &'static str,
    /// The key's id, once it has one.
    pub id: Option<KeyId>,
    /// The key's or the workspace's name, if it could be read.
    pub name: Option<String>,
    /// In which fields the record differs, by their names in JSON.
    pub fields: Vec<&'static str>,
    pub refusal: Option<Refusal>,
}

/// Why a line was refused, as its error says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub kind: Kind,
    pub message: String,
    pub hint: Option<String>,
}

impl WorkspaceLine {
    /// The names of the fields in which this line says something else than the workspace's record.
    pub fn differences(&self, present: &Workspace) -> Vec<&'static str> {
        let says = |field: &str| self.said.contains(field);
        named([
            ("preset", says("preset") && self.preset != present.preset),
            ("policy", self.policy != present.policy),
            ("plan", says("plan") && self.plan != present.plan),
        ])
    }
}

impl KeyLine {
    /// The names of the fields in which this line says something else than the key's record. The workspace is the one that the
    /// line or the command names.
    pub fn differences(
        &self,
        present: &Key,
        workspace: Option<&str>,
        now: Timestamp,
    ) -> Vec<&'static str> {
        let says = |field: &str| self.said.contains(field);
        let is_elsewhere = |name: &str| composed(name) != composed(&present.workspace);
        let networks = |key: &[_]| key.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let grace = |rotation: &key::Rotation| rotation.grace_millis;
        let (rotation, had) = (self.rotation.as_ref(), present.rotation.as_ref());
        let replaces = rotation.map(|rotation| &rotation.replaces);
        let previous = rotation.and_then(|rotation| rotation.previous_expires_at);
        let had_before = had.and_then(|rotation| rotation.previous_expires_at);
        let is_unlike = |field, is_other: bool| (field, says(field) && is_other);
        named([
            ("workspace", workspace.is_some_and(is_elsewhere)),
            is_unlike("id", self.id.as_ref() != Some(&present.id)),
            ("name", self.name.as_str() != composed(&present.name)),
            is_unlike("environment", self.environment.as_ref() != Some(&present.environment)),
            is_unlike("scopes", sorted(&self.scopes) != sorted(&present.scopes)),
            is_unlike("prefix", self.prefix != present.prefix),
            is_unlike("short", self.short != present.short),
            is_unlike("keyHint", self.hint != present.hint),
            ("status", self.is_of_another_status(present, now)),
            ("hash", self.hash != present.hash),
            ("algorithm", whole(self.form) != whole(present.form)),
            is_unlike("foreign", self.form.is_some() != present.form.is_some()),
            is_unlike("createdAt", self.created_at != Some(present.created_at)),
            is_unlike("createdBy", self.created_by.as_ref() != Some(&present.created_by)),
            is_unlike("expiresAt", self.expires_otherwise(present, now)),
            is_unlike("revokedAt", self.was_revoked_otherwise(present, now)),
            is_unlike("revokedReason", self.revoked_reason != present.revoked_reason),
            is_unlike("revokedMessage", self.revoked_message != present.revoked_message),
            is_unlike("replaces", replaces != present.replaces()),
            is_unlike("graceMillis", rotation.map(grace) != had.map(grace)),
            is_unlike("previousExpiresAt", previous != had_before),
            is_unlike("replacedBy", self.replaced_by != present.replaced_by),
            is_unlike("allow", networks(&self.allow) != networks(&present.allow)),
            is_unlike("owner", self.owner != present.owner),
            is_unlike("labels", self.labels != present.labels),
            is_unlike("plan", self.plan != present.plan),
        ])
    }

    /// Whether the record is of a status that time alone does not explain. A line without one is that of a live key.
    fn is_of_another_status(&self, present: &Key, now: Timestamp) -> bool {
        let is_revoked = present.status(now) == Status::Revoked;
        if !self.said.contains("status") {
            let made_at = self.created_at.unwrap_or(present.created_at);
            let (state, expires_at) = (self.state, self.expires_at);
            let life = Life { state, created_at: made_at, expires_at };
            return is_revoked && life.ended(now, present.seen).is_none();
        }
        match self.state {
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
            present.expires_at <= self.expires_at
        } else {
            present.expires_at == self.expires_at
        };
        !is_it
    }

    /// A pending key that was void by waiting is revoked in its line.
    fn was_revoked_otherwise(&self, present: &Key, now: Timestamp) -> bool {
        match (self.state, self.revoked_at) {
            (State::Revoked, None) => false,
            (State::Revoked, at) => at != present.revoked_at.or(present.lapsed_at(now)),
            _ => present.revoked_at.is_some(),
        }
    }
}

/// What is hashed, where keyward hashes the whole token.
fn whole(form: Option<HashForm>) -> HashForm {
    form.unwrap_or(HashForm::Sha256)
}

fn sorted(words: &[String]) -> BTreeSet<&String> {
    words.iter().collect()
}

fn named<const COUNT: usize>(fields: [(&'static str, bool); COUNT]) -> Vec<&'static str> {
    let differing = fields.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(field, _)| field).collect()
}
