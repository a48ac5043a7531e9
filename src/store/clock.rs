//! The `clock` table: the latest time that the store has seen.
//!
//! This module never reads a clock; times come in with what happened at them.

use rusqlite::OptionalExtension;

use super::failure::{damaged, failure};
use super::{Reader, Store, Writer};
use crate::domain::clock::Clock;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;

impl Store {
    /// What the store remembers of the time.
    ///
    /// # Errors
    /// The store's.
    pub fn clock(&mut self) -> Result<Clock> {
        self.read(|reader| reader.clock())
    }
}

impl Reader<'_> {
    /// What the store remembers of the time, as of this transaction.
    ///
    /// # Errors
    /// The store's; `damaged` when the row is gone.
    pub fn clock(&self) -> Result<Clock> {
        if let Some(clock) = self.clock.get() {
            return Ok(clock);
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT seen, leapt FROM clock WHERE only = 1")
            .map_err(failure)?;
        let gone = || damaged("what it remembers of the time is gone");
        let clock = statement
            .query_row([], |row| {
                let leapt: Option<i64> = row.get(1)?;
                Ok(Clock {
                    seen: Timestamp::from_millis(row.get(0)?),
                    leapt: leapt.map(Timestamp::from_millis),
                })
            })
            .optional()
            .map_err(failure)?
            .filter(|clock| clock.seen.is_writable())
            .ok_or_else(gone)?;
        self.clock.set(Some(clock));
        Ok(clock)
    }

    /// How many commits there were.
    pub(super) fn commits(&self) -> Result<i64> {
        self.connection
            .query_row("SELECT commits FROM clock WHERE only = 1", [], |row| {
                row.get(0)
            })
            .map_err(failure)
    }

    /// Remembers that it was this time. A transaction that writes ends with it.
    pub(super) fn observe(&self, now: Timestamp) -> Result<()> {
        let after = self.clock()?.after(now);
        self.save_clock(after)
    }

    /// Every commit counts, so that every log has the count in it.
    fn save_clock(&self, clock: Clock) -> Result<()> {
        let leapt = clock.leapt.map(Timestamp::as_millis);
        self.connection
            .prepare_cached(
                "INSERT INTO clock (only, seen, leapt) VALUES (1, ?1, ?2)
                 ON CONFLICT (only) DO UPDATE SET seen = ?1, leapt = ?2, commits = commits + 1",
            )
            .and_then(|mut statement| statement.execute((clock.seen.as_millis(), leapt)))
            .map_err(failure)?;
        self.clock.set(Some(clock));
        Ok(())
    }
}

impl Writer<'_> {
    /// Takes this time for the latest there was, whatever was seen before. The states of rates that a later time left are
    /// dropped, because they would keep their keys waiting until that time.
    ///
    /// # Errors
    /// The store's.
    pub fn reset_clock(&self, now: Timestamp) -> Result<()> {
        self.drop_rate_states_after(now)?;
        self.save_clock(Clock {
            seen: now,
            leapt: None,
        })
    }
}
