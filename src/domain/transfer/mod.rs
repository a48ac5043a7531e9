//! A line of an export or an import: a workspace, or a key of which only the hash is known; and where it contradicts the record
//! that is in the store already.
//!
//! This module never accepts a secret, and never repeats a part of a line that may be one.

mod differences;
mod fields;
mod key;
mod read;

use std::collections::BTreeSet;

use crate::domain::key::KeyId;
use crate::domain::known_format::KnownFormat;
use crate::domain::name::Name;
use crate::domain::policy::Policy;
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

fn named<const COUNT: usize>(fields: [(&'static str, bool); COUNT]) -> Vec<&'static str> {
    let differing = fields.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(field, _)| field).collect()
}
