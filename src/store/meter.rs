//! The tables of what verify counts: `meter`, `usage`, `refusal` and `allowance`.
//!
//! This module never decides what counts: it adds up what it is given. What it writes is no change of anything an operator
//! made, so it needs no audit row, and a commit of it is not synced by itself: the next synced one, or the next
//! checkpoint, brings it to the disk.

use std::ops::Deref;

use rusqlite::{OptionalExtension, Row};

use super::failure::failure;
use super::{Reader, Writer};
use crate::domain::day::{Day, Month};
use crate::domain::key::{KeyId, KeySeq};
use crate::domain::rate::Rate;
use crate::domain::timestamp::Timestamp;
use crate::domain::usage::{LastUse, Tally};
use crate::domain::workspace::WorkspaceId;
use crate::error::Result;

/// How many keys a day's slots have room for.
pub(super) const KEYS_PER_DAY: i64 = 1 << 40;

/// Adds to a key's day.
const COUNT: &str = "UPDATE usage SET valid = valid + ?2, credits = credits + ?3,
    last_address = iif(last_used_at > ?4, last_address, ?5), last_used_at = max(last_used_at, ?4) WHERE slot = ?1";
/// Begins a key's day.
const BEGIN: &str = "INSERT INTO usage (slot, valid, credits, last_used_at, last_address) VALUES (?1, ?2, ?3, ?4, ?5)";
/// Notes that a key has a new day.
const TURN: &str = "INSERT INTO meter (key_seq, last_day) VALUES (?1, ?2) ON CONFLICT (key_seq)
    DO UPDATE SET last_day = max(coalesce(last_day, 0), excluded.last_day)";

/// What a transaction that counts may read and write.
pub struct Meter<'a> {
    pub(super) reader: Reader<'a>,
}

impl<'a> Deref for Meter<'a> {
    type Target = Reader<'a>;

    fn deref(&self) -> &Reader<'a> {
        &self.reader
    }
}

impl Reader<'_> {
    /// When this key last verified.
    ///
    /// # Errors
    /// The store's.
    pub fn last_use(&self, key: KeySeq) -> Result<Option<LastUse>> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT usage.last_used_at, usage.last_address FROM meter
                 JOIN usage ON usage.slot = (meter.last_day << 40) + meter.key_seq WHERE meter.key_seq = ?1",
            )
            .map_err(failure)?;
        statement
            .query_row([key.0], |row| last_use(row, 0))
            .optional()
            .map_err(failure)
    }

    /// The state that this rate left a key in; nothing when the key was last held to another rate, or to none.
    ///
    /// # Errors
    /// The store's.
    pub fn rate_state(&self, key: KeySeq, rate: Rate) -> Result<Option<i64>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT whole_at FROM meter WHERE key_seq = ?1 AND rate = ?2")
            .map_err(failure)?;
        statement
            .query_row((key.0, rate.to_string()), |row| row.get(0))
            .optional()
            .map_err(failure)
    }

    /// The credits that a workspace has spent in a month.
    ///
    /// # Errors
    /// The store's.
    pub fn credits_spent(&self, workspace: WorkspaceId, month: Month) -> Result<u64> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT credits FROM allowance WHERE workspace_id = ?1 AND month = ?2")
            .map_err(failure)?;
        let credits: Option<i64> = statement
            .query_row((workspace.0, month.0), |row| row.get(0))
            .optional()
            .map_err(failure)?;
        Ok(credits.map_or(0, i64::unsigned_abs))
    }
}

