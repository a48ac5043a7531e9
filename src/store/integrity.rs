//! Whether a row is what keyward wrote: checks its record against its seal, and its hash against those of ended keys.
//!
//! This module never repairs a row, and never accepts one that disagrees with its seal. The full checks also compare
//! the record with the trail: a seal contains no secret, so anyone who can write to the file can make one.

use super::Reader;
use super::damage::damaged;
use super::key_row::{self, AFTER, BARE, ID, SEQ};
use super::session::{Row, paged};
use super::value::{Value, values};
use crate::domain::audit::{About, link};
use crate::domain::endings::{Endings, Told as Event};
use crate::domain::record::RecordDigest;
use crate::domain::{Key, KeyId, KeySeq, Safe, State, Timestamp, Workspace};
use crate::error::{Error, Kind, Result};

/// A workspace's record with its policy's text, and whether its newest event is whole and has its digest.
pub(super) type Told = (Workspace, String, bool);

/// What a key's record is checked against: its seal, the number of the last revision, and whether its hash is among
/// those of ended keys.
const VOUCHER: &str =
    ", key.seal, (SELECT revision.number FROM revision WHERE revision.key_seq = key.seq),
    EXISTS (SELECT 1 FROM ended WHERE ended.hash = key.hash)";
const SEAL: usize = AFTER;
const LAST_REVISION: usize = AFTER + 1;
const IS_ENDED: usize = AFTER + 2;
/// The details of a key's newest event.
const NEWEST: &str = ", (SELECT newest.details FROM audit AS newest
    WHERE newest.subject = key.id AND substr(newest.action, 1, 4) = 'key.' ORDER BY newest.seq DESC LIMIT 1)";
const DETAILS: usize = AFTER + 3;

