//! Checking the whole store: the file or schema, by its engine, and every record against the trail and against those that it
//! names, because a rotation has linked them.
//!
//! This module never repairs anything and never stops at the first thing it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};

use super::integrity::{CAME_BACK, CHANGED};
use super::key_row::COLUMNS;
use super::session::Session;
use super::value::values;
use super::{Reader, sqlite};
use crate::domain::audit::{About, Action};
use crate::domain::flaw::{Flaw, Remedy};
use crate::domain::record::RecordDigest;
use crate::domain::secret::EndedMark;
use crate::domain::{Key, KeyId, Safe, WorkspaceId};
use crate::error::{Kind, Result};

impl Reader<'_> {
    /// What the engine finds wrong with what it keeps: pages, indexes, rows that refer to nothing, or what was planted.
    pub fn for_each_fault(&self, body: impl FnMut(Flaw)) -> Result<()> {
        match &self.session {
            Session::Sqlite(session) => sqlite::for_each_fault(session, body),
            #[cfg(feature = "postgres")]
            Session::Postgres(session) => session.for_each_fault(body),
        }
    }

    /// Calls the closure with every workspace that differs from the trail. Returns the number of workspaces.
    pub fn for_each_flawed_workspace(&self, mut body: impl FnMut(Flaw)) -> Result<u64> {
        let about = About::Workspace;
        let mut tell = |subject: String, problem: &str| {
            body(Flaw {
                about,
                subject,
                problem: problem.to_owned(),
                remedy: Remedy::Restore,
                place: String::new(),
            });
        };
        let mut count = 0;
        for (name, workspace) in self.workspaces_as_they_stand()? {
            count += 1;
            match workspace {
                Ok(told) => {
                    if self.verify_workspace(&told).is_err() {
                        tell(name, &format!("its record {CHANGED}"));
                    } else if !self.has_format(&told.0.policy)? {
                        tell(name, "its token format is missing from those that a scan looks for");
                    }
                }
                Err(error) => tell(name, &error.to_string()),
            }
        }
        let renamed = self.renamed_workspaces()?;
        self.for_each_missing(about, "workspace", "name", |subject, seq| {
            if renamed.get(&subject).is_none_or(|later| *later < seq) {
                tell(subject, MISSING);
            }
        })?;
        Ok(count)
    }

    /// Calls the closure with every key that differs from the trail, with its workspace if its record can be read, and
    /// after each key with their number so far. Returns the number of keys.
    pub fn for_each_flawed_key(
        &self,
        mut body: impl FnMut(Flaw, Option<WorkspaceId>),
        mut progress: impl FnMut(u64) -> Result<()>,
    ) -> Result<u64> {
        let about = About::Key;
        let revived = self.revived()?;
        let mut count = 0;
        self.for_each_key_as_it_stands(|id, _, key| {
            count += 1;
            let problem = match &key {
                Ok((key, fault)) => {
                    let came_back = revived.contains_key(&id).then_some(CAME_BACK);
                    let fault = fault.or(came_back);
                    fault.map(|fault| format!("its record {fault} (\"{}\")", Safe(&key.name)))
                }
                Err(error) => Some(error.to_string()),
            };
            if let Some(problem) = problem {
                let flaw = Flaw {
                    about,
                    subject: id,
                    problem,
                    remedy: Remedy::Revoke,
                    place: String::new(),
                };
                body(flaw, key.ok().map(|(key, _)| key.workspace_id));
            }
            progress(count)
        })?;
        self.for_each_missing(about, "key", "id", |subject, _| {
            let flaw = Flaw {
                about,
                subject,
                problem: MISSING.to_owned(),
                remedy: Remedy::Restore,
                place: String::new(),
            };
            body(flaw, None);
        })?;
        Ok(count)
    }

    /// Calls the closure with every subject whose record should exist according to the trail but does not, and with the
    /// place of its newest event.
    pub(super) fn for_each_missing(
        &self,
        about: About,
        table: &str,
        column: &str,
        mut body: impl FnMut(String, i64),
    ) -> Result<()> {
        // Not by the index of the trail by subject, which can be made to leave some out.
        let rows = self.session.by_rows();
        let sql = format!(
            "SELECT subject, seq, details FROM audit {rows} WHERE seq IN (SELECT max(seq) FROM audit {rows}
             WHERE substr(action, 1, CAST(?1 AS INTEGER)) = ?2
             AND NOT EXISTS (SELECT 1 FROM {table} WHERE {column} = audit.subject) GROUP BY subject)"
        );
        let front = about.front();
        self.session.each(&sql, values![front.len() as i64, front], |row| {
            if RecordDigest::at_end(&row.text(2)?).is_some() {
                body(row.text(0)?, row.get(1)?);
            }
            Ok(())
        })
    }

    /// The first row of the trail that its index by subject does not have, or has under another subject.
    ///
    /// SECURITY: the digest of a record is looked up by that index, so a row that is hidden from it decides nothing any more.
    pub fn first_misindexed(&self) -> Result<Option<i64>> {
        match &self.session {
            Session::Sqlite(_) => {}
            // Whoever could make an index leave rows out owns the server.
            #[cfg(feature = "postgres")]
            Session::Postgres(_) => return Ok(None),
        }
        if self.index_lists_every_event()? {
            return Ok(None);
        }
        let first = self.session.one(
            "SELECT min(seq) FROM (
                 SELECT rows.seq FROM audit AS rows NOT INDEXED WHERE NOT EXISTS (
                     SELECT 1 FROM audit AS found INDEXED BY audit_subject
                     WHERE found.subject = rows.subject AND found.seq = rows.seq)
                 UNION ALL
                 SELECT found.seq FROM audit AS found INDEXED BY audit_subject WHERE NOT EXISTS (
                     SELECT 1 FROM audit AS rows NOT INDEXED
                     WHERE rows.seq = found.seq AND rows.subject = found.subject))",
            &[],
            |row| row.get(0),
        )?;
        Ok(first.flatten())
    }

    /// Whether the index of the trail by subject has its rows, and each is found in it. Sums of hashes under a random key are
    /// compared, so that both are read from beginning to end: to look each row of one up in the other would read a page for
    /// nearly every one.
    fn index_lists_every_event(&self) -> Result<bool> {
        let key = RandomState::new();
        let sum = |sql: &str| {
            let (mut sum, mut are_texts) = (0_u64, true);
            self.session.each(sql, &[], |row| {
                let subject = row.bytes(0).ok().flatten();
                are_texts &= subject.is_some();
                sum = sum.wrapping_add(key.hash_one((subject, row.get::<i64>(1)?)));
                Ok(())
            })?;
            Ok(are_texts.then_some(sum))
        };
        let listed = sum("SELECT subject, seq FROM audit INDEXED BY audit_subject")?;
        let there = sum("SELECT subject, seq FROM audit NOT INDEXED
             WHERE EXISTS (SELECT 1 FROM audit AS found NOT INDEXED WHERE found.seq = audit.seq)")?;
        let is_lost = "SELECT 1 FROM audit AS listed INDEXED BY audit_subject WHERE NOT EXISTS (
             SELECT 1 FROM audit AS found INDEXED BY audit_subject
             WHERE found.subject = listed.subject AND found.seq = listed.seq)";
        Ok(listed.is_some() && listed == there && !self.session.exists(is_lost, &[])?)
    }

    /// Calls the closure with every pruned key whose hash is in the trail but not in the table of ended keys, and with
    /// the trail's row.
    pub fn for_each_forgotten_end(&self, mut body: impl FnMut(Flaw, i64)) -> Result<()> {
        // A row that is out of the table's order is read by the first, and found by no import.
        let mut kept = BTreeSet::new();
        let rows = self.session.by_rows();
        let sql = format!(
            "SELECT hash FROM ended {rows} WHERE EXISTS (SELECT 1 FROM ended AS found WHERE found.hash = ended.hash)"
        );
        self.session.each(&sql, &[], |row| {
            kept.insert(EndedMark::of(&row.get(0)?));
            Ok(())
        })?;
        let sql = format!("SELECT subject, details, seq FROM audit {rows} WHERE action = ?1");
        self.session.each(&sql, values![Action::KeyPrune.word()], |row| {
            let mark = EndedMark::in_details(&row.text(1)?);
            if mark.is_some_and(|mark| !kept.contains(&mark)) {
                let problem = format!(
                    "the hash of {}, which was pruned, is missing from the hashes of ended keys",
                    Safe(&row.text(0)?)
                );
                body(Flaw::of_file(problem), row.get(2)?);
            }
            Ok(())
        })
    }

    /// The names that workspaces had before, each with the place of the event that took it away.
    fn renamed_workspaces(&self) -> Result<BTreeMap<String, i64>> {
        let mut renamed = BTreeMap::new();
        self.session.each(
            "SELECT seq, details FROM audit WHERE action = ?1 ORDER BY seq",
            values![Action::WorkspaceRename.word()],
            |row| {
                let details: serde_json::Value =
                    serde_json::from_str(&row.text(1)?).unwrap_or_default();
                if let Some(from) = details["from"].as_str() {
                    renamed.insert(from.to_owned(), row.get(0)?);
                }
                Ok(())
            },
        )?;
        Ok(renamed)
    }
}

const MISSING: &str = "its record was deleted outside keyward";

impl Reader<'_> {
    /// Calls the closure with every sound record that names another key.
    pub fn for_each_linked_key(&self, mut body: impl FnMut(Key) -> Result<()>) -> Result<()> {
        let condition = "(key.replaces IS NOT NULL OR key.replaced_by IS NOT NULL)";
        self.for_each_sealed(&COLUMNS, condition, |_, _, key| match key {
            Ok((key, None)) => body(key),
            Ok((_, Some(_))) => Ok(()),
            Err(error) if error.kind() == Kind::Damaged => Ok(()),
            Err(error) => Err(error),
        })
    }

    /// The ids that records name as their successors and that do not exist, each with the keys that name it.
    pub fn missing_successors(&self) -> Result<BTreeMap<KeyId, Vec<KeyId>>> {
        let mut missing: BTreeMap<KeyId, Vec<KeyId>> = BTreeMap::new();
        self.session.each(
            "SELECT replaced_by, id FROM key WHERE replaced_by IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM key AS successor WHERE successor.id = key.replaced_by)",
            &[],
            |row| {
                missing.entry(row.get(0)?).or_default().push(row.get(1)?);
                Ok(())
            },
        )?;
        Ok(missing)
    }
}