impl Meter<'_> {
    /// Adds uses of keys on days, fastest in the order of days and keys. A key's last use never falls back.
    ///
    /// # Errors
    /// The store's.
    pub fn add<'t>(&self, uses: impl IntoIterator<Item = (Day, KeySeq, &'t Tally)>) -> Result<()> {
        let prepare = |sql| self.connection.prepare_cached(sql).map_err(failure);
        // An update first, because most keys have their day already.
        let (mut count, mut begin, mut turn) = (prepare(COUNT)?, prepare(BEGIN)?, prepare(TURN)?);
        let mut refuse = prepare(
            "INSERT INTO refusal (slot, code, count) VALUES (?1, ?2, ?3) ON CONFLICT (slot, code)
             DO UPDATE SET count = count + excluded.count",
        )?;
        for (day, key, tally) in uses {
            let slot = slot(day, key);
            if let Some(last) = tally.last {
                let (valid, credits) = (stored(tally.valid), stored(tally.credits));
                let address = last.address.map(|address| address.to_string());
                let row = (
                    slot,
                    valid,
                    credits,
                    last.at.as_millis(),
                    address.as_deref(),
                );
                if count.execute(row).map_err(failure)? == 0 {
                    begin.execute(row).map_err(failure)?;
                    turn.execute((key.0, slot / KEYS_PER_DAY))
                        .map_err(failure)?;
                }
            }
            for (code, count) in &tally.refused {
                refuse
                    .execute((slot, code.word(), stored(*count)))
                    .map_err(failure)?;
            }
        }
        Ok(())
    }

    /// Notes that a key acted, which is a use but no request; a key that is gone is left alone.
    ///
    /// # Errors
    /// The store's.
    pub fn touch(&self, id: &KeyId, at: Timestamp) -> Result<()> {
        let tally = Tally {
            last: Some(LastUse { at, address: None }),
            ..Tally::default()
        };
        let key = self.find_seq(id)?;
        self.add(key.map(|key| (Day::of(at), key, &tally)))
    }

    /// Saves the state that a rate leaves a key in.
    ///
    /// # Errors
    /// The store's.
    pub fn save_rate_state(&self, key: KeySeq, rate: Rate, whole_at: i64) -> Result<()> {
        let mut statement = self
            .connection
            .prepare_cached(
                "INSERT INTO meter (key_seq, rate, whole_at) VALUES (?1, ?2, ?3) ON CONFLICT (key_seq)
                 DO UPDATE SET rate = excluded.rate, whole_at = excluded.whole_at",
            )
            .map_err(failure)?;
        statement
            .execute((key.0, rate.to_string(), whole_at))
            .map(|_| ())
            .map_err(failure)
    }

    /// Adds to the credits that a workspace has spent in a month.
    ///
    /// # Errors
    /// The store's.
    pub fn spend(&self, workspace: WorkspaceId, month: Month, credits: u64) -> Result<()> {
        let mut statement = self
            .connection
            .prepare_cached(
                "INSERT INTO allowance (workspace_id, month, credits) VALUES (?1, ?2, ?3) ON CONFLICT (workspace_id, month)
                 DO UPDATE SET credits = credits + excluded.credits",
            )
            .map_err(failure)?;
        statement
            .execute((workspace.0, month.0, stored(credits)))
            .map(|_| ())
            .map_err(failure)
    }

    /// Whether the key of this row number that was minted at this moment is still there. Another may have been given the row number
    /// of a deleted record.
    ///
    /// # Errors
    /// The store's.
    pub fn has_key(&self, key: KeySeq, made_at: Timestamp) -> Result<bool> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM key WHERE seq = ?1 AND created_at = ?2")
            .map_err(failure)?;
        statement
            .exists((key.0, made_at.as_millis()))
            .map_err(failure)
    }

    /// Whether the workspace of this row number that was created at this moment is still there.
    ///
    /// # Errors
    /// The store's.
    pub fn has_workspace(&self, workspace: WorkspaceId, made_at: Timestamp) -> Result<bool> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM workspace WHERE workspace_id = ?1 AND created_at = ?2")
            .map_err(failure)?;
        statement
            .exists((workspace.0, made_at.as_millis()))
            .map_err(failure)
    }
}

impl Writer<'_> {
    /// Gives the whole burst back to each key whose rate is whole again only after this time.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn drop_rate_states_after(&self, now: Timestamp) -> Result<()> {
        let nanos = now.as_millis().saturating_mul(1_000_000);
        self.connection
            .execute(
                "UPDATE meter SET rate = NULL, whole_at = NULL WHERE whole_at > ?1",
                [nanos],
            )
            .map(|_| ())
            .map_err(failure)
    }

    /// Notes when a key that comes from elsewhere last verified there.
    ///
    /// # Errors
    /// The store's.
    pub fn note_last_use(&self, id: &KeyId, at: Timestamp) -> Result<()> {
        let meter = Meter {
            reader: Reader::new(self.connection),
        };
        meter.touch(id, at)
    }
}

/// The time in this column and the address in the next.
pub(super) fn last_use(row: &Row<'_>, column: usize) -> rusqlite::Result<LastUse> {
    let address: Option<String> = row.get(column + 1)?;
    Ok(LastUse {
        at: Timestamp::from_millis(row.get(column)?),
        address: address.and_then(|address| address.parse().ok()),
    })
}

pub(super) fn slot(day: Day, key: KeySeq) -> i64 {
    day.0.clamp(0, Day::LAST.0) * KEYS_PER_DAY + key.0.clamp(0, KEYS_PER_DAY - 1)
}

/// A count as SQLite's signed integers hold it.
fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
