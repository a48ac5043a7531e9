//! What provisioning does to a key, in the words people and scripts see.

use crate::domain::words::words;

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

    /// Whether it changes anything.
    pub fn is_change(self) -> bool {
        self != Self::Unchanged
    }
}
