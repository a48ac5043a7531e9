//! What restricts the restoration of a backup, in the current store and in stores that were moved aside.
//!
//! This module never stops at damage: it reads row by row what there is, and says whether that was all.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

use super::connection::prepare;
use super::failure::failure;
use super::permissions::{entry_if_possible, look};
use super::schema;
use super::session::Session;
use crate::domain::endings::{Ending, Endings};
use crate::domain::secret::SecretHash;
use crate::domain::{Key, KeyId, State, Timestamp};
use crate::error::Result;
use crate::store::endings::hear_all;
use crate::store::key_row::{self, BARE, ID, bare, place};
use crate::store::session::Row;
use crate::store::session::Session as AnySession;
use crate::store::value::Value;

/// How many stores that were moved aside are looked for; some may have been removed.
const MOST_PUT_ASIDE: u32 = 100;

/// What is left of a store that will be replaced: the file at its path, and those that were moved aside earlier.
pub fn remains(store: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let Some(store) = entry_if_possible(store)? else {
        return Ok(found);
    };
    if look(&store)?.is_some() {
        found.push(store.path().to_owned());
    }
    for number in 1..=MOST_PUT_ASIDE {
        let aside = store.beside(&format!(".damaged-{number}"));
        if look(&aside)?.is_some() {
            found.push(aside.path().to_owned());
        }
    }
    Ok(found)
}

/// Something that bears on what a backup may bring back.
#[derive(Debug)]
pub enum Trace {
    /// A record.
    Record(Box<Key>),
    /// The key of this id has ended, according to the trail or to a record that cannot be read further.
    End(KeyId, Ending),
    /// All that can be read of a record is when it expires.
    Expiry(KeyId, Timestamp),
    /// The hash of a key that has ended.
    Hash(SecretHash),
}

/// Whether all that there was could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Some could not.
    Partial,
}

impl Extent {
    /// Notes what became of reading a part.
    fn after(&mut self, read: Result<()>) {
        if read.is_err() {
            *self = Self::Partial;
        }
    }
}

/// Reads what can be read in a store that may be damaged: its records, and of the keys that are wanted what the trail has about their
/// end, whatever a record says.
pub fn salvage(
    path: &Path,
    is_wanted: impl FnMut(&str) -> Result<bool>,
    body: impl FnMut(Trace) -> Result<()>,
) -> Result<Extent> {
    match open(path) {
        Ok(connection) => traces(&connection, is_wanted, body),
        Err(_) => Ok(Extent::Partial),
    }
}

fn open(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failure)?;
    prepare(connection, Duration::from_secs(1))
}

/// The same of a store that is open.
pub(super) fn traces(
    connection: &Connection,
    mut is_wanted: impl FnMut(&str) -> Result<bool>,
    mut body: impl FnMut(Trace) -> Result<()>,
) -> Result<Extent> {
    let mut extent = Extent::Whole;
    // An error of the closure's ends it; one of a row does not.
    let mut refused = Ok(());
    let mut hand_over = |trace| {
        if refused.is_ok() {
            refused = body(trace);
        }
        Ok(())
    };
    let columns = match schema::columns(connection, "key") {
        Ok(columns) => bare(|name| columns.contains(name)),
        Err(_) => BARE.to_owned(),
    };
    extent.after(for_each_row(connection, &format!("{columns} FROM key NOT INDEXED"), |row| {
        record(row, &mut hand_over)
    }));
    let hashes = "SELECT hash FROM ended";
    if schema::has_table(connection, "ended").unwrap_or(true) {
        extent.after(for_each_row(connection, hashes, |row| hand_over(Trace::Hash(row.get(0)?))));
    }
    refused?;
    let (mut endings, mut asked) = (Endings::default(), Ok(()));
    let heard = hear_all(
        &AnySession::Sqlite(Session::new(connection)),
        |id| {
            let answer = is_wanted(id);
            answer.or_else(|error| {
                asked = Err(error);
                Ok(false)
            })
        },
        &mut endings,
    );
    asked?;
    extent.after(heard);
    for (id, (_, ending)) in endings.into_map() {
        body(Trace::End(KeyId::from_stored(id), ending))?;
    }
    Ok(extent)
}

/// Hands over a row of the `key` table, or as much of it as can be read.
fn record(row: &Row<'_>, hand_over: &mut impl FnMut(Trace) -> Result<()>) -> Result<()> {
    let unreadable = match key_row::from_row(row) {
        Ok(key) => return hand_over(Trace::Record(Box::new(key))),
        Err(error) => error,
    };
    let id = || row.text(ID).map(KeyId::from_stored);
    if let Ok(expires_at) = row.get(place("expires_at")) {
        hand_over(Trace::Expiry(id()?, expires_at))?;
    }
    if key_row::state(row, place("state")).is_ok_and(|state| state == State::Revoked) {
        if let Ok(hash) = row.get(place("hash")) {
            hand_over(Trace::Hash(hash))?;
        }
        let at = row.get(place("revoked_at"));
        let ending = Ending::unspecified(at.unwrap_or(Timestamp::EPOCH));
        hand_over(Trace::End(id()?, ending))?;
    }
    Err(unreadable)
}

/// Continues after a row that the closure cannot read; the first such row is the error.
fn for_each_row(
    connection: &Connection,
    query: &str,
    mut body: impl FnMut(&Row<'_>) -> Result<()>,
) -> Result<()> {
    let mut statement = connection.prepare(query).map_err(failure)?;
    let mut rows = statement.query([]).map_err(failure)?;
    let mut unread = Ok(());
    while let Some(row) = rows.next().map_err(failure)? {
        let read = body(&Row::Sqlite(row));
        if unread.is_ok() {
            unread = read;
        }
    }
    unread
}

/// SHA-256 of all that is stricter in a store than it might be, as far as it can be read: another one if any key was ended, paused,
/// narrowed or superseded since.
pub fn fingerprint(path: &Path) -> [u8; 32] {
    const STRICT: [&str; 3] = [
        "SELECT id, state, expires_at, revoked_at, replaced_by FROM key NOT INDEXED
            WHERE state IN ('revoked', 'disabled') OR replaced_by IS NOT NULL",
        "SELECT hash FROM ended",
        "SELECT seq, hash FROM audit NOT INDEXED WHERE action IN
            ('key.revoke', 'key.prune', 'key.rotate', 'key.void', 'key.disable', 'key.set')",
    ];
    let mut hasher = Sha256::new();
    let Ok(connection) = open(path) else {
        return hasher.finalize().into();
    };
    for query in STRICT {
        // What cannot be read is the same the next time.
        let _ = for_each_row(&connection, query, |row| {
            let mut column = 0;
            while let Ok(value) = row.value(column) {
                let (kind, bytes): (_, &[u8]) = match value {
                    Value::Null | Value::Other => (0, &[]),
                    Value::Integer(number) => (1, &number.to_be_bytes()),
                    Value::Text(bytes) => (2, bytes),
                    Value::Bytes(bytes) => (3, bytes),
                };
                hasher.update([kind]);
                hasher.update((bytes.len() as u64).to_be_bytes());
                hasher.update(bytes);
                column += 1;
            }
            Ok(())
        });
    }
    hasher.finalize().into()
}
