//! What a sink holds before anything is delivered to it, and what provisioning then does to the key, in the words people and
//! scripts see.
//!
//! This module never keeps a secret: of what a sink holds, only its hash is passed on.

use crate::domain::form::HashForm;
use crate::domain::key::Key;
use crate::domain::secret::{MAXIMUM_LENGTH, SecretHash};
use crate::domain::words::words;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    /// Cannot be inspected: stdout, a command, or a CI runner.
    Unknown,
    /// Nothing: the file, or the variable in it, does not exist.
    Nothing,
    Secret(Hashes),
    /// Something that cannot be a secret, or several different things.
    Other,
}

/// What a store may know one secret by: its hash in every form that it can be taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashes([Option<SecretHash>; HashForm::ALL.len()]);

/// A sink and what it contains.
#[derive(Debug, Clone)]
pub struct Place {
    /// What messages call it; harmless to a terminal.
    pub name: String,
    pub holding: Holding,
}

impl Holding {
    pub fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) if (1..=MAXIMUM_LENGTH).contains(&text.len()) => {
                Self::Secret(Hashes::of(text))
            }
            _ => Self::Other,
        }
    }

    /// Whether it is the secret of this key.
    pub fn is(&self, key: &Key) -> bool {
        matches!(self, Self::Secret(hashes) if hashes.are_of(key))
    }
}

impl Hashes {
    pub fn of(secret: &str) -> Self {
        Self(std::array::from_fn(|index| HashForm::ALL[index].hash(secret.as_bytes())))
    }

    pub fn each(&self) -> impl Iterator<Item = &SecretHash> {
        self.0.iter().flatten()
    }

    /// Whether this key's hash is among them, in the key's own form.
    pub fn are_of(&self, key: &Key) -> bool {
        let is_own = |form: &HashForm| *form == key.form.unwrap_or(HashForm::Sha256);
        let index = HashForm::ALL.iter().position(is_own);
        index.is_some_and(|index| self.0[index] == Some(key.hash))
    }
}

words! {
    /// What was, or will be, done to a key.
    pub enum Action {
        Created = "created",
        Unchanged = "unchanged",
        /// Its scopes, addresses, owner or labels were changed.
        Updated = "updated",
        Rotated = "rotated",
        Revoked = "revoked",
    }
}

impl Action {
    /// The sign in a plan.
    pub fn sign(self) -> char {
        match self {
            Self::Created => '+',
            Self::Unchanged => '=',
            Self::Updated | Self::Rotated => '~',
            Self::Revoked => '-',
        }
    }

    pub fn is_change(self) -> bool {
        self != Self::Unchanged
    }
}
