//! The mark by which the trail confirms the hash of a pruned key.
//!
//! This module never shows the hash itself: the trail is kept and sent to more places than the store is.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::domain::digest::{hex, write_hex};
use crate::domain::secret::SecretHash;

/// The hashed text begins with this, so that a mark differs from every other digest.
const DOMAIN: &[u8] = b"keyward.ended.v1\0";

/// SHA-256 of a key's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndedMark([u8; 32]);

impl EndedMark {
    /// The name of the mark among an event's details.
    pub const FIELD: &'static str = "ended";

    /// The mark of this hash.
    pub fn of(hash: &SecretHash) -> Self {
        let hasher = Sha256::new().chain_update(DOMAIN);
        Self(hasher.chain_update(hash.as_bytes()).finalize().into())
    }

    /// The mark among an event's details, if they have one.
    pub fn in_details(details: &str) -> Option<Self> {
        let details: serde_json::Value = serde_json::from_str(details).ok()?;
        hex(details[Self::FIELD].as_str()?).map(Self)
    }
}

impl fmt::Display for EndedMark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(formatter, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_among_the_details_and_is_not_the_hash() {
        let hash = SecretHash::from_bytes([7; 32]);
        let mark = EndedMark::of(&hash);
        assert_ne!(mark.0, *hash.as_bytes());
        let details = serde_json::json!({ "name": "ci", EndedMark::FIELD: mark.to_string() });
        assert_eq!(EndedMark::in_details(&details.to_string()), Some(mark));
        for other in ["", "{}", "{\"ended\":\"00\"}", "{\"ended\":7}"] {
            assert_eq!(EndedMark::in_details(other), None, "{other}");
        }
    }
}
