//! Whether a row says what keyward wrote: its record against the newest event about it.
//!
//! This module never repairs a row, and never believes one that disagrees with the trail.

use std::cell::RefCell;
use std::collections::BTreeMap;

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Row};

use super::failure::{damaged, failure};
use super::key_row::{self, SELECT_BARE, SEQ};
use super::{Reader, Writer};
use crate::domain::audit::{About, ChainHash, link};
use crate::domain::key::{Key, KeySeq, State};
use crate::domain::record::RecordDigest;
use crate::domain::sanitize::Safe;
use crate::domain::timestamp::Timestamp;
use crate::domain::workspace::Workspace;
use crate::error::{Error, Kind, Result};

/// The digests of records that a transaction has written and not told the trail of yet.
#[derive(Default)]
pub(super) struct Unsealed(RefCell<BTreeMap<(About, String), RecordDigest>>);

impl Unsealed {
    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    fn of(&self, about: About, subject: &str) -> Option<RecordDigest> {
        let digests = self.0.borrow();
        if digests.is_empty() {
            return None;
        }
        digests.get(&(about, subject.to_owned())).copied()
    }
}

impl Reader<'_> {
    /// Reads a key with its row number, and believes it only if the trail does.
    pub(super) fn believed_key(&self, row: &Row<'_>) -> Result<(KeySeq, Key)> {
        let key = key_row::from_row(row).map_err(|error| unreadable(row, error))?;
        if !self.is_credulous.get()
            && let Some(fault) = self.fault_of_key(&key)?
        {
            let name = Safe(&key.name);
            return Err(unlike_itself(&format!(
                "the record of {} (\"{name}\") {fault}",
                key.id
            )));
        }
        let seen = self.clock()?.seen;
        let seq = KeySeq(row.get(SEQ).map_err(failure)?);
        Ok((seq, Key { seen, ..key }))
    }

    /// Calls the closure with every key's id and row as it stands, believed or not, in the order of minting; with an error where
    /// it is no record.
    pub(super) fn for_each_key_as_it_stands(
        &self,
        mut body: impl FnMut(String, KeySeq, Result<Key>) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("{SELECT_BARE} ORDER BY key.seq"))
            .map_err(failure)?;
        let mut rows = statement.query([]).map_err(failure)?;
        while let Some(row) = rows.next().map_err(failure)? {
            let seq = KeySeq(row.get(SEQ).map_err(failure)?);
            let key = key_row::from_row(row).map_err(|error| unreadable(row, error));
            body(key_row::text(row, 0)?, seq, key)?;
        }
        Ok(())
    }

    /// Takes every record as it stands from here on, for the rest of this transaction.
    ///
    /// SECURITY: only what makes records worthless may do so: revoking must work on a record that somebody has changed.
    pub fn believe_everything(&self) {
        self.is_credulous.set(true);
    }

    /// Whether the trail knows a key's record as it is, and the hashes of ended keys agree with its state.
    ///
    /// # Errors
    /// The store's.
    pub fn agrees_on_key(&self, key: &Key) -> Result<bool> {
        Ok(self.fault_of_key(key)?.is_none())
    }

    /// What is wrong with a key's record, as the rest of a sentence about it.
    pub(super) fn fault_of_key(&self, key: &Key) -> Result<Option<&'static str>> {
        let digest = RecordDigest::of_key(key);
        if !self.agrees(About::Key, key.id.as_str(), digest)? {
            return Ok(Some(CHANGED));
        }
        if !key.times().all(Timestamp::is_writable) {
            return Ok(Some(OUT_OF_RANGE));
        }
        let is_revoked = key.state == State::Revoked;
        Ok(match (is_revoked, self.is_ended(&key.hash)?) {
            (false, true) => Some(CAME_BACK),
            (true, false) => Some(FORGOTTEN),
            _ => None,
        })
    }

    /// Believes a workspace only if the trail does; `policy` is its policy's text.
    pub(super) fn believe_workspace(&self, workspace: &Workspace, policy: &str) -> Result<()> {
        let digest = RecordDigest::of_workspace(workspace, policy);
        let fault = match self.agrees(About::Workspace, &workspace.name, digest)? {
            _ if self.is_credulous.get() => return Ok(()),
            true if workspace.created_at.is_writable() => return Ok(()),
            true => OUT_OF_RANGE,
            false => CHANGED,
        };
        Err(unlike_itself(&format!(
            "the record of workspace \"{}\" {fault}",
            Safe(&workspace.name)
        )))
    }

    /// Whether the newest event about this subject is whole and has this digest.
    fn agrees(&self, about: About, subject: &str, digest: RecordDigest) -> Result<bool> {
        if let Some(unsealed) = self.unsealed.of(about, subject) {
            return Ok(unsealed == digest);
        }
        let agrees = self.newest_event(about, subject, |row| Ok(is_whole_with(row, digest)))?;
        Ok(agrees.unwrap_or(false))
    }

    /// The place of the newest event about this subject, if it has a digest.
    pub(super) fn sealed_at(&self, about: About, subject: &str) -> Result<Option<i64>> {
        let event = self.newest_event(about, subject, |row| {
            Ok((row.get(0)?, row.get::<_, String>(5)?))
        })?;
        let sealed = event.filter(|(_, details)| RecordDigest::at_end(details).is_some());
        Ok(sealed.map(|(seq, _)| seq))
    }

    /// The word and the time of the newest event about this subject.
    ///
    /// # Errors
    /// The store's.
    pub fn newest_action(
        &self,
        about: About,
        subject: &str,
    ) -> Result<Option<(String, Timestamp)>> {
        self.newest_event(about, subject, |row| {
            Ok((row.get(3)?, Timestamp::from_millis(row.get(1)?)))
        })
    }

    /// Reads the newest event about this subject.
    fn newest_event<T>(
        &self,
        about: About,
        subject: &str,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT seq, time, actor, action, subject, details, previous, hash FROM audit
                 WHERE subject = ?1 AND substr(action, 1, ?2) = ?3 ORDER BY seq DESC LIMIT 1",
            )
            .map_err(failure)?;
        let front = about.front();
        statement
            .query_row((subject, front.len() as i64, front), read)
            .optional()
            .map_err(failure)
    }
}

