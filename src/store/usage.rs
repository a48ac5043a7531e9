//! Reading the tables of counts, and deleting from them.

use super::meter::{KEYS_PER_DAY, last_use, slot};
use super::session::{PAGE, pages, places};
use super::value::values;
use super::{Reader, Writer};
use crate::domain::usage::{LastUse, Tally};
use crate::domain::{Code, Day, KeySeq, WorkspaceId};
use crate::error::Result;

impl Reader<'_> {
    /// When these keys last verified, as far as they have.
    pub fn last_uses(&self, keys: &[KeySeq]) -> Result<Vec<(KeySeq, LastUse)>> {
        let sql = format!(
            "SELECT meter.key_seq, usage.last_used_at, usage.last_address FROM meter
             JOIN usage ON usage.slot = (meter.last_day << 40) + meter.key_seq WHERE meter.key_seq IN ({})",
            places(PAGE as usize)
        );
        let mut uses = Vec::new();
        for page in pages(keys, PAGE as usize) {
            let found = self.session.all(&sql, &page, |row| Ok((row.get(0)?, last_use(row, 1)?)));
            uses.extend(found?);
        }
        Ok(uses)
    }

    /// The first day from `from` on, and before `until`, on which any key was used or refused.
    pub fn next_day_of_use(&self, from: Day, until: Day) -> Result<Option<Day>> {
        let range = values![slot(from, KeySeq(0)), slot(until, KeySeq(0))];
        let first = |sql| self.session.one(sql, range, |row| row.get(0));
        let used: Option<i64> =
            first("SELECT slot FROM usage WHERE slot >= ?1 AND slot < ?2 ORDER BY slot LIMIT 1")?;
        let refused: Option<i64> =
            first("SELECT slot FROM refusal WHERE slot >= ?1 AND slot < ?2 ORDER BY slot LIMIT 1")?;
        let first = used.into_iter().chain(refused).min();
        Ok(first.map(|slot| Day(slot / KEYS_PER_DAY)))
    }

    /// Calls the closure with what each key between these two was used for on a day, a part at a time.
    pub fn for_each_use(
        &self,
        day: Day,
        first: KeySeq,
        last: KeySeq,
        mut body: impl FnMut(KeySeq, Tally),
    ) -> Result<()> {
        let (first, last) = (slot(day, first), slot(day, last));
        let key = |slot: i64| KeySeq(slot % KEYS_PER_DAY);
        self.session.each(
            "SELECT slot, valid, credits, last_used_at, last_address FROM usage WHERE slot BETWEEN ?1 AND ?2",
            values![first, last],
            |row| {
                let tally = Tally {
                    valid: row.get(1).map(i64::unsigned_abs)?,
                    credits: row.get(2).map(i64::unsigned_abs)?,
                    last: Some(last_use(row, 3)?),
                    ..Tally::default()
                };
                body(key(row.get(0)?), tally);
                Ok(())
            },
        )?;
        self.session.each(
            "SELECT slot, code, count FROM refusal WHERE slot BETWEEN ?1 AND ?2",
            values![first, last],
            |row| {
                // A word that is not a code can only have been planted.
                if let Some(code) = Code::of(&row.get::<String>(1)?) {
                    let tally = Tally {
                        refused: [(code, row.get(2).map(i64::unsigned_abs)?)].into(),
                        ..Tally::default()
                    };
                    body(key(row.get(0)?), tally);
                }
                Ok(())
            },
        )
    }
}

impl Writer<'_> {
    /// Deletes what a workspace's keys were used for, a lookup for each key and day.
    pub(super) fn delete_usage(&self, workspace: WorkspaceId) -> Result<()> {
        let mut next = Day(0);
        while let Some(day) = self.next_day_of_use(next, Day::LAST)? {
            let slots = "SELECT ?1 + seq FROM key WHERE workspace_id = ?2";
            for table in ["usage", "refusal"] {
                let sql = format!("DELETE FROM {table} WHERE slot IN ({slots})");
                self.session.run(&sql, values![slot(day, KeySeq(0)), workspace])?;
            }
            next = day.next();
        }
        Ok(())
    }

    /// Deletes what these keys were used for, a lookup for each key and day.
    pub(super) fn delete_usage_of(&self, keys: &[KeySeq]) -> Result<()> {
        let mut next = Day(0);
        while let Some(day) = self.next_day_of_use(next, Day::LAST)? {
            for table in ["usage", "refusal"] {
                let sql = format!("DELETE FROM {table} WHERE slot = ?1");
                let mut delete = self.session.prepare(&sql)?;
                for key in keys {
                    delete.run(values![slot(day, *key)])?;
                }
            }
            next = day.next();
        }
        Ok(())
    }
}
