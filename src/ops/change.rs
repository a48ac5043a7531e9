//! What the use cases that change a key in place share.
//!
//! This module never changes a key itself.

use crate::domain::key::Key;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};

/// A key after a change that may have been none.
#[derive(Debug)]
pub struct Outcome {
    /// The key.
    pub key: Key,
    /// Whether anything changed.
    pub changed: bool,
}

/// Refuses to change a key that is revoked or expired.
///
/// # Errors
/// `conflict`.
pub(super) fn refuse_dead(key: &Key, now: Timestamp) -> Result<()> {
    let status = key.status(now);
    match status.is_living() {
        true => Ok(()),
        false => Err(Error::new(
            Kind::Conflict,
            format!("{} is {} and stays as it is", key.id, status.word()),
        )
        .hinted("mint a new key instead")),
    }
}