impl Writer<'_> {
    /// Notes what a record says now. The next event about it tells the trail; without one, nothing is committed.
    pub(super) fn unsealed(&self, about: About, subject: &str, digest: RecordDigest) {
        let place = (about, subject.to_owned());
        self.unsealed.0.borrow_mut().insert(place, digest);
    }

    /// The digest that an event about this subject must have: of what was written, or of what is there. Nothing where the
    /// record is gone.
    pub(super) fn digest_for_event(
        &self,
        about: About,
        subject: &str,
    ) -> Result<Option<RecordDigest>> {
        let unsealed = self
            .unsealed
            .0
            .borrow_mut()
            .remove(&(about, subject.to_owned()));
        if unsealed.is_some() {
            return Ok(unsealed);
        }
        Ok(match about {
            About::Key => self
                .key_by_id(subject)?
                .map(|key| RecordDigest::of_key(&key)),
            About::Workspace => self.digest_of_workspace(subject)?,
            About::Store => None,
        })
    }
}

/// Whether a row of the trail has its own link, and details that end with this digest.
fn is_whole_with(row: &Row<'_>, digest: RecordDigest) -> bool {
    let text = |column| match row.get_ref(column) {
        Ok(ValueRef::Text(bytes)) => Some(bytes),
        _ => None,
    };
    let (Ok(seq), Ok(time), Ok(previous), Ok(hash)) =
        (row.get(0), row.get(1), row.get(6), row.get(7))
    else {
        return false;
    };
    let (Some(actor), Some(action), Some(subject), Some(details)) =
        (text(2), text(3), text(4), text(5))
    else {
        return false;
    };
    let linked = link(
        &ChainHash::from_bytes(previous),
        seq,
        Timestamp::from_millis(time),
        [actor, action, subject, details],
    );
    linked == ChainHash::from_bytes(hash)
        && std::str::from_utf8(details).is_ok_and(|details| digest.ends(details))
}

pub(super) const CHANGED: &str = "was changed behind keyward's back";
pub(super) const CAME_BACK: &str = "came back after the key was revoked or pruned";
const OUT_OF_RANGE: &str = "has a time before the year 0 or after the year 9999";
const FORGOTTEN: &str = "is revoked, but its hash is missing from the hashes of ended keys";

/// The error of a record that is not what keyward wrote.
pub(super) fn unlike_itself(what: &str) -> Error {
    Error::new(Kind::Damaged, format!("the store is damaged: {what}"))
    .hinted("`keyward store check` lists every such record, and `keyward store restore FILE` brings a backup back")
}

/// The error of a key's row that is no record, with the key's id if that can be read.
fn unreadable(row: &Row<'_>, error: Error) -> Error {
    match row.get::<_, String>(0) {
        Ok(id) if error.kind() == Kind::Damaged => {
            damaged(format!("the record of {} cannot be read", Safe(&id))).because(error)
        }
        _ => error,
    }
}
