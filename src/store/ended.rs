//! The `ended` table: the hashes of keys that were revoked, or deleted after they had ended.
//!
//! This module never removes a hash.

use super::failure::failure;
use super::{Reader, Writer};
use crate::domain::key::KeySeq;
use crate::domain::secret::SecretHash;
use crate::domain::workspace::WorkspaceId;
use crate::error::Result;

impl Reader<'_> {
    /// Whether the key of this hash has ended for good, whether its record is still there or not.
    ///
    /// # Errors
    /// The store's.
    pub fn is_ended(&self, hash: &SecretHash) -> Result<bool> {
        self.connection
            .prepare_cached("SELECT 1 FROM ended WHERE hash = ?1")
            .and_then(|mut statement| statement.exists([hash.as_bytes()]))
            .map_err(failure)
    }
}

impl Writer<'_> {
    /// Keeps the hash of a key that has ended for good.
    pub(super) fn end(&self, hash: &SecretHash) -> Result<()> {
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO ended VALUES (?1)")
            .and_then(|mut statement| statement.execute([hash.as_bytes()]))
            .map(drop)
            .map_err(failure)
    }

    /// Keeps the hashes of these records, which are about to be deleted.
    pub(super) fn end_all(&self, keys: &[KeySeq]) -> Result<()> {
        let mut statement = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO ended SELECT hash FROM key WHERE seq = ?1")
            .map_err(failure)?;
        for key in keys {
            statement.execute([key.0]).map_err(failure)?;
        }
        Ok(())
    }

    /// The same of all of a workspace's records.
    pub(super) fn end_all_of(&self, workspace: WorkspaceId) -> Result<()> {
        let sql = "INSERT OR IGNORE INTO ended SELECT hash FROM key WHERE workspace_id = ?1";
        self.connection
            .execute(sql, [workspace.0])
            .map(drop)
            .map_err(failure)
    }
}
