//! Lists and counts of the `key` table.
//!
//! This module never holds more than one key at a time.

use super::Reader;
use super::failure::failure;
use super::key_row::{LAST_USES, SELECT_MANY, required_time, state, time};
use crate::domain::key::{Key, KeySeq, Life, Status};
use crate::domain::timestamp::Timestamp;
use crate::domain::workspace::{Census, Workspace, WorkspaceId};
use crate::error::Result;

/// The order of a listing. Equal values follow in the order of minting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As minted.
    Created,
    /// By name.
    Name,
    /// By environment.
    Environment,
    /// By expiry, those that never expire last.
    Expires,
    /// By last use, those never used first.
    LastUsed,
}

impl Order {
    fn clause(self) -> &'static str {
        match self {
            Self::Created => "key.seq",
            Self::Name => "key.name, key.seq",
            Self::Environment => "key.environment, key.seq",
            Self::Expires => "key.expires_at IS NULL, key.expires_at, key.seq",
            Self::LastUsed => "usage.last_used_at, key.seq",
        }
    }
}

impl Reader<'_> {
    /// Calls the closure with up to `limit` keys of a workspace that were minted after another, in the order of minting.
    /// Returns the last of them when there may be more.
    ///
    /// # Errors
    /// The closure's, or the store's.
    pub fn for_each_key_after(
        &self,
        workspace: &Workspace,
        after: KeySeq,
        limit: u32,
        mut body: impl FnMut(KeySeq, Key) -> Result<()>,
    ) -> Result<Option<KeySeq>> {
        // The index is named because the planner would else read the keys of every workspace and leave out most.
        let mut statement = self
            .connection
            .prepare_cached(&format!(
                "{SELECT_MANY} INDEXED BY key_workspace {LAST_USES}
                 WHERE key.workspace_id = ?1 AND key.seq > ?2 ORDER BY key.seq LIMIT ?3"
            ))
            .map_err(failure)?;
        let mut rows = statement
            .query((workspace.id.0, after.0, limit))
            .map_err(failure)?;
        let (mut count, mut last) = (0, after);
        while let Some(row) = rows.next().map_err(failure)? {
            let (seq, mut key) = self.believed_key(row)?;
            last = seq;
            count += 1;
            key.workspace.clone_from(&workspace.name);
            body(last, key)?;
        }
        Ok((count == limit).then_some(last))
    }

    /// A workspace's keys in this order, by their row numbers: eight bytes for each.
    ///
    /// # Errors
    /// The store's.
    pub fn keys_in_order(&self, workspace: WorkspaceId, order: Order) -> Result<Vec<KeySeq>> {
        let mut statement = self
            .connection
            .prepare_cached(&format!(
                "SELECT key.seq FROM key {} WHERE key.workspace_id = ?1 ORDER BY {}",
                if order == Order::LastUsed {
                    LAST_USES
                } else {
                    ""
                },
                order.clause()
            ))
            .map_err(failure)?;
        let rows = statement
            .query_map([workspace.0], |row| row.get(0).map(KeySeq))
            .map_err(failure)?;
        rows.map(|row| row.map_err(failure)).collect()
    }

    /// Counts a workspace's keys by what they are at this moment.
    ///
    /// # Errors
    /// The store's.
    pub fn census(&self, workspace: WorkspaceId, now: Timestamp) -> Result<Census> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT state, created_at, expires_at FROM key WHERE workspace_id = ?1 AND state <> 'revoked'",
            )
            .map_err(failure)?;
        let mut rows = statement.query([workspace.0]).map_err(failure)?;
        let seen = self.clock()?.seen;
        let mut census = Census::default();
        while let Some(row) = rows.next().map_err(failure)? {
            let life = Life {
                state: state(row, 0)?,
                created_at: required_time(row, 1)?,
                expires_at: time(row, 2)?,
            };
            match life.status(now, seen) {
                Status::Active => census.active += 1,
                Status::Pending => census.pending += 1,
                Status::Disabled => census.disabled += 1,
                Status::Expired | Status::Revoked => {}
            }
            census.living += u64::from(life.ended(now, seen).is_none());
        }
        Ok(census)
    }

    /// How many key records a workspace has, dead ones included.
    ///
    /// # Errors
    /// The store's.
    pub fn count_keys(&self, workspace: WorkspaceId) -> Result<u64> {
        let count: i64 = self
            .connection
            .query_row(
                "SELECT count(*) FROM key WHERE workspace_id = ?1",
                [workspace.0],
                |row| row.get(0),
            )
            .map_err(failure)?;
        Ok(count.unsigned_abs())
    }
}
