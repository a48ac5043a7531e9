//! What a key may do to other keys when it acts as the caller (`--as`); a policy lists these words per scope.

use serde::Deserialize;

use crate::domain::words::words;

words! {
    /// One thing a scope may let its holder manage.
    #[derive(PartialOrd, Ord, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Permission {
        /// Mint keys.
        Mint = "mint",
        /// List and show keys and the caller's own workspace.
        List = "list",
        /// Rename keys.
        Rename = "rename",
        /// Change scopes, expiry, addresses, owner, labels.
        Set = "set",
        /// Disable keys.
        Disable = "disable",
        /// Enable keys.
        Enable = "enable",
        /// Rotate keys.
        Rotate = "rotate",
        /// Revoke keys, itself included.
        Revoke = "revoke",
        /// Verify secrets of its workspace.
        Verify = "verify",
    }
}
