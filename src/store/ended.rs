//! The `ended` table: the hashes of keys that were revoked, or deleted after they had ended.
//!
//! This module never removes a hash.

use super::value::values;
use super::{Reader, Writer};
use crate::domain::secret::SecretHash;
use crate::domain::{KeySeq, WorkspaceId};
use crate::error::Result;

impl Reader<'_> {
    /// Whether the key of this hash has ended permanently, whether its record is still there or not.
    pub fn is_ended(&self, hash: &SecretHash) -> Result<bool> {
        self.session.exists("SELECT 1 FROM ended WHERE hash = ?1", values![hash])
    }
}

impl Writer<'_> {
    /// Keeps the hash of a key that has ended permanently.
    pub(super) fn end(&self, hash: &SecretHash) -> Result<()> {
        let sql = "INSERT INTO ended (hash) VALUES (?1) ON CONFLICT DO NOTHING";
        self.session.run(sql, values![hash])
    }

    /// Keeps the hashes of these records, which are about to be deleted.
    pub(super) fn end_all(&self, keys: &[KeySeq]) -> Result<()> {
        let mut end = self.session.prepare(
            "INSERT INTO ended (hash) SELECT hash FROM key WHERE seq = ?1 ON CONFLICT DO NOTHING",
        )?;
        for key in keys {
            end.run(values![*key])?;
        }
        Ok(())
    }

    /// The same of all of a workspace's records.
    pub(super) fn end_all_of(&self, workspace: WorkspaceId) -> Result<()> {
        let sql = "INSERT INTO ended (hash) SELECT hash FROM key WHERE workspace_id = ?1 ON CONFLICT DO NOTHING";
        self.session.run(sql, values![workspace])
    }
}
