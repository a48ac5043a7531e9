//! Looking the whole store through: the file as SQLite has it, and every record against the trail.
//!
//! This module never repairs anything and never stops at the first thing it finds.

use std::collections::BTreeMap;

use super::Reader;
use super::failure::failure;
use super::key_row::text;
use crate::domain::audit::{About, Action};
use crate::domain::flaw::{Flaw, Remedy};
use crate::domain::sanitize::Safe;
use crate::error::Result;

/// How many faults of the file are told.
const MOST_FAULTS: u32 = 100;

impl Reader<'_> {
    /// What SQLite finds wrong with the file: pages, indexes, and rows that refer to nothing.
    ///
    /// # Errors
    /// The store's.
    pub fn for_each_fault(&self, mut body: impl FnMut(Flaw)) -> Result<()> {
        let mut tell = |problem| body(Flaw::of_file(problem));
        let mut statement = self
            .connection
            .prepare(&format!("PRAGMA integrity_check({MOST_FAULTS})"))
            .map_err(failure)?;
        let mut rows = statement.query([]).map_err(failure)?;
        while let Some(row) = rows.next().map_err(failure)? {
            let line = text(row, 0)?;
            if line != "ok" {
                tell(format!("the file is damaged: {}", Safe(&line)));
            }
        }
        let mut statement = self
            .connection
            .prepare("PRAGMA foreign_key_check")
            .map_err(failure)?;
        let mut rows = statement.query([]).map_err(failure)?;
        while let Some(row) = rows.next().map_err(failure)? {
            let (table, parent) = (text(row, 0)?, text(row, 2)?);
            tell(format!(
                "a row of {} belongs to no {}",
                Safe(&table),
                Safe(&parent)
            ));
        }
        Ok(())
    }

    /// Calls the closure with every workspace that the trail does not know as it is. Returns how many there are in all.
    ///
    /// # Errors
    /// The store's.
    pub fn for_each_flawed_workspace(&self, mut body: impl FnMut(Flaw)) -> Result<u64> {
        let about = About::Workspace;
        let mut tell = |subject: String, problem: &str| {
            body(Flaw {
                about,
                subject,
                problem: problem.to_owned(),
                remedy: Remedy::Restore,
            });
        };
        let mut count = 0;
        self.for_each_workspace_as_it_stands(|name, workspace| {
            count += 1;
            match workspace {
                Ok((workspace, policy)) => {
                    if self.believe_workspace(&workspace, &policy).is_err() {
                        tell(name, CHANGED);
                    }
                }
                Err(error) => tell(name, &error.to_string()),
            }
            Ok(())
        })?;
        let renamed = self.renamed_workspaces()?;
        self.for_each_missing(about, "workspace", "name", |subject, seq| {
            if renamed.get(&subject).is_none_or(|later| *later < seq) {
                tell(subject, MISSING);
            }
        })?;
        Ok(count)
    }

    /// Calls the closure with every key that the trail does not know as it is, and after each key with how many there were.
    /// Returns how many there are in all.
    ///
    /// # Errors
    /// The closures'; the store's.
    pub fn for_each_flawed_key(
        &self,
        mut body: impl FnMut(Flaw),
        mut progress: impl FnMut(u64) -> Result<()>,
    ) -> Result<u64> {
        let about = About::Key;
        let mut count = 0;
        self.for_each_key_as_it_stands(|id, _, key| {
            count += 1;
            let problem = match key {
                Ok(key) => match self.agrees_on_key(&key)? {
                    true => None,
                    false => Some(format!("{CHANGED} (\"{}\")", Safe(&key.name))),
                },
                Err(error) => Some(error.to_string()),
            };
            if let Some(problem) = problem {
                body(Flaw {
                    about,
                    subject: id,
                    problem,
                    remedy: Remedy::Revoke,
                });
            }
            progress(count)
        })?;
        self.for_each_missing(about, "key", "id", |subject, _| {
            body(Flaw {
                about,
                subject,
                problem: MISSING.to_owned(),
                remedy: Remedy::Restore,
            });
        })?;
        Ok(count)
    }

    /// Calls the closure with what the trail knows a record of where there is none, and with the place of its newest event.
    pub(super) fn for_each_missing(
        &self,
        about: About,
        table: &str,
        column: &str,
        mut body: impl FnMut(String, i64),
    ) -> Result<()> {
        // The index of the trail by subject gives each once.
        let mut statement = self
            .connection
            .prepare(&format!(
                "SELECT DISTINCT subject FROM audit
                 WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {column} = audit.subject)"
            ))
            .map_err(failure)?;
        let mut rows = statement.query([]).map_err(failure)?;
        while let Some(row) = rows.next().map_err(failure)? {
            let subject = text(row, 0)?;
            if let Some(seq) = self.sealed_at(about, &subject)? {
                body(subject, seq);
            }
        }
        Ok(())
    }

    /// The names that workspaces had before, each with the place of the event that took it away.
    fn renamed_workspaces(&self) -> Result<BTreeMap<String, i64>> {
        let mut statement = self
            .connection
            .prepare("SELECT seq, details FROM audit WHERE action = ?1 ORDER BY seq")
            .map_err(failure)?;
        let mut rows = statement
            .query([Action::WorkspaceRename.word()])
            .map_err(failure)?;
        let mut renamed = BTreeMap::new();
        while let Some(row) = rows.next().map_err(failure)? {
            let details: serde_json::Value =
                serde_json::from_str(&text(row, 1)?).unwrap_or_default();
            if let Some(from) = details["from"].as_str() {
                renamed.insert(from.to_owned(), row.get(0).map_err(failure)?);
            }
        }
        Ok(renamed)
    }
}

const CHANGED: &str = "its record was changed behind keyward's back";
const MISSING: &str = "its record was deleted behind keyward's back";
