//! What provisioning does to a key, in the words people and scripts see.
//!
//! This module never decides what is to be done; `ops::provision` does.

use serde::Serialize;

/// What was, or is to be, done to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It was minted.
    Created,
    /// It was as it should be.
    Unchanged,
    /// Its scopes, addresses, owner or labels were changed.
    Updated,
    /// Another key took its place.
    Rotated,
    /// It was revoked.
    Revoked,
}

impl Action {
    /// The word in an answer.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Unchanged => "unchanged",
            Self::Updated => "updated",
            Self::Rotated => "rotated",
            Self::Revoked => "revoked",
        }
    }

    /// The sign in a plan.
    pub fn sign(self) -> char {
        match self {
            Self::Created => '+',
            Self::Unchanged => '=',
            Self::Updated | Self::Rotated => '~',
            Self::Revoked => '-',
        }
    }

    /// Whether it changes anything.
    pub fn is_change(self) -> bool {
        self != Self::Unchanged
    }
}
