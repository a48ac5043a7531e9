//! The settings of every connection, opening a file without its log, and whether a log beside a file belongs to it: the end of
//! the audit trail in the file itself shows that one does not.
//!
//! This module never decides by what it cannot read: while a log is being brought into the file, the file alone may be no store.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::failure::failure;
use super::permissions::has_log;
use super::reader;
use crate::domain::audit::Head;
use crate::error::Result;
use crate::files::Entry;
use crate::store::damage::damaged;

/// The longest wait for another process: it is counted in milliseconds of 31 bits.
pub(super) const LONGEST_WAIT: Duration = Duration::from_millis(i32::MAX as u64);

/// The settings of every connection.
pub(super) fn prepare(connection: Connection, wait: Duration) -> Result<Connection> {
    connection.busy_timeout(wait).map_err(failure)?;
    // On macOS a commit's sync would stop at the disk's own memory without this; elsewhere it changes nothing.
    connection.pragma_update(None, "fullfsync", true).map_err(failure)?;
    // A store that came from elsewhere must not bring code along, and a malformed page must be noticed.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false).map_err(failure)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true).map_err(failure)?;
    // Without this, every new value bound beside a partial index prepares the statement again: a bulk mint took
    // three times as long.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failure)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false).map_err(failure)?;
    Ok(connection)
}

/// Prepares for going all over the file, as changes, counts and a check of everything do: up to 64 MiB of pages stay in
/// memory, and the log is cleared at 16 MiB instead of 4, which needs fewer syncs. For reading a table once, SQLite's own 2
/// MiB are enough.
pub(super) fn make_room(connection: &Connection) -> Result<()> {
    connection
        .execute_batch("PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4096")
        .map_err(failure)
}

/// Whether the log is kept when the last connection is closed.
pub(super) fn keep_log(connection: &Connection, is_kept: bool) -> Result<()> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, is_kept)
        .map(drop)
        .map_err(failure)
}

/// Opens a file for reading without looking for a log beside it.
pub(super) fn open_alone(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri(path), flags).map_err(failure)?;
    prepare(connection, Duration::ZERO)
}

/// The file as SQLite's URI, with the parameter that keeps it from looking for a log.
pub(super) fn uri(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte))
            }
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri + "?immutable=1"
}

/// How often, and how long after each other, a log is read that seems to be a wrong one.
const LOOKS: usize = 3;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Refuses a log of another store, or of an earlier time: SQLite would apply it, and keys revoked since would be live.
/// The end of the trail in the file itself must be in the trail with the log, and the log must not have fewer commits.
pub(super) fn refuse_wrong_log(connection: &Connection, store: &Entry) -> Result<()> {
    // Others may write to the file at this moment, so it is looked at again before anything is said.
    for _ in 0..LOOKS {
        if !has_log(store)? || is_follower(connection, store)? {
            return Ok(());
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    Err(damaged("the log beside it belongs to another store or to an earlier time"))
}

/// Whether the store with its log has all that the file alone has, as far as can be seen.
fn is_follower(connection: &Connection, store: &Entry) -> Result<bool> {
    let (head_alone, commits_alone) = match open_alone(store.path()) {
        Ok(alone) => (last_event(&alone), reader(&alone).commits().ok()),
        Err(_) => return Ok(true),
    };
    // After the file, which others may write to meanwhile.
    let reader = reader(connection);
    let has_head = head_alone.is_none_or(|head| reader.has_event(head).unwrap_or(false));
    Ok(has_head
        && match commits_alone {
            None => true,
            Some(alone) => alone <= reader.commits()?,
        })
}

/// The end of the trail in the file alone. A page that a crash left half written may put rows together that never were, so a row
/// counts only if its link is right.
fn last_event(alone: &Connection) -> Option<Head> {
    let event = reader(alone).last_event().ok().flatten()?;
    (event.link() == event.hash).then_some(Head { seq: event.seq, hash: event.hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_waits_for_the_disk_itself_where_that_is_a_setting() {
        let connection = Connection::open_in_memory().expect("memory");
        let connection = prepare(connection, Duration::ZERO).expect("it can be prepared");
        let mode: bool =
            connection.pragma_query_value(None, "fullfsync", |row| row.get(0)).expect("a setting");
        assert!(mode);
    }
}
