//! The `audit` table: appending to the chain and reading it back.
//!
//! This module never changes or deletes a row.

use std::collections::BTreeSet;

use serde_json::Value;

use super::damage::damaged;
use super::session::{PAGE, Row, paged};
use super::value::values;
use super::{Reader, Writer};
use crate::domain::Timestamp;
use crate::domain::audit::{Action, ChainHash, Event, Head};
use crate::error::Result;

const SELECT: &str = "SELECT seq, time, actor, action, subject, details, previous, hash FROM audit";

impl Reader<'_> {
    /// The end of the trail.
    pub fn head(&self) -> Result<Head> {
        if !self.session.has_changed()
            && let Some(head) = self.session.head()?
        {
            return Ok(head);
        }
        let head = self.session.one(
            "SELECT seq, hash FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
            &[],
            |row| Ok(Head { seq: row.get(0)?, hash: row.get(1)? }),
        )?;
        Ok(head.unwrap_or(Head::NONE))
    }

    /// The last row, valid or not.
    pub(super) fn last_event(&self) -> Result<Option<Event>> {
        let sql = format!("{SELECT} ORDER BY seq DESC LIMIT 1");
        self.session.one(&sql, &[], from_row)
    }

    /// Calls the closure with every row from `first` on, in order.
    pub fn for_each_event(
        &self,
        first: i64,
        mut body: impl FnMut(Event) -> Result<()>,
    ) -> Result<()> {
        self.for_each_event_as_it_stands(first, |_, event| body(event?))
    }

    /// The same with each row's place, and with an error if a row is not an event.
    pub fn for_each_event_as_it_stands(
        &self,
        first: i64,
        body: impl FnMut(i64, Result<Event>) -> Result<()>,
    ) -> Result<()> {
        let sql = format!("{SELECT} WHERE seq >= ?1 ORDER BY seq LIMIT ?2");
        let read = |next, limit| self.session.all(&sql, values![next, limit], as_it_stands);
        paged(first, read, body)
    }

    /// The keys whose secret a scan has found.
    pub fn exposed(&self) -> Result<BTreeSet<String>> {
        let sql = "SELECT subject FROM audit WHERE action = ?1";
        let action = Action::KeyExpose.word();
        let subjects = self.session.all(sql, values![action], |row| row.text(0))?;
        Ok(subjects.into_iter().collect())
    }

    /// Calls the closure with every event about this subject, the newest first, until it says that it is enough.
    pub fn for_each_event_about(
        &self,
        subject: &str,
        body: impl FnMut(Event) -> Result<bool>,
    ) -> Result<()> {
        let sql = format!("{SELECT} WHERE subject = ?1 AND seq <= ?2 ORDER BY seq DESC LIMIT ?3");
        let read =
            |last, limit| self.session.all(&sql, values![subject, last, limit], as_it_stands);
        backwards(read, body)
    }

    /// Calls the closure with every event, the newest first, until it says that it is enough.
    pub fn for_each_event_back(&self, body: impl FnMut(Event) -> Result<bool>) -> Result<()> {
        let sql = format!("{SELECT} WHERE seq <= ?1 ORDER BY seq DESC LIMIT ?2");
        let read = |last, limit| self.session.all(&sql, values![last, limit], as_it_stands);
        backwards(read, body)
    }

    /// Whether this row is in the trail.
    pub fn has_event(&self, head: Head) -> Result<bool> {
        self.session.exists(
            "SELECT 1 FROM audit WHERE seq = ?1 AND hash = ?2",
            values![head.seq, &head.hash],
        )
    }
}

impl Writer<'_> {
    /// Adds a row to the trail. Every change needs one, or its transaction is taken back. The digest of the record it is
    /// about comes last among its details. If that fails, nothing of the transaction happens.
    pub fn audit(
        &self,
        time: Timestamp,
        actor: &str,
        action: Action,
        subject: &str,
        details: &Value,
    ) -> Result<()> {
        let before = match self.head.get() {
            Some(head) => head,
            None => match self.session.head()? {
                Some(head) => head,
                None => self.reader.head()?,
            },
        };
        let mut details = self.remark.map_or_else(
            || details.to_string(),
            |remark| {
                let mut details = details.as_object().cloned().unwrap_or_default();
                details.extend(remark.clone());
                Value::Object(details).to_string()
            },
        );
        let digest = match action.ends_record() {
            true => None,
            false => self.digest_for_event(action.about(), subject)?,
        };
        if let Some(digest) = digest {
            digest.append(&mut details);
        }
        let seq = before
            .seq
            .checked_add(1)
            .ok_or_else(|| damaged("the audit trail has run out of numbers"))?;
        let mut event = Event {
            seq,
            time,
            actor: actor.to_owned(),
            action: action.word().to_owned(),
            subject: subject.to_owned(),
            details,
            previous: before.hash,
            hash: ChainHash::GENESIS,
        };
        event.hash = event.link();
        self.session.run(
            "INSERT INTO audit (seq, time, actor, action, subject, details, previous, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            values![
                event.seq,
                event.time,
                &event.actor,
                &event.action,
                &event.subject,
                &event.details,
                &event.previous,
                &event.hash,
            ],
        )?;
        self.head.set(Some(Head { seq: event.seq, hash: event.hash }));
        self.time.set(Some(time));
        Ok(())
    }
}

/// Goes through events from the newest to the oldest, a page in memory at a time.
fn backwards(
    read: impl Fn(i64, u32) -> Result<Vec<(i64, Result<Event>)>>,
    mut body: impl FnMut(Event) -> Result<bool>,
) -> Result<()> {
    let mut last = Some(i64::MAX);
    while let Some(most) = last {
        let page = read(most, PAGE)?;
        last = page
            .last()
            .filter(|_| page.len() == PAGE as usize)
            .and_then(|(seq, _)| seq.checked_sub(1));
        for (_, event) in page {
            // A row that is not an event matters only to whoever gets as far.
            if !body(event?)? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A row's number and its event, or why it is not one.
fn as_it_stands(row: &Row<'_>) -> Result<(i64, Result<Event>)> {
    Ok((row.get(0)?, from_row(row)))
}

fn from_row(row: &Row<'_>) -> Result<Event> {
    Ok(Event {
        seq: row.get(0)?,
        time: row.get(1)?,
        actor: row.text(2)?,
        action: row.text(3)?,
        subject: row.text(4)?,
        details: row.text(5)?,
        previous: row.get(6)?,
        hash: row.get(7)?,
    })
}
