//! The `setting` table, which has the operator's choices, and the `clock` table, which has the latest time that the store has
//! recorded.

use super::damage::damaged;
use super::value::values;
use super::{Reader, Store, Writer};
use crate::domain::clock::Clock;
use crate::domain::{Timestamp, WorkspaceId};
use crate::error::Result;

/// The setting that `workspace use` makes.
const CURRENT_WORKSPACE: &str = "current_workspace";
/// The workspace of a setting, unless somebody has put something other than a number there.
const CURRENT: &str = "WHERE workspace.workspace_id = (SELECT CAST(value AS BIGINT) FROM setting
    WHERE name = ?1 AND value <> '' AND length(value) < 19 AND trim(value, '0123456789') = '')";

impl Reader<'_> {
    /// The workspace that `workspace use` chose.
    pub fn current_workspace(&self) -> Result<Option<WorkspaceId>> {
        self.foresee_workspace(CURRENT, CURRENT_WORKSPACE.into());
        Ok(self.setting(CURRENT_WORKSPACE)?.and_then(|value| value.parse().ok()).map(WorkspaceId))
    }

    pub(super) fn setting(&self, name: &str) -> Result<Option<String>> {
        let sql = "SELECT value FROM setting WHERE name = ?1";
        self.session.one(sql, values![name], |row| row.get(0))
    }
}

impl Writer<'_> {
    /// Makes a workspace the one that commands take by themselves.
    pub fn set_current_workspace(&self, id: WorkspaceId) -> Result<()> {
        self.set_setting(CURRENT_WORKSPACE, &id.0.to_string())
    }

    /// Deletes the choice if it was this workspace.
    pub fn forget_current_workspace(&self, id: WorkspaceId) -> Result<()> {
        self.session.run(
            "DELETE FROM setting WHERE name = ?1 AND value = ?2",
            values![CURRENT_WORKSPACE, &id.0.to_string()],
        )
    }

    pub(super) fn set_setting(&self, name: &str, value: &str) -> Result<()> {
        self.session
            .run(
                "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
                values![name, value],
            )
    }
}

impl Store {
    /// The time that the store has recorded.
    pub fn clock(&mut self) -> Result<Clock> {
        self.read(|reader| reader.clock())
    }
}

impl Reader<'_> {
    /// The time that the store has recorded, in this transaction.
    pub fn clock(&self) -> Result<Clock> {
        if let Some(clock) = self.clock.get() {
            return Ok(clock);
        }
        if let Some(clock) = self.session.clock()? {
            self.clock.set(Some(clock));
            return Ok(clock);
        }
        let gone = || damaged("its last recorded time is missing");
        let sql = "SELECT seen, leapt, furthest FROM clock WHERE \"only\" = 1";
        let clock = self.session.one(sql, &[], |row| {
            Ok(Clock { seen: row.get(0)?, leapt: row.get(1)?, furthest: row.get(2)? })
        })?;
        let clock = clock.filter(|clock| clock.seen.is_writable()).ok_or_else(gone)?;
        self.clock.set(Some(clock));
        Ok(clock)
    }

    /// How many commits there were.
    pub(super) fn commits(&self) -> Result<i64> {
        let sql = "SELECT commits FROM clock WHERE \"only\" = 1";
        let commits = self.session.one(sql, &[], |row| row.get(0))?;
        commits.ok_or_else(|| damaged("its commit count is missing"))
    }

    /// Records this time. A transaction that writes ends with it.
    pub(super) fn observe(&self, now: Timestamp) -> Result<()> {
        let after = self.clock()?.after(now);
        self.save_clock(after)
    }

    /// The same of a transaction that counts.
    pub(super) fn observe_count(&self, now: Timestamp) -> Result<()> {
        let before = self.clock()?;
        match self.session.takes_time(before, before.after(now)) {
            true => self.observe(now),
            false => Ok(()),
        }
    }

    /// Every commit counts, so that every log has the count in it.
    fn save_clock(&self, clock: Clock) -> Result<()> {
        self.session.run(
            "INSERT INTO clock (\"only\", seen, leapt, furthest) VALUES (1, ?1, ?2, ?3)
             ON CONFLICT (\"only\") DO UPDATE SET seen = ?1, leapt = ?2, furthest = ?3, commits = clock.commits + 1",
            values![clock.seen, clock.leapt, clock.furthest],
        )?;
        self.clock.set(Some(clock));
        Ok(())
    }
}

impl Writer<'_> {
    /// Takes this time for the latest there was, whatever was seen before. The states of rates that a later time left are
    /// dropped, because they would keep their keys waiting until that time.
    pub fn reset_clock(&self, now: Timestamp) -> Result<()> {
        self.drop_rate_states_after(now)?;
        // The row may be gone, which is a reason to come here.
        let sql = "SELECT furthest FROM clock WHERE \"only\" = 1";
        let furthest: Option<Timestamp> = self.session.one(sql, &[], |row| row.get(0))?;
        let furthest = furthest.map_or(now, |furthest| furthest.max(now));
        self.save_clock(Clock { seen: now, leapt: None, furthest })
    }
}
