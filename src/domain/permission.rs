//! What a key may do to other keys when it acts as the caller (`--as`).

use serde::{Deserialize, Serialize};

/// One thing a scope may let its holder manage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// Mint keys.
    Mint,
    /// List and show keys and the caller's own workspace.
    List,
    /// Rename keys.
    Rename,
    /// Change scopes, expiry, addresses, owner, labels.
    Set,
    /// Disable keys.
    Disable,
    /// Enable keys.
    Enable,
    /// Rotate keys.
    Rotate,
    /// Revoke keys, itself included.
    Revoke,
    /// Verify secrets of its workspace.
    Verify,
}

impl Permission {
    /// The word a policy uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mint => "mint",
            Self::List => "list",
            Self::Rename => "rename",
            Self::Set => "set",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Rotate => "rotate",
            Self::Revoke => "revoke",
            Self::Verify => "verify",
        }
    }
}
