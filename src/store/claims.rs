//! The `claim` and `idempotency` tables: what provisioning that is run again has to know of the time before.

use super::value::values;
use super::{Reader, Writer};
use crate::domain::idempotency::{Fingerprint, IdempotencyKey};
use crate::domain::{KeyId, Timestamp, WorkspaceId};
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
    pub fn is_claimed(&self, id: &KeyId) -> Result<bool> {
        self.session.exists(
            "SELECT 1 FROM claim WHERE key_seq = (SELECT seq FROM key WHERE id = ?1)",
            values![id],
        )
    }

    /// What was minted under this idempotency key in a workspace.
    pub fn remembered(
        &self,
        workspace: WorkspaceId,
        name: &IdempotencyKey,
    ) -> Result<Option<Remembered>> {
        self.session.one(
            "SELECT request, key_id, made_at FROM idempotency WHERE workspace_id = ?1 AND name = ?2",
            values![workspace, name.as_str()],
            |row| {
                Ok(Remembered {
                    request: Fingerprint::from_bytes(row.get(0)?),
                    key: row.get(1)?,
                    made_at: row.get(2)?,
                })
            },
        )
    }
}

impl Writer<'_> {
    /// Lets the next run of what minted this key take up its hand-over.
    pub fn claim(&self, id: &KeyId) -> Result<()> {
        self.session.run(
            "INSERT INTO claim (key_seq) SELECT seq FROM key WHERE id = ?1 ON CONFLICT DO NOTHING",
            values![id],
        )
    }

    /// Takes that back: the hand-over is over.
    pub fn unclaim(&self, id: &KeyId) -> Result<()> {
        self.session.run(
            "DELETE FROM claim WHERE key_seq = (SELECT seq FROM key WHERE id = ?1)",
            values![id],
        )
    }

    /// Stores what was minted under an idempotency key, replacing what was stored before.
    pub fn remember(
        &self,
        workspace: WorkspaceId,
        name: &IdempotencyKey,
        made: &Remembered,
    ) -> Result<()> {
        self.session
            .run(
                "INSERT INTO idempotency (workspace_id, name, request, key_id, made_at)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (workspace_id, name) DO UPDATE
                 SET request = excluded.request, key_id = excluded.key_id, made_at = excluded.made_at",
                values![
                    workspace,
                    name.as_str(),
                    made.request.as_bytes(),
                    &made.key,
                    made.made_at,
                ],
            )
    }

    /// Deletes what was minted until this moment.
    pub fn forget_until(&self, moment: Timestamp) -> Result<()> {
        self.session.run("DELETE FROM idempotency WHERE made_at <= ?1", values![moment])
    }
}
