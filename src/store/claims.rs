//! The `claim` and `idempotency` tables: what provisioning that is run again has to know of the time before.
//!
//! This module never decides what a run may do.

use rusqlite::OptionalExtension;

use super::failure::failure;
use super::{Reader, Writer};
use crate::domain::idempotency::{Fingerprint, IdempotencyKey};
use crate::domain::key::KeyId;
use crate::domain::timestamp::Timestamp;
use crate::domain::workspace::WorkspaceId;
use crate::error::Result;

/// What was minted under an idempotency key.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// What was asked for.
    pub request: Fingerprint,
    /// What was minted.
    pub key: KeyId,
    /// When.
    pub made_at: Timestamp,
}

impl Reader<'_> {
    /// Whether the next run of what minted this key takes up its hand-over.
    ///
    /// # Errors
    /// The store's.
    pub fn is_claimed(&self, id: &KeyId) -> Result<bool> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT 1 FROM claim WHERE key_seq = (SELECT seq FROM key WHERE id = ?1)",
            )
            .map_err(failure)?;
        statement.exists([id.as_str()]).map_err(failure)
    }

    /// What was minted under this idempotency key in a workspace.
    ///
    /// # Errors
    /// The store's.
    pub fn remembered(
        &self,
        workspace: WorkspaceId,
        name: &IdempotencyKey,
    ) -> Result<Option<Remembered>> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT request, key_id, made_at FROM idempotency WHERE workspace_id = ?1 AND name = ?2",
            )
            .map_err(failure)?;
        statement
            .query_row((workspace.0, name.as_str()), |row| {
                Ok(Remembered {
                    request: Fingerprint::from_bytes(row.get(0)?),
                    key: KeyId::from_stored(row.get(1)?),
                    made_at: Timestamp::from_millis(row.get(2)?),
                })
            })
            .optional()
            .map_err(failure)
    }
}

impl Writer<'_> {
    /// Lets the next run of what minted this key take up its hand-over.
    ///
    /// # Errors
    /// The store's.
    pub fn claim(&self, id: &KeyId) -> Result<()> {
        self.run(
            "INSERT OR IGNORE INTO claim (key_seq) SELECT seq FROM key WHERE id = ?1",
            [id.as_str()],
        )
    }

    /// Takes that back: the hand-over is over.
    ///
    /// # Errors
    /// The store's.
    pub fn unclaim(&self, id: &KeyId) -> Result<()> {
        self.run(
            "DELETE FROM claim WHERE key_seq = (SELECT seq FROM key WHERE id = ?1)",
            [id.as_str()],
        )
    }

    /// Remembers what was minted under an idempotency key, in place of what was before.
    ///
    /// # Errors
    /// The store's.
    pub fn remember(
        &self,
        workspace: WorkspaceId,
        name: &IdempotencyKey,
        made: &Remembered,
    ) -> Result<()> {
        self.run(
            "INSERT OR REPLACE INTO idempotency (workspace_id, name, request, key_id, made_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            (
                workspace.0,
                name.as_str(),
                made.request.as_bytes(),
                made.key.as_str(),
                made.made_at.as_millis(),
            ),
        )
    }

    /// Forgets what was minted until this moment.
    ///
    /// # Errors
    /// The store's.
    pub fn forget_until(&self, moment: Timestamp) -> Result<()> {
        self.run(
            "DELETE FROM idempotency WHERE made_at <= ?1",
            [moment.as_millis()],
        )
    }

    fn run(&self, sql: &str, values: impl rusqlite::Params) -> Result<()> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failure)?;
        statement.execute(values).map(|_| ()).map_err(failure)
    }
}
