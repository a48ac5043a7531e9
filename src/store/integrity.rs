//! Whether a row says what keyward wrote: its record against the newest event about it.
//!
//! This module never repairs a row, and never believes one that disagrees with the trail.

use super::Reader;
use super::damage::damaged;
use super::key_row::{self, AFTER, BARE, SEQ};
use super::session::{Row, paged};
use super::value::{Value, values};
use crate::domain::audit::{About, link};
use crate::domain::endings::{Endings, Told};
use crate::domain::key::{Key, KeySeq, State};
use crate::domain::record::RecordDigest;
use crate::domain::sanitize::Safe;
use crate::domain::timestamp::Timestamp;
use crate::domain::workspace::Workspace;
use crate::error::{Error, Kind, Result};

/// An event's columns, in the order [`is_whole_with`] reads them.
const EVENT: &str = "event.seq, event.time, event.actor, event.action, event.subject, event.details, event.previous,
    event.hash";
/// What vouches for a key's record: the newest event about it, and whether its hash is among those of ended keys.
const VOUCHER: &str = "EXISTS (SELECT 1 FROM ended WHERE ended.hash = key.hash)";
/// The newest event about a key.
const NEWEST: &str = "LEFT JOIN audit AS event ON event.seq = (SELECT newest.seq FROM audit AS newest
    WHERE newest.subject = key.id AND substr(newest.action, 1, 4) = 'key.' ORDER BY newest.seq DESC LIMIT 1)";
/// The column of whether a key's hash is among those of ended keys.
const IS_ENDED: usize = AFTER + 8;

