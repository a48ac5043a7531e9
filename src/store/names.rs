//! Names for completing what a person types: none is checked, and few are read.

use super::Reader;
use super::key_row::state;
use super::session::Row;
use super::value::values;
use crate::domain::key::Life;
use crate::domain::{Timestamp, WorkspaceId};
use crate::error::Result;

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
