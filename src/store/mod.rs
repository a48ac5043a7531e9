//! The store: one SQLite file, opened with care, read and written in transactions.
//!
//! This module never sees a `Secret`, only its hash, so plaintext cannot be stored; and it never decides what a key
//! may do: rules stand in `domain` and `ops`, which load and save through [`Reader`] and [`Writer`].

mod alone;
mod audit;
mod backup;
mod claims;
mod clock;
mod copy;
mod create;
mod examine;
mod failure;
mod header;
mod info;
mod integrity;
mod key_lists;
mod key_row;
mod keys;
mod log;
mod meter;
mod migrations;
mod open;
mod permissions;
#[cfg(test)]
mod plans;
mod reserve;
mod restore;
mod settings;
mod turn;
mod usage;
mod workspaces;

use std::cell::Cell;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use crate::domain::audit::ChainHash;
use crate::domain::clock::Clock;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use failure::failure;
use header::{Held, Place};
use integrity::Unsealed;
use open::{Access, LOOK_EVERY};

pub use backup::{Backup, Death, beside, put_in_place, remains, salvage, write_over};
pub use claims::Remembered;
pub use copy::Copy;
pub use info::Info;
pub use key_lists::Order;
pub use meter::Meter;
pub use turn::Turn;

/// An open store.
pub struct Store {
    connection: Connection,
    path: PathBuf,
    access: Access,
    wait: Duration,
    /// Whether commits wait for the disk.
    synced: bool,
    /// Whether this process has changed anything.
    changed: bool,
    /// Whether it has counted uses.
    counted: bool,
    /// When it was last looked whether the file is still in its place.
    looked_at: Cell<Instant>,
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
        self.access.confirm(&self.path)?;
        outcome
    }

    /// Changes the store in one synced transaction: all of the closure's changes with their audit rows, or none.
    ///
    /// # Errors
    /// The closure's, or the store's; after any of them the store is as it was, except for `unknown_outcome`.
    pub fn write<T>(&mut self, body: impl FnOnce(&Writer<'_>) -> Result<T>) -> Result<T> {
        self.write_in_transaction(body)
    }

    /// The same, waiting for another process no longer than `wait`.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_within<T>(
        &mut self,
        wait: Duration,
        body: impl FnOnce(&Writer<'_>) -> Result<T>,
    ) -> Result<T> {
        self.waiting_at_most(wait, |store| store.write_in_transaction(body))
    }

    /// The same, also on a full disk: the space that is held back is used up for it.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_urgently<T>(&mut self, body: impl Fn(&Writer<'_>) -> Result<T>) -> Result<T> {
        match self.write_in_transaction(&body) {
            Err(error) if error.kind() == Kind::Io && reserve::release(&self.path) => {
                self.reopen()?;
                self.write_in_transaction(body)
            }
            outcome => outcome,
        }
    }

    fn write_in_transaction<T>(
        &mut self,
        body: impl FnOnce(&Writer<'_>) -> Result<T>,
    ) -> Result<T> {
        if let Access::Immutable(_) = self.access {
            return Err(Error::new(
                Kind::Io,
                "the store can only be read: its file or folder is read-only, or the disk is full",
            ));
        }
        self.sync_commits(true)?;
        self.changed = true;
        let place = Place::of(&self.path, self.held.as_ref());
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failure)?;
        place.confirm()?;
        let before = transaction.total_changes();
        let writer = Writer::new(&transaction);
        let value = body(&writer)?;
        let head = writer.head.get();
        let is_untold = transaction.total_changes() != before && head.is_none();
        if is_untold || !writer.unsealed.is_empty() {
            return Err(Error::new(
                Kind::Internal,
                "a change without an audit row was taken back",
            ));
        }
        if let Some(time) = writer.time.get() {
            writer.observe(time)?;
        }
        match transaction.commit() {
            Ok(()) => Ok(value),
            Err(error) => self.learn_outcome(head, failure(error)).map(|()| value),
        }
    }

    /// Checks that the file is still in its place.
    fn confirm_place(&self) -> Result<()> {
        self.looked_at.set(Instant::now());
        Place::of(&self.path, self.held.as_ref()).confirm()
    }

    /// Whether uses can be counted here; a store that can only be read still answers.
    pub fn can_count(&self) -> bool {
        let is_shared = matches!(self.access, Access::Shared);
        is_shared && !self.connection.is_readonly("main").unwrap_or(true)
    }

    /// A number that changes with every commit of another process.
    ///
    /// # Errors
    /// The store's; `io` when a store that can only be read changed meanwhile, or another file is in the store's place.
    pub fn version(&self) -> Result<i64> {
        self.access.confirm(&self.path)?;
        if self.looked_at.get().elapsed() > LOOK_EVERY {
            self.confirm_place()?;
        }
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

    /// Counts what happened until `now` in one transaction: all that the closure counts, or nothing. It waits for another
    /// process no longer than `wait`.
    ///
    /// # Errors
    /// The closure's, or the store's; `io` when the store can only be read.
    pub fn count<T>(
        &mut self,
        wait: Duration,
        now: Timestamp,
        body: impl FnOnce(&Meter<'_>) -> Result<T>,
    ) -> Result<T> {
        if let Access::Immutable(_) = self.access {
            return Err(Error::new(Kind::Io, "the store can only be read"));
        }
        self.sync_commits(false)?;
        self.counted = true;
        self.waiting_at_most(wait, |store| store.count_in_transaction(now, body))
    }

    fn waiting_at_most<T>(
        &mut self,
        wait: Duration,
        body: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.connection
            .busy_timeout(wait.min(self.wait))
            .map_err(failure)?;
        let outcome = body(self);
        self.connection.busy_timeout(self.wait).map_err(failure)?;
        outcome
    }

    fn count_in_transaction<T>(
        &mut self,
        now: Timestamp,
        body: impl FnOnce(&Meter<'_>) -> Result<T>,
    ) -> Result<T> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failure)?;
        let meter = Meter {
            reader: Reader::new(&transaction),
        };
        let value = body(&meter)?;
        meter.observe(now)?;
        transaction.commit().map_err(failure)?;
        Ok(value)
    }

    /// Chooses whether a commit waits for the disk.
    fn sync_commits(&mut self, synced: bool) -> Result<()> {
        if self.synced != synced {
            let mode = if synced { "FULL" } else { "NORMAL" };
            self.connection
                .pragma_update(None, "synchronous", mode)
                .map_err(failure)?;
            self.synced = synced;
        }
        Ok(())
    }

    /// Finds out whether a commit that failed happened all the same: in WAL mode an error of the log's sync can follow
    /// a whole commit. A second connection reads what is there.
    fn learn_outcome(&self, head: Option<(i64, ChainHash)>, error: Error) -> Result<()> {
        let Some(head) = head else { return Err(error) };
        let unknown = || {
            Error::new(
                Kind::UnknownOutcome,
                format!("whether the change was made could not be learned: {error}"),
            )
            .hinted("`keyward audit list` shows it if it was")
        };
        // Not `open`: the file was checked when this store was opened.
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let mut second = Self::open_shared(&self.path, self.wait, flags, self.held.as_ref())
            .map_err(|_| unknown())?;
        match second.read(|reader| reader.has_event(head)) {
            Ok(true) => Ok(()),
            // The log may hold the commit all the same, where only recovery after a crash would find it.
            Ok(false) if second.forgets_failed_commits() => Err(error),
            _ => Err(unknown()),
        }
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
