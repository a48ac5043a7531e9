//! A line of an export or an import: a workspace, or a key of which only the hash is known; and where it contradicts the record
//! that is in the store already. A field that a line does not have is not compared. Neither is the last use, which changes by
//! itself.
//!
//! This module never accepts a secret, and never repeats a part of a line that may be one.

mod fields;
mod key;
mod read;

use std::collections::BTreeSet;

use crate::domain::key::{Key, KeyId, Life, State, Status};
use crate::domain::known_format::KnownFormat;
use crate::domain::name::{Name, composed};
use crate::domain::policy::Policy;
use crate::domain::timestamp::Timestamp;
use crate::domain::workspace::Workspace;
use crate::error::Kind;

pub use fields::{FormatFields, WorkspaceFields, absent, free_texts, place_of, texts};
pub use key::{KeyFields, KeyLine};

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

fn named<const COUNT: usize>(fields: [(&'static str, bool); COUNT]) -> Vec<&'static str> {
    let differing = fields.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(field, _)| field).collect()
}
