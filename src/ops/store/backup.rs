//! Copying a store to a file while it is in use.
//!
//! This module never lets a key do it: a copy has the records of every workspace.

use std::path::Path;

use crate::domain::tilde;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::store::{Copy, Store};

/// Copies the store as it is at this moment to a file. The closure is told how many pages of how many are done.
///
/// # Errors
/// `scope_rejected` for a key; `usage` for a path that begins with `~`; what [`Store::backup`] gives.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    target: &Path,
    now: Timestamp,
    progress: impl FnMut(u64, u64),
) -> Result<Copy> {
    store.read(|reader| Access::admit(reader, actor, now)?.require_operator())?;
    tilde::refuse(target)?;
    store.backup(target, progress)
}
