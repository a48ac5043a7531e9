//! The `audit` table: appending to the chain and reading it back.
//!
//! This module never changes or deletes a row.

use rusqlite::{OptionalExtension, Row};
use serde_json::Value;

use super::failure::{damaged, failure};
use super::key_row::text;
use super::{Reader, Writer};
use crate::domain::audit::{Action, ChainHash, Event};
use crate::domain::record::RecordDigest;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;

const SELECT: &str = "SELECT seq, time, actor, action, subject, details, previous, hash FROM audit";

impl Reader<'_> {
    /// The last row's place and link; 0 and the genesis link when there is none.
    ///
    /// # Errors
    /// The store's.
    pub fn head(&self) -> Result<(i64, ChainHash)> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT seq, hash FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
            .map_err(failure)?;
        let head = statement
            .query_row([], |row| {
                Ok((row.get(0)?, ChainHash::from_bytes(row.get(1)?)))
            })
            .optional()
            .map_err(failure)?;
        Ok(head.unwrap_or((0, ChainHash::GENESIS)))
    }

    /// Calls the closure with every row from `first` on, in order, holding one at a time.
    ///
    /// # Errors
    /// The closure's, or the store's.
    pub fn for_each_event(
        &self,
        first: i64,
        mut body: impl FnMut(Event) -> Result<()>,
    ) -> Result<()> {
        self.for_each_event_as_it_stands(first, |_, event| body(event?))
    }

    /// The same with each row's place, and with an error where a row is no event.
    ///
    /// # Errors
    /// The closure's, or the store's.
    pub fn for_each_event_as_it_stands(
        &self,
        first: i64,
        mut body: impl FnMut(i64, Result<Event>) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("{SELECT} WHERE seq >= ?1 ORDER BY seq"))
            .map_err(failure)?;
        let mut rows = statement.query([first]).map_err(failure)?;
        while let Some(row) = rows.next().map_err(failure)? {
            body(row.get(0).map_err(failure)?, from_row(row))?;
        }
        Ok(())
    }

    /// Calls the closure with every event about this subject, the newest first, until it says that it is enough.
    ///
    /// # Errors
    /// The closure's, or the store's.
    pub fn for_each_event_about(
        &self,
        subject: &str,
        mut body: impl FnMut(Event) -> Result<bool>,
    ) -> Result<()> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("{SELECT} WHERE subject = ?1 ORDER BY seq DESC"))
            .map_err(failure)?;
        let mut rows = statement.query([subject]).map_err(failure)?;
        while let Some(row) = rows.next().map_err(failure)? {
            if !body(from_row(row)?)? {
                break;
            }
        }
        Ok(())
    }

    /// Whether this row is in the trail.
    ///
    /// # Errors
    /// The store's.
    pub fn has_event(&self, (seq, hash): (i64, ChainHash)) -> Result<bool> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM audit WHERE seq = ?1 AND hash = ?2")
            .map_err(failure)?;
        statement.exists((seq, hash.as_bytes())).map_err(failure)
    }
}

impl Writer<'_> {
    /// Adds a row to the trail. Every change needs one, or its transaction is taken back. The digest of the record it is about
    /// comes last among its details.
    ///
    /// # Errors
    /// The store's; then nothing of the transaction happens.
    pub fn audit(
        &self,
        time: Timestamp,
        actor: &str,
        action: Action,
        subject: &str,
        details: &Value,
    ) -> Result<()> {
        let (seq, previous) = match self.head.get() {
            Some(head) => head,
            None => self.reader.head()?,
        };
        let mut details = details.as_object().cloned().unwrap_or_default();
        let digest = match action.ends_record() {
            true => None,
            false => self.digest_for_event(action.about(), subject)?,
        };
        if let Some(digest) = digest {
            details.insert(RecordDigest::FIELD.to_owned(), digest.to_string().into());
        }
        let seq = seq
            .checked_add(1)
            .ok_or_else(|| damaged("the audit trail's numbers have come to their end"))?;
        let mut event = Event {
            seq,
            time,
            actor: actor.to_owned(),
            action: action.word().to_owned(),
            subject: subject.to_owned(),
            details: Value::Object(details).to_string(),
            previous,
            hash: ChainHash::GENESIS,
        };
        event.hash = event.link();
        let mut statement = self
            .connection
            .prepare_cached(
                "INSERT INTO audit (seq, time, actor, action, subject, details, previous, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )
            .map_err(failure)?;
        statement
            .execute((
                event.seq,
                event.time.as_millis(),
                &event.actor,
                &event.action,
                &event.subject,
                &event.details,
                event.previous.as_bytes(),
                event.hash.as_bytes(),
            ))
            .map_err(failure)?;
        self.head.set(Some((event.seq, event.hash)));
        self.time.set(Some(time));
        Ok(())
    }
}

fn from_row(row: &Row<'_>) -> Result<Event> {
    Ok(Event {
        seq: row.get(0).map_err(failure)?,
        time: Timestamp::from_millis(row.get(1).map_err(failure)?),
        actor: text(row, 2)?,
        action: text(row, 3)?,
        subject: text(row, 4)?,
        details: text(row, 5)?,
        previous: ChainHash::from_bytes(row.get(6).map_err(failure)?),
        hash: ChainHash::from_bytes(row.get(7).map_err(failure)?),
    })
}
