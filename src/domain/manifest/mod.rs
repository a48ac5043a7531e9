//! The manifest of `apply`: which keys there should be and where their secrets belong, in TOML.
//!
//! This module never reads a file or a store: a manifest is checked by itself.

mod deliver;
mod read;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::domain::address::Network;
use crate::domain::lifetime::Lifetime;
use crate::domain::name::Name;
use crate::domain::sanitize::Safe;
use crate::domain::when::When;
use crate::error::Error;

pub use deliver::{Deliver, Taken};

#[derive(Debug)]
pub struct Manifest {
    /// The workspaces, by name.
    pub workspaces: BTreeMap<String, WorkspaceEntry>,
    /// The keys, in the order they are written.
    pub keys: Vec<KeyEntry>,
}

#[derive(Debug)]
pub struct WorkspaceEntry {
    pub name: Name,
    pub policy: PolicySource,
    pub plan: Option<String>,
    pub line: usize,
}

/// Where a workspace's policy comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicySource {
    /// What it has, or the preset "default" when it is made.
    Present,
    Preset(String),
    /// A file, relative to the manifest.
    File(PathBuf),
}

/// A key. A field that is not given stays unchanged, or gets the policy's default when the key is minted.
#[derive(Debug)]
pub struct KeyEntry {
    /// The workspace it belongs to, which the manifest has.
    pub workspace: String,
    /// Its environment; the policy's first when not given.
    pub environment: Option<String>,
    pub name: Name,
    pub scopes: Option<Vec<String>>,
    /// When it expires, seen from its minting.
    pub expires: Option<When>,
    /// How long before that it is rotated.
    pub rotate_before: Option<Lifetime>,
    /// How long its predecessor stays valid.
    pub grace: Option<Lifetime>,
    /// The networks it may be used from.
    pub allow: Option<Vec<Network>>,
    pub owner: Option<String>,
    /// Its labels, all of them.
    pub labels: Option<BTreeMap<String, String>>,
    /// A plan of its own, beside its workspace's.
    pub plan: Option<String>,
    pub deliver: Deliver,
    /// Whether a line feed follows it there.
    pub newline: bool,
    pub line: usize,
}

impl KeyEntry {
    /// Says of an error which key of the manifest it is about.
    #[must_use]
    pub fn at_its_line(&self, error: Error) -> Error {
        let name = Safe(self.name.as_str());
        error.told(|message| format!("line {}: {name}: {message}", self.line))
    }
}
