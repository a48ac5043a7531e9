//! Workspaces: making, listing, showing, changing, renaming, deleting, choosing.
//!
//! This module never changes a key, except that it deletes the records of revoked and expired keys with their
//! workspace.

pub mod choose;
pub mod create;
pub mod delete;
pub mod list;
pub mod rename;
pub mod set;

use crate::domain::workspace::Census;
use crate::domain::{Timestamp, Workspace};
use crate::error::Result;
use crate::store::Reader;

/// A workspace with the count of its keys.
#[derive(Debug)]
pub struct Outcome {
    /// The workspace.
    pub workspace: Workspace,
    /// Its keys by status.
    pub census: Census,
}

impl Outcome {
    fn of(reader: &Reader<'_>, workspace: Workspace, now: Timestamp) -> Result<Self> {
        let census = reader.census(workspace.id, now)?;
        Ok(Self { workspace, census })
    }
}
