//! The store: one SQLite file, opened with care, read and written in transactions.
//!
//! This module never sees a `Secret`, only its hash, so plaintext cannot be stored; and it never decides what a key
//! may do: rules stand in `domain` and `ops`, which load and save through [`Reader`] and [`Writer`].

mod access;
mod alone;
mod audit;
mod backup;
mod claims;
mod clock;
mod connection;
mod copy;
mod create;
mod ended;
mod endings;
mod examine;
mod failure;
mod glance;
mod header;
mod info;
mod integrity;
mod key_lists;
mod key_row;
mod keys;
mod links;
mod log;
mod meter;
mod migrations;
mod open;
mod permissions;
mod place;
#[cfg(test)]
mod plans;
mod reserve;
mod restore;
mod salvage;
mod schema;
mod seal;
mod settings;
mod transaction;
mod turn;
mod usage;
mod workspaces;

use std::cell::Cell;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;

use crate::domain::audit::ChainHash;
use crate::domain::clock::Clock;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::files::Entry;
use access::Access;
use failure::failure;
use header::Held;
use integrity::Unsealed;

pub use backup::{Backup, beside, put_in_place, write_over};
pub use claims::Remembered;
pub use copy::Copy;
pub use failure::of_backup;
pub use info::Info;
pub use key_lists::Order;
pub use meter::Meter;
pub use place::absent;
pub use restore::Note;
pub use salvage::{Extent, Trace, fingerprint, remains, salvage};
pub use turn::Turn;

/// An open store.
pub struct Store {
    connection: Connection,
    /// Where it is; nowhere for one in memory.
    entry: Option<Entry>,
    /// The path by which it was opened, its folders' links not followed: it is that by which others find it.
    named: PathBuf,
    access: Access,
    wait: Duration,
    /// Whether commits wait for the disk.
    synced: bool,
    /// Whether this process has changed anything.
    changed: bool,
    /// Whether it has counted uses.
    counted: bool,
    /// Last, because it may only be let go once the connection is closed.
    held: Option<Held>,
}

/// What a transaction may read.
pub struct Reader<'a> {
    connection: &'a Connection,
    /// What the store remembers of the time, once it was asked for.
    clock: Cell<Option<Clock>>,
    /// Empty unless this transaction writes.
    unsealed: Unsealed,
    /// Whether records are taken as they stand.
    is_credulous: Cell<bool>,
}

impl<'a> Reader<'a> {
    fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            clock: Cell::new(None),
            unsealed: Unsealed::default(),
            is_credulous: Cell::new(false),
        }
    }
}

/// What a transaction may read and write. Whatever it writes must leave an audit row, or nothing is committed.
pub struct Writer<'a> {
    reader: Reader<'a>,
    /// The last row this transaction added to the trail.
    head: Cell<Option<(i64, ChainHash)>>,
    /// When that was.
    time: Cell<Option<Timestamp>>,
}

impl<'a> Writer<'a> {
    fn new(connection: &'a Connection) -> Self {
        Self {
            reader: Reader::new(connection),
            head: Cell::new(None),
            time: Cell::new(None),
        }
    }
}

impl<'a> Deref for Writer<'a> {
    type Target = Reader<'a>;

    fn deref(&self) -> &Reader<'a> {
        &self.reader
    }
}

impl Store {
    /// Reads in one transaction: everything the closure sees is of one moment.
    ///
    /// # Errors
    /// The closure's, or the store's; `io` when a store that can only be read changed meanwhile.
    pub fn read<T>(&mut self, body: impl FnOnce(&Reader<'_>) -> Result<T>) -> Result<T> {
        let transaction = self.connection.transaction().map_err(failure)?;
        let outcome = body(&Reader::new(&transaction));
        transaction.finish().map_err(failure)?;
        self.access.confirm(self.entry.as_ref())?;
        outcome
    }

    /// Whether uses can be counted here; a store that can only be read still answers.
    pub fn can_count(&self) -> bool {
        let is_shared = matches!(self.access, Access::Shared);
        is_shared && !self.connection.is_readonly("main").unwrap_or(true)
    }

    /// A number that changes with every commit of another process.
    ///
    /// # Errors
    /// The store's; `io` when a store that can only be read changed meanwhile.
    pub fn version(&self) -> Result<i64> {
        self.access.confirm(self.entry.as_ref())?;
        version(&self.connection)
    }

    /// Prepares for many look-ups and counts: up to 64 MiB of pages stay in memory, and the log is cleared when it has 16 MiB
    /// instead of 4, so that its syncs are fewer.
    ///
    /// # Errors
    /// The store's.
    pub fn expect_many(&self) -> Result<()> {
        self.connection
            .execute_batch("PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4096")
            .map_err(failure)
    }
}

impl Reader<'_> {
    /// A number that changes with every commit of another process.
    ///
    /// # Errors
    /// The store's.
    pub fn version(&self) -> Result<i64> {
        version(self.connection)
    }
}

fn version(connection: &Connection) -> Result<i64> {
    let mut statement = connection
        .prepare_cached("PRAGMA data_version")
        .map_err(failure)?;
    statement.query_row([], |row| row.get(0)).map_err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::Action;
    use crate::domain::timestamp::Timestamp;
    use crate::error::{Error, Kind};

    #[test]
    fn a_change_without_an_audit_row_is_taken_back() {
        let mut store = Store::empty();
        let error = store
            .write(|writer| writer.set_setting("a", "b"))
            .expect_err("no audit row");
        assert_eq!(error.kind(), Kind::Internal);
        assert_eq!(
            store.read(|reader| reader.setting("a")).expect("readable"),
            None
        );
    }

    #[test]
    fn a_failing_body_leaves_nothing() {
        let mut store = Store::empty();
        let outcome: Result<()> = store.write(|writer| {
            writer.set_setting("a", "b")?;
            writer.audit(
                Timestamp::from_millis(1),
                "x",
                Action::WorkspaceUse,
                "x",
                &serde_json::json!({}),
            )?;
            Err(Error::usage("no"))
        });
        assert!(outcome.is_err());
        assert_eq!(
            store.read(|reader| reader.setting("a")).expect("readable"),
            None
        );
        assert_eq!(store.read(|reader| reader.head()).expect("readable").0, 0);
    }
}
