//! The store: one SQLite file, opened with care, read and written in transactions.
//!
//! This module never sees a `Secret`, only its hash, so plaintext cannot be stored; and it never decides what a key
//! may do: rules stand in `domain` and `ops`, which load and save through [`Reader`] and [`Writer`].

mod audit;
mod create;
mod failure;
mod header;
mod info;
mod key_row;
mod keys;
mod migrations;
mod open;
mod permissions;
mod settings;
mod workspaces;

use std::cell::Cell;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use crate::domain::audit::ChainHash;
use crate::domain::key::KeyId;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use failure::failure;
use open::Access;

pub use info::Info;
pub use keys::Order;

/// The longest that recording a use waits for another process; the verdict matters more.
const RECORDING_WAIT: Duration = Duration::from_secs(1);

/// An open store.
pub struct Store {
    connection: Connection,
    path: PathBuf,
    access: Access,
    wait: Duration,
}

/// What a transaction may read.
pub struct Reader<'a> {
    connection: &'a Connection,
}

/// What a transaction may read and write. Whatever it writes must leave an audit row, or nothing is committed.
pub struct Writer<'a> {
    reader: Reader<'a>,
    /// The last row this transaction added to the trail.
    head: Cell<Option<(i64, ChainHash)>>,
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
        let outcome = body(&Reader {
            connection: &transaction,
        });
        transaction.finish().map_err(failure)?;
        self.access.confirm(&self.path)?;
        outcome
    }

    /// Changes the store in one synced transaction: all of the closure's changes with their audit rows, or none.
    ///
    /// # Errors
    /// The closure's, or the store's; after any of them the store is as it was, except for `unknown_outcome`.
    pub fn write<T>(&mut self, body: impl FnOnce(&Writer<'_>) -> Result<T>) -> Result<T> {
        if let Access::Immutable(_) = self.access {
            return Err(Error::new(
                Kind::Io,
                "the store can only be read: its file or folder is read-only",
            ));
        }
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failure)?;
        let before = transaction.total_changes();
        let writer = Writer {
            reader: Reader {
                connection: &transaction,
            },
            head: Cell::new(None),
        };
        let value = body(&writer)?;
        let head = writer.head.get().map(|(_, hash)| hash);
        if transaction.total_changes() != before && head.is_none() {
            return Err(Error::new(
                Kind::Internal,
                "a change without an audit row was taken back",
            ));
        }
        match transaction.commit() {
            Ok(()) => Ok(value),
            Err(error) => self.learn_outcome(head, failure(error)).map(|()| value),
        }
    }

    /// Records that a key was used. `last_used_at` never falls.
    ///
    /// Synced lazily and given up soon: what a verify says does not depend on it.
    ///
    /// # Errors
    /// The store's; nothing else is lost.
    pub fn record_use(&mut self, id: &KeyId, now: Timestamp) -> Result<()> {
        if let Access::Immutable(_) = self.access {
            return Err(Error::new(Kind::Io, "the store can only be read"));
        }
        self.connection
            .busy_timeout(self.wait.min(RECORDING_WAIT))
            .map_err(failure)?;
        self.connection
            .pragma_update(None, "synchronous", "NORMAL")
            .map_err(failure)?;
        let recorded = self
            .connection
            .execute(
                "UPDATE key SET last_used_at = ?2 WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)",
                (id.as_str(), now.as_millis()),
            )
            .map_err(failure);
        self.connection
            .pragma_update(None, "synchronous", "FULL")
            .map_err(failure)?;
        self.connection.busy_timeout(self.wait).map_err(failure)?;
        recorded.map(|_| ())
    }

    /// Finds out whether a commit that failed happened all the same: in WAL mode an error of the log's sync can follow
    /// a whole commit. A second connection reads what is there.
    fn learn_outcome(&self, head: Option<ChainHash>, error: Error) -> Result<()> {
        let Some(head) = head else { return Err(error) };
        let unknown = || {
            Error::new(
                Kind::UnknownOutcome,
                format!("whether the change was made could not be learned: {error}"),
            )
            .hinted("`keyward audit list` shows it if it was")
        };
        // Not `open`: its look at the file would end by dropping this connection's locks (POSIX, F_SETLK).
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let mut second = Self::open_shared(&self.path, self.wait, flags).map_err(|_| unknown())?;
        match second.read(|reader| reader.has_event(head)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(error),
            Err(_) => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::Action;

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