/// A record and what is wrong with it, or why it is not a record.
pub(super) type Standing = Result<(Key, Option<&'static str>)>;

impl Reader<'_> {
    /// Reads keys with their row numbers, and accepts each only if its seal matches. `columns` are those of
    /// [`key_row`], `joins` what they need besides the table, `filter` the rest of the statement.
    pub(super) fn verified_keys(
        &self,
        (columns, joins, filter): (&str, &str, &str),
        values: &[Value<'_>],
    ) -> Result<Vec<(KeySeq, Key)>> {
        let trusts_rows = self.trusts_rows.get();
        let voucher = if trusts_rows { "" } else { VOUCHER };
        let sql = format!("{columns}{voucher} FROM key {joins} {filter}");
        let mut keys: Vec<(KeySeq, Key)> = self.session.all(&sql, values, |row| {
            let key = key_row::from_row(row).map_err(|error| unreadable(row, error))?;
            if !trusts_rows && let Some(fault) = fault_of_key(row, &key)? {
                let name = Safe(&key.name);
                return Err(unlike_itself(&format!(
                    "the record of {} (\"{name}\") {fault}",
                    key.id
                )));
            }
            Ok((row.get(SEQ)?, key))
        })?;
        if !keys.is_empty() {
            let seen = self.clock()?.seen;
            keys.iter_mut().for_each(|(_, key)| key.seen = seen);
        }
        Ok(keys)
    }

    /// Calls the closure with every key's id, row number and record, damaged or not, in the order of minting. With the
    /// record comes what is wrong with it, as the rest of a sentence, including a difference from the trail; instead of
    /// a row that is not a record comes an error.
    pub(super) fn for_each_key_as_it_stands(
        &self,
        body: impl FnMut(String, KeySeq, Standing) -> Result<()>,
    ) -> Result<()> {
        self.for_each_record((&BARE, NEWEST), "TRUE", body)
    }

    /// The same for the keys that meet a condition, with these columns, checked only by their seals.
    pub(super) fn for_each_sealed(
        &self,
        columns: &str,
        condition: &str,
        body: impl FnMut(String, KeySeq, Standing) -> Result<()>,
    ) -> Result<()> {
        self.for_each_record((columns, ""), condition, body)
    }

    fn for_each_record(
        &self,
        (columns, newest): (&str, &str),
        condition: &str,
        mut body: impl FnMut(String, KeySeq, Standing) -> Result<()>,
    ) -> Result<()> {
        let sql = format!(
            "{columns}{VOUCHER}{newest} FROM key WHERE {condition} AND key.seq >= ?1 ORDER BY key.seq LIMIT ?2"
        );
        let seen = self.clock()?.seen;
        let read = |next, limit| {
            self.session.all(&sql, values![next, limit], |row| {
                let key = key_row::from_row(row).map_err(|error| unreadable(row, error)).and_then(
                    |key| {
                        let fault = match fault_of_key(row, &key)? {
                            None if !newest.is_empty() => fault_of_trail(row, &key)?,
                            fault => fault,
                        };
                        Ok((Key { seen, ..key }, fault))
                    },
                );
                Ok((row.get(SEQ)?, (row.text(ID)?, key)))
            })
        };
        paged(i64::MIN, read, |seq, (id, key)| body(id, KeySeq(seq), key))
    }

    /// Accepts every record without checks for the rest of this transaction.
    ///
    /// SECURITY: only operations that make records worthless may use this: revoking must work on a record that somebody
    /// has changed.
    pub fn trust_rows(&self) {
        self.trusts_rows.set(true);
    }

    /// Refuses to change a record that differs from the trail: the next event would confirm it.
    pub fn confirm_in_trail(&self, id: &KeyId) -> Result<()> {
        let is_known = self.unaudited.of(About::Key, id.as_str()).is_some();
        if self.trusts_rows.get() || is_known {
            return Ok(());
        }
        let sql = format!("SELECT key.name, key.seal{NEWEST} FROM key WHERE key.id = ?1");
        let changed = self.session.one(&sql, values![id], |row| {
            let seal: Option<[u8; 32]> = row.get(1)?;
            let details = row.optional_text(2)?.unwrap_or_default();
            let is_told = seal.is_some_and(|seal| RecordDigest::from_bytes(seal).ends(&details));
            Ok((!is_told).then_some(row.text(0)?))
        })?;
        match changed.flatten() {
            None => Ok(()),
            Some(name) => {
                Err(unlike_itself(&format!("the record of {id} (\"{}\") {CHANGED}", Safe(&name))))
            }
        }
    }

    /// Whether a key's record matches its seal and the trail, and its state matches the hashes of ended keys.
    pub fn agrees_on_key(&self, key: &Key) -> Result<bool> {
        let sql = format!("{}{VOUCHER}{NEWEST} FROM key WHERE key.id = ?1", *BARE);
        let agrees = self.session.one(&sql, values![&key.id], |row| {
            Ok(fault_of_key(row, key)?.is_none() && fault_of_trail(row, key)?.is_none())
        })?;
        Ok(agrees.unwrap_or(false))
    }

    /// Accepts a workspace only if it matches the trail. There are few workspaces, so they need no seals.
    pub(super) fn verify_workspace(&self, (workspace, policy, is_told): &Told) -> Result<()> {
        let agrees = match self.unaudited.of(About::Workspace, &workspace.name) {
            Some(unaudited) => unaudited == RecordDigest::of_workspace(workspace, policy),
            None if *is_told => true,
            // A name that is not UTF-8 stands in the trail as it was read.
            None => {
                let digest = RecordDigest::of_workspace(workspace, policy);
                let newest = self.newest_event(About::Workspace, &workspace.name, |row| {
                    Ok(is_whole_with(row, 0, digest))
                })?;
                newest.unwrap_or(false)
            }
        };
        let fault = match agrees {
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

    /// Whether, according to the trail, the key of this id was revoked, replaced at once, deleted, or voided.
    pub fn was_ended(&self, id: &str) -> Result<bool> {
        let mut events = Vec::new();
        self.for_each_event_about(id, |event| {
            events.push(event);
            Ok(true)
        })?;
        let mut endings = Endings::default();
        for event in events.iter().rev() {
            let told = Event {
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
    pub fn newest_action(
        &self,
        about: About,
        subject: &str,
    ) -> Result<Option<(String, Timestamp)>> {
        self.newest_event(about, subject, |row| Ok((row.text(3)?, row.get(1)?)))
    }

    /// Reads the newest event about this subject.
    pub(super) fn newest_event<T>(
        &self,
        about: About,
        subject: &str,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let front = about.front();
        self.session.one(
            "SELECT seq, time, actor, action, subject, details, previous, hash FROM audit
             WHERE subject = ?1 AND substr(action, 1, CAST(?2 AS INTEGER)) = ?3 ORDER BY seq DESC LIMIT 1",
            values![subject, front.len() as i64, front],
            read,
        )
    }
}

/// What is wrong with a key's record, as the rest of a sentence about it; the row is the key's, with its [`VOUCHER`].
fn fault_of_key(row: &Row<'_>, key: &Key) -> Result<Option<&'static str>> {
    let seal: Option<[u8; 32]> = row.get(SEAL).unwrap_or_default();
    let is_sealed = seal.as_ref() == Some(RecordDigest::of_key(key).as_bytes());
    let is_last = match row.get::<Option<i64>>(LAST_REVISION)? {
        None => key.revision <= 1,
        Some(last) => key.revision == last,
    };
    if !is_sealed || !is_last {
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

/// What is wrong with the trail's idea of a key's record; the row has the [`NEWEST`] event's details.
fn fault_of_trail(row: &Row<'_>, key: &Key) -> Result<Option<&'static str>> {
    let details = row.optional_text(DETAILS)?.unwrap_or_default();
    Ok((!RecordDigest::of_key(key).ends(&details)).then_some(CHANGED))
}

/// Whether the columns from this one on are a row of the trail with its own link, and details that end with this digest.
pub(super) fn is_whole_with(row: &Row<'_>, first: usize, digest: RecordDigest) -> bool {
    let text = |column| row.bytes(first + column).ok().flatten();
    let (Ok(seq), Ok(time), Ok(previous), Ok(hash)) =
        (row.get(first), row.get(first + 1), row.get(first + 6), row.get(first + 7))
    else {
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

pub(super) const CHANGED: &str = "was changed outside keyward";
pub(super) const CAME_BACK: &str = "was restored after the key was revoked or pruned";
const OUT_OF_RANGE: &str = "has a time outside the years 0 to 9999";
const FORGOTTEN: &str = "is revoked, but its hash is missing from the hashes of ended keys";

/// The error of a record that is not what keyward wrote.
pub(super) fn unlike_itself(what: &str) -> Error {
    Error::new(Kind::Damaged, format!("the store is damaged: {what}"))
    .hinted("`keyward store check` lists every such record, and `keyward store restore FILE` restores a backup")
}

/// The error of a key's row that is not a record, with the key's id if it can be read.
fn unreadable(row: &Row<'_>, error: Error) -> Error {
    match row.get::<String>(ID) {
        Ok(id) if error.kind() == Kind::Damaged => {
            damaged(format!("the record of {} cannot be read", Safe(&id))).because(error)
        }
        _ => error,
    }
}
