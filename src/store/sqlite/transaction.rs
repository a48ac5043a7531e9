//! SQLite's transactions: changes that are synced, counts that are not, and what became of a commit that failed.
//!
//! This module never reports a change as made unless it was, nor as not made unless it was not.

use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::connection::make_room;
use super::failure::failure;
use super::log::LogIndex;
use super::place::{Access, Place};
use super::session::Session;
use super::{Database, reserve, session};
use crate::domain::audit::Head;
use crate::error::{Error, Kind, Result};
use crate::store::session::Session as AnySession;
use crate::store::{Freshness, Reader};

impl Database {
    pub(in crate::store) fn read<T>(
        &mut self,
        body: impl FnOnce(Session<'_>) -> Result<T>,
    ) -> Result<T> {
        // Prepared once: a verifier that looks a secret up would spend a tenth of its time on parsing these two.
        let outcome =
            Reading::begin(&self.connection).and_then(|reading| body(Session::new(reading.0)));
        self.access.confirm(self.entry.as_ref())?;
        outcome
    }

    /// Whether uses can be counted here.
    pub(in crate::store) fn can_count(&self) -> bool {
        let is_shared = matches!(self.access, Access::Shared);
        is_shared && !self.connection.is_readonly("main").unwrap_or(true)
    }

    pub(in crate::store) fn freshness(&self) -> Result<Freshness> {
        self.access.confirm(self.entry.as_ref())?;
        let ask = || session::freshness(&self.connection);
        match self.log_index.get_or_init(|| self.find_log_index()) {
            Some(index) => index.freshness(ask),
            None => ask(),
        }
    }

    /// The index of the log, where it is the one that all others go by.
    fn find_log_index(&self) -> Option<LogIndex> {
        let (entry, held) = (self.entry.as_ref()?, self.held.as_ref()?);
        // A process that can only read may have its own index in memory.
        let is_shared = self.can_count() && self.has_wal_mode();
        is_shared.then(|| LogIndex::of(entry, held)).flatten()
    }

    /// Runs the closure, which returns the trail's end after it, in a synced transaction.
    pub(in crate::store) fn write<T>(
        &mut self,
        wait: Option<Duration>,
        body: impl FnOnce(Session<'_>) -> Result<(T, Option<Head>)>,
    ) -> Result<T> {
        match wait {
            None => self.write_in_transaction(body),
            Some(wait) => self.waiting_at_most(wait, |own| own.write_in_transaction(body)),
        }
    }

    /// The same, also on a full disk.
    pub(in crate::store) fn write_with_reserve<T>(
        &mut self,
        body: impl Fn(Session<'_>) -> Result<(T, Option<Head>)>,
    ) -> Result<T> {
        match self.write_in_transaction(&body) {
            Err(error)
                if error.kind() == Kind::Io
                    && self.entry.as_ref().is_some_and(reserve::release) =>
            {
                self.reopen()?;
                self.write_in_transaction(body)
            }
            outcome => outcome,
        }
    }

    fn write_in_transaction<T>(
        &mut self,
        body: impl FnOnce(Session<'_>) -> Result<(T, Option<Head>)>,
    ) -> Result<T> {
        self.access.require_writable()?;
        self.confirm_place()?;
        self.sync_commits(true)?;
        self.changed = true;
        let place = Place::of(&self.named, self.held.as_ref());
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failure)?;
        place.confirm()?;
        let (value, head) = body(Session::new(&transaction))?;
        match transaction.commit() {
            Ok(()) => Ok(value),
            Err(error) => self.learn_outcome(head, failure(error)).map(|()| value),
        }
    }

    pub(in crate::store) fn count<T>(
        &mut self,
        wait: Duration,
        body: impl FnOnce(Session<'_>) -> Result<T>,
    ) -> Result<T> {
        self.access.require_writable()?;
        self.confirm_place()?;
        self.sync_commits(false)?;
        let counted = self.waiting_at_most(wait, |own| own.count_in_transaction(body))?;
        self.trim_log();
        Ok(counted)
    }

    fn count_in_transaction<T>(
        &mut self,
        body: impl FnOnce(Session<'_>) -> Result<T>,
    ) -> Result<T> {
        let place = Place::of(&self.named, self.held.as_ref());
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failure)?;
        place.confirm()?;
        let value = body(Session::new(&transaction))?;
        transaction.commit().map_err(failure)?;
        Ok(value)
    }

    fn waiting_at_most<T>(
        &mut self,
        wait: Duration,
        body: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.connection.busy_timeout(wait.min(self.wait)).map_err(failure)?;
        let outcome = body(self);
        self.connection.busy_timeout(self.wait).map_err(failure)?;
        outcome
    }

    /// Chooses whether a commit waits for the disk, as it does by itself.
    fn sync_commits(&mut self, synced: bool) -> Result<()> {
        if self.synced.is_none() {
            make_room(&self.connection)?;
        }
        if self.synced.unwrap_or(true) != synced {
            let mode = if synced { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", mode).map_err(failure)?;
        }
        self.synced = Some(synced);
        Ok(())
    }

    /// Determines whether a failed commit happened anyway: in WAL mode a sync error of the log can follow a complete
    /// commit. A second connection reads the result.
    fn learn_outcome(&self, head: Option<Head>, error: Error) -> Result<()> {
        let Some(head) = head else { return Err(error) };
        let unknown = || {
            Error::new(
                Kind::UnknownOutcome,
                format!("it is not known whether the change was made: {error}"),
            )
            .hinted("check `keyward audit list`")
        };
        // Not `open`: the file was checked when this store was opened.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let store = self.entry.as_ref().ok_or_else(unknown)?;
        let mut second = Self::open_shared(store, self.wait, flags, self.held.as_ref())
            .map_err(|_| unknown())?;
        let found = second.read(|session| Reader::new(AnySession::Sqlite(session)).has_event(head));
        match found {
            Ok(true) => Ok(()),
            // The log may hold the commit all the same, where only recovery after a crash would find it.
            Ok(false) if second.discard_failed_commit() => Err(error),
            _ => Err(unknown()),
        }
    }
}

/// A transaction that only reads, until it is dropped.
struct Reading<'a>(&'a Connection);

impl<'a> Reading<'a> {
    fn begin(connection: &'a Connection) -> Result<Self> {
        run(connection, "BEGIN").map_err(failure)?;
        Ok(Self(connection))
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        // If it fails, the next transaction cannot begin, and says so.
        run(self.0, "ROLLBACK").ok();
    }
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute([])
}