/// A record and what is wrong with it, or why it is none.
pub(super) type Standing = Result<(Key, Option<&'static str>)>;

impl Reader<'_> {
    /// Reads keys with their row numbers, and believes each only if the trail does. `columns` are those of [`key_row`],
    /// `joins` what they need beside the table, `filter` what is left of the statement.
    pub(super) fn verified_keys(
        &self,
        (columns, joins, filter): (&str, &str, &str),
        values: &[Value<'_>],
    ) -> Result<Vec<(KeySeq, Key)>> {
        // Before any row is open.
        let seen = self.clock()?.seen;
        let trusts_rows = self.trusts_rows.get();
        let sql = select(!trusts_rows, (columns, joins, filter));
        self.session.all(&sql, values, |row| {
            let key = key_row::from_row(row).map_err(|error| unreadable(row, error))?;
            if !trusts_rows && let Some(fault) = self.fault_of_key(row, &key)? {
                let name = Safe(&key.name);
                return Err(unlike_itself(&format!(
                    "the record of {} (\"{name}\") {fault}",
                    key.id
                )));
            }
            Ok((row.get(SEQ)?, Key { seen, ..key }))
        })
    }

    /// Calls the closure with every key's id, row number and record as it stands, believed or not, in the order of minting, and
    /// with what is wrong with it, as the rest of a sentence about it; with an error where it is no record.
    pub(super) fn for_each_key_as_it_stands(
        &self,
        body: impl FnMut(String, KeySeq, Standing) -> Result<()>,
    ) -> Result<()> {
        self.for_each_record(BARE, "TRUE", body)
    }

    /// The same of the keys that meet a condition, with these columns of theirs.
    pub(super) fn for_each_record(
        &self,
        columns: &str,
        condition: &str,
        mut body: impl FnMut(String, KeySeq, Standing) -> Result<()>,
    ) -> Result<()> {
        let filter = format!("WHERE {condition} AND key.seq >= ?1 ORDER BY key.seq LIMIT ?2");
        let sql = select(true, (columns, "", &filter));
        let seen = self.clock()?.seen;
        let read = |next, limit| {
            self.session.all(&sql, values![next, limit], |row| {
                let key = key_row::from_row(row)
                    .map_err(|error| unreadable(row, error))
                    .and_then(|key| {
                        let fault = self.fault_of_key(row, &key)?;
                        Ok((Key { seen, ..key }, fault))
                    });
                Ok((row.get(SEQ)?, (row.text(0)?, key)))
            })
        };
        paged(i64::MIN, read, |seq, (id, key)| body(id, KeySeq(seq), key))
    }

    /// Takes every record as it stands from here on, for the rest of this transaction.
    ///
    /// SECURITY: only what makes records worthless may do so: revoking must work on a record that somebody has changed.
    pub fn trust_rows(&self) {
        self.trusts_rows.set(true);
    }

    /// Whether the trail knows a key's record as it is, and the hashes of ended keys agree with its state.
    ///
    /// # Errors
    /// The store's.
    pub fn agrees_on_key(&self, key: &Key) -> Result<bool> {
        let sql = select(true, (BARE, "", "WHERE key.id = ?1"));
        let fault = self
            .session
            .one(&sql, values![&key.id], |row| self.fault_of_key(row, key))?;
        Ok(fault.is_some_and(|fault| fault.is_none()))
    }

    /// What is wrong with a key's record, as the rest of a sentence about it; the row is its own, with what vouches for it.
    fn fault_of_key(&self, row: &Row<'_>, key: &Key) -> Result<Option<&'static str>> {
        let digest = RecordDigest::of_key(key);
        let agrees = match self.unaudited.of(About::Key, key.id.as_str()) {
            Some(unaudited) => unaudited == digest,
            None => is_whole_with(row, AFTER, digest),
        };
        if !agrees {
            return Ok(Some(CHANGED));
        }
        if !key.times().all(Timestamp::is_writable) {
            return Ok(Some(OUT_OF_RANGE));
        }
        let is_revoked = key.state == State::Revoked;
        Ok(match (is_revoked, row.get(IS_ENDED)?) {
            (false, true) => Some(CAME_BACK),
            (true, false) => Some(FORGOTTEN),
            _ => None,
        })
    }

    /// Believes a workspace only if the trail does; `policy` is its policy's text.
    pub(super) fn verify_workspace(&self, workspace: &Workspace, policy: &str) -> Result<()> {
        let digest = RecordDigest::of_workspace(workspace, policy);
        let fault = match self.agrees(About::Workspace, &workspace.name, digest)? {
            _ if self.trusts_rows.get() => return Ok(()),
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
        if let Some(unaudited) = self.unaudited.of(about, subject) {
            return Ok(unaudited == digest);
        }
        let agrees = self.newest_event(about, subject, |row| Ok(is_whole_with(row, 0, digest)))?;
        Ok(agrees.unwrap_or(false))
    }

    /// Whether the trail has it that the key of this id was revoked, replaced at once, deleted when it was dead, or voided.
    ///
    /// # Errors
    /// The store's.
    pub fn was_ended(&self, id: &str) -> Result<bool> {
        let mut events = Vec::new();
        self.for_each_event_about(id, |event| {
            events.push(event);
            Ok(true)
        })?;
        let mut endings = Endings::default();
        for event in events.iter().rev() {
            let told = Told {
                seq: event.seq,
                time: event.time,
                action: &event.action,
                details: &event.details,
            };
            endings.hear(id, told);
        }
        Ok(endings.contains(id))
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
        self.newest_event(about, subject, |row| Ok((row.text(3)?, row.get(1)?)))
    }

    /// Reads the newest event about this subject.
    fn newest_event<T>(
        &self,
        about: About,
        subject: &str,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let front = about.front();
        self.session.one(
            "SELECT seq, time, actor, action, subject, details, previous, hash FROM audit
             WHERE subject = ?1 AND substr(action, 1, ?2) = ?3 ORDER BY seq DESC LIMIT 1",
            values![subject, front.len() as i64, front],
            read,
        )
    }
}

/// The statement that reads keys, with what vouches for them or without. Revoking must work on a store whose trail cannot be
/// read.
fn select(with_voucher: bool, (columns, joins, filter): (&str, &str, &str)) -> String {
    match with_voucher {
        true => format!("{columns}, {EVENT}, {VOUCHER} FROM key {joins} {NEWEST} {filter}"),
        false => format!("{columns} FROM key {joins} {filter}"),
    }
}

/// Whether the columns from this one on are a row of the trail with its own link, and details that end with this digest.
fn is_whole_with(row: &Row<'_>, first: usize, digest: RecordDigest) -> bool {
    let text = |column| row.bytes(first + column).ok().flatten();
    let (Ok(seq), Ok(time), Ok(previous), Ok(hash)) = (
        row.get(first),
        row.get(first + 1),
        row.get(first + 6),
        row.get(first + 7),
    ) else {
        return false;
    };
    let (Some(actor), Some(action), Some(subject), Some(details)) =
        (text(2), text(3), text(4), text(5))
    else {
        return false;
    };
    link(&previous, seq, time, [actor, action, subject, details]) == hash
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
    match row.get::<String>(0) {
        Ok(id) if error.kind() == Kind::Damaged => {
            damaged(format!("the record of {} cannot be read", Safe(&id))).because(error)
        }
        _ => error,
    }
}
