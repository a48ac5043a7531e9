//! A line of an export or an import: a workspace, or a key of which only the hash is known.
//!
//! This module never accepts a secret, and never repeats a part of a line that may be one.

mod differ;
mod fields;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::address::Network;
use crate::domain::form::HashForm;
use crate::domain::key::{KeyId, Rotation, State};
use crate::domain::known_format::KnownFormat;
use crate::domain::name::Name;
use crate::domain::policy::Policy;
use crate::domain::secret::SecretHash;
use crate::domain::timestamp::Timestamp;
use crate::error::Kind;

pub use fields::{FormatFields, KeyFields, WorkspaceFields, free_texts, place_of, texts};

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
    /// Why it was refused: the error's kind and its message.
    pub refusal: Option<(Kind, String)>,
}
