//! Writing: changes that are synced and leave an audit row, counts that need neither, and what became of a commit that failed.
//!
//! This module never tells of a change that is not there, nor of none where there is one.

use std::time::Duration;

use rusqlite::TransactionBehavior;

use super::failure::failure;
use super::place::Place;
use super::{Meter, Reader, Store, Writer, reserve};
use crate::domain::audit::ChainHash;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};

impl Store {
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
        body: impl FnOnce(&Writer<'_>) -> Result<T>,
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

    /// Counts what happened until `now` in one transaction: all that the closure counts, or nothing. It waits for another
    /// process no longer than `wait`.
    ///
    /// # Errors
    /// The closure's, or the store's; `io` when the store can only be read, or its file is not in its place any more.
    pub fn count<T>(
        &mut self,
        wait: Duration,
        now: Timestamp,
        body: impl FnOnce(&Meter<'_>) -> Result<T>,
    ) -> Result<T> {
        self.access.require_writable()?;
        self.confirm_place()?;
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
        let place = Place::of(&self.named, self.held.as_ref());
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failure)?;
        place.confirm()?;
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
        let store = self.entry.as_ref().ok_or_else(unknown)?;
        let mut second = Self::open_shared(store, self.wait, flags, self.held.as_ref())
            .map_err(|_| unknown())?;
        match second.read(|reader| reader.has_event(head)) {
            Ok(true) => Ok(()),
            // The log may hold the commit all the same, where only recovery after a crash would find it.
            Ok(false) if second.forgets_failed_commits() => Err(error),
            _ => Err(unknown()),
        }
    }
}
