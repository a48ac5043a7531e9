//! Lists and counts of the `key` table, and names for completing what a person types: of those none is checked, and few are
//! read.
//!
//! This module never holds more than a page of keys at a time.

use super::Reader;
use super::key_row::{LAST_USES, MANY, state};
use super::session::Row;
use super::value::values;
use crate::domain::key::Life;
use crate::domain::workspace::Census;
use crate::domain::{Key, KeySeq, Status, Timestamp, Workspace, WorkspaceId};
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
            Self::LastUsed => "usage.last_used_at IS NOT NULL, usage.last_used_at, key.seq",
        }
    }
}

impl Reader<'_> {
    /// Calls the closure with up to `limit` keys of a workspace that were minted after another, in the order of minting.
    /// Returns the last of them when there may be more.
    pub fn for_each_key_after(
        &self,
        workspace: &Workspace,
        after: KeySeq,
        limit: u32,
        mut body: impl FnMut(KeySeq, Key) -> Result<()>,
    ) -> Result<Option<KeySeq>> {
        // The index is named because the planner would else read the keys of every workspace and leave out most.
        let joins = format!("{} {LAST_USES}", self.session.by_index("key_workspace"));
        let filter = "WHERE key.workspace_id = ?1 AND key.seq > ?2 ORDER BY key.seq LIMIT ?3";
        let keys =
            self.verified_keys((&MANY, &joins, filter), values![workspace.id, after, limit])?;
        let is_full = keys.len() == limit as usize;
        let mut last = None;
        for (seq, mut key) in keys {
            last = Some(seq);
            key.workspace.clone_from(&workspace.name);
            body(seq, key)?;
        }
        Ok(last.filter(|_| is_full))
    }

    /// A workspace's keys, or every workspace's, in this order, by their row numbers: eight bytes for each.
    pub fn keys_in_order(
        &self,
        workspace: Option<WorkspaceId>,
        order: Order,
    ) -> Result<Vec<KeySeq>> {
        let joins = match order {
            Order::LastUsed => LAST_USES,
            _ => "",
        };
        let (sql, order) = (format!("SELECT key.seq FROM key {joins}"), order.clause());
        match workspace {
            Some(workspace) => {
                let sql = format!("{sql} WHERE key.workspace_id = ?1 ORDER BY {order}");
                self.session.all(&sql, values![workspace], |row| row.get(0))
            }
            None => {
                let sql = format!("{sql} ORDER BY {order}");
                self.session.all(&sql, &[], |row| row.get(0))
            }
        }
    }

    /// The ids of a workspace's keys, whatever else their records say.
    pub fn ids_of(&self, workspace: WorkspaceId) -> Result<Vec<String>> {
        let sql = "SELECT id FROM key WHERE workspace_id = ?1";
        self.session.all(sql, values![workspace], |row| row.text(0))
    }

    /// Counts a workspace's keys by what they are at this moment.
    pub fn census(&self, workspace: WorkspaceId, now: Timestamp) -> Result<Census> {
        let seen = self.clock()?.seen;
        let mut census = Census::default();
        self.session.each(
            "SELECT state, created_at, expires_at FROM key WHERE workspace_id = ?1 AND state <> 'revoked'",
            values![workspace],
            |row| {
                let life = Life {
                    state: state(row, 0)?,
                    created_at: row.get(1)?,
                    expires_at: row.get(2)?,
                };
                match life.status(now, seen) {
                    Status::Active => census.active += 1,
                    Status::Pending => census.pending += 1,
                    Status::Disabled => census.disabled += 1,
                    Status::Expired | Status::Revoked => {}
                }
                census.living += u64::from(life.ended(now, seen).is_none());
                Ok(())
            },
        )?;
        Ok(census)
    }

    /// How many key records there are in all workspaces.
    pub(super) fn count_all_keys(&self) -> Result<u64> {
        let count = self.session.one("SELECT count(*) FROM key", &[], |row| row.get(0))?;
        Ok(count.map_or(0, i64::unsigned_abs))
    }

    /// How many key records a workspace has, revoked and expired ones included.
    pub fn count_keys(&self, workspace: WorkspaceId) -> Result<u64> {
        let sql = "SELECT count(*) FROM key WHERE workspace_id = ?1";
        let count = self.session.one(sql, values![workspace], |row| row.get(0))?;
        Ok(count.map_or(0, i64::unsigned_abs))
    }
}

/// How many rows are looked at for names of keys that have not ended: enough for any name that is often rotated, and done
/// within a few milliseconds.
const ROWS: i64 = 5000;

impl Reader<'_> {
    /// Up to `most` names of a workspace's keys with this beginning, in order; if a time is given, without those of
    /// keys that have ended by then.
    pub fn key_names(
        &self,
        workspace: WorkspaceId,
        environment: Option<&str>,
        front: &str,
        ended_by: Option<Timestamp>,
        most: usize,
    ) -> Result<Vec<String>> {
        let sql = format!(
            "SELECT name, state, created_at, expires_at FROM key {} WHERE workspace_id = ?1 AND name >= ?2 AND name < ?3
             AND (CAST(?4 AS TEXT) IS NULL OR environment = ?4) ORDER BY name LIMIT ?5",
            self.session.by_index("key_name")
        );
        let seen = self.clock()?.seen;
        let mut names: Vec<String> = Vec::new();
        let mut take = |row: &Row<'_>| {
            let life =
                Life { state: state(row, 1)?, created_at: row.get(2)?, expires_at: row.get(3)? };
            if ended_by.is_none_or(|now| life.ended(now, seen).is_none()) {
                let name = row.text(0)?;
                if names.last() != Some(&name) {
                    names.push(name);
                }
            }
            Ok((names.len() >= most).then_some(()))
        };
        self.session.first(
            &sql,
            values![workspace, front, &end(front), environment, ROWS],
            &mut take,
        )?;
        Ok(names)
    }

    /// Up to `most` names of workspaces that begin so, in order.
    pub fn workspace_names(&self, front: &str, most: usize) -> Result<Vec<String>> {
        let sql =
            "SELECT name FROM workspace WHERE name >= ?1 AND name < ?2 ORDER BY name LIMIT ?3";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.session.all(sql, values![front, &end(front), most], |row| row.text(0))
    }
}

/// A text after everything that begins so.
fn end(front: &str) -> String {
    format!("{front}{}", char::MAX)
}
