//! Keeping the write-ahead log short, and leaving it where clearing it would cost more than it is worth; and whether anybody has
//! committed since the last check, by the index of the log: one read, and no lock.
//!
//! This module never drops anything from the log that is not in the file.

use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;

use super::failure::failure;
use super::header::Held;
use super::permissions::look;
use super::place::Place;
use super::{Database, reserve};
use crate::error::Result;
use crate::files::Entry;
use crate::store::Freshness;

/// A log of this many bytes may stay when the last process closes the store. Clearing it costs four syncs, some 0.6 ms;
/// reading it at the next start costs 0.1 ms.
const SHORT: u64 = 128 * 1024;
/// A log of this many bytes is cleared even if that means waiting for readers.
const LONG: u64 = 32 * 1024 * 1024;
/// How long it takes waiting for them.
const WAIT_FOR_READERS: Duration = Duration::from_millis(100);

impl Drop for Database {
    /// Writes changes from the log to the file itself, also while a stream keeps the store open. A log that is left
    /// later contains only counts, and the file itself has every change.
    fn drop(&mut self) {
        if Place::of(&self.named, self.held.as_ref()).confirm().is_err() {
            // SQLite removes the log by its name, and it would be another store's.
            let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            return;
        }
        if self.changed {
            let is_short = self.entry.as_ref().is_some_and(reserve::is_short);
            // If a reader prevents it, the changes stay in the log, and the last process to close the store tries
            // again.
            let _ = self.checkpoint(if is_short { "TRUNCATE" } else { "FULL" });
            if let Some(store) = self.entry.as_ref().filter(|_| is_short) {
                reserve::fill(store);
            }
        } else {
            // A reader does not change the file, even if counts are waiting in the log.
            self.leave_short_log();
        }
    }
}

impl Database {
    /// Leaves the log when it is short: closing the store is then no work at all.
    fn leave_short_log(&mut self) {
        let is_short = self.log_length().is_some_and(|length| (1..=SHORT).contains(&length));
        if is_short {
            // If it cannot be set, closing takes longer.
            let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
    }

    /// Clears the log when it has become long. SQLite clears it by itself at a moment without readers, which may never
    /// come where several streams are busy.
    pub(super) fn trim_log(&mut self) {
        if self.log_length().is_some_and(|length| length > LONG) {
            // If a reader stays for longer, the next second's counts are followed by another attempt.
            let _ = self.checkpoint("TRUNCATE");
        }
    }

    /// Makes sure that a commit that failed stays undone. Its frames are in the log beyond the end that everybody goes by,
    /// and are gone when the log is cleared or written over.
    pub(super) fn discard_failed_commit(&mut self) -> bool {
        let write_over = "BEGIN IMMEDIATE; UPDATE clock SET commits = commits + 1; COMMIT";
        matches!(self.checkpoint("TRUNCATE"), Ok(true))
            || self.connection.execute_batch(write_over).is_ok()
    }

    /// Brings the log's changes into the file. Says whether that was all of them.
    fn checkpoint(&mut self, how: &str) -> Result<bool> {
        self.connection.busy_timeout(WAIT_FOR_READERS).map_err(failure)?;
        let done = self
            .connection
            .query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| {
                row.get(0).map(|is_busy: bool| !is_busy)
            })
            .map_err(failure);
        self.connection.busy_timeout(self.wait).map_err(failure)?;
        done
    }

    fn log_length(&self) -> Option<u64> {
        let log = self.entry.as_ref()?.beside("-wal");
        look(&log).ok().flatten().map(|log| log.length())
    }
}

/// The length of a copy of the header.
const LENGTH: usize = 48;
/// The position of the field that says whether it was ever written.
const IS_MADE: usize = 12;

/// The index of a log that this process has open.
pub(super) struct LogIndex {
    file: Arc<File>,
    /// A header with what SQLite said after it was read.
    last: Cell<Option<([u8; LENGTH], Freshness)>>,
}

impl LogIndex {
    /// The index of this store's log. A connection must have it open.
    pub(super) fn of(store: &Entry, held: &Held) -> Option<Self> {
        let file = held.beside(&store.beside("-shm")).ok()?;
        let last = Cell::new(None);
        Some(Self { file, last })
    }

    /// What SQLite said for the current header, or what it says now if the header is new. The header is read first, so
    /// a commit in between is noticed the next time.
    pub(super) fn freshness(&self, ask: impl FnOnce() -> Result<Freshness>) -> Result<Freshness> {
        let header = self.header();
        if let (Some(header), Some((last, freshness))) = (header, self.last.get())
            && header == last
        {
            return Ok(freshness);
        }
        let freshness = ask()?;
        self.last.set(header.map(|header| (header, freshness)));
        Ok(freshness)
    }

    /// The header, unless it is just being written.
    fn header(&self) -> Option<[u8; LENGTH]> {
        let mut copies = [0; 2 * LENGTH];
        self.file.read_exact_at(&mut copies, 0).ok()?;
        let (header, other) = copies.split_first_chunk::<LENGTH>()?;
        (header == other && header[IS_MADE] != 0).then_some(*header)
    }
}
