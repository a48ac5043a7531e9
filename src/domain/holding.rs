//! What a sink holds before anything is delivered to it.
//!
//! This module never keeps a secret: of what a sink holds, only its hash is passed on.

use crate::domain::secret::{MAXIMUM_LENGTH, Secret, SecretHash};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    /// Cannot be inspected: stdout, a command, or a CI runner.
    Unknown,
    /// Nothing: the file, or the variable in it, does not exist.
    Nothing,
    Secret(SecretHash),
    /// Something that cannot be a secret, or several different things.
    Other,
}

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
                Self::Secret(Secret::new(text.to_owned()).hash())
            }
            _ => Self::Other,
        }
    }

    pub fn is(&self, hash: &SecretHash) -> bool {
        *self == Self::Secret(*hash)
    }
}
