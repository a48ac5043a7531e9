//! What the keys of a lineage share: the state of a rate, and what is spent of a key's own quota.
//!
//! This module never gives a rotated key a second burst, nor one whose relative's record was deleted.

use super::value::{Value, values};
use super::{Reader, Writer};
use crate::domain::rate::Rate;
use crate::domain::timestamp::Month;
use crate::domain::{Day, KeyId, KeySeq, Timestamp, WorkspaceId};
use crate::error::Result;

/// A key and those that it replaced or that replaced it, the nearest first. Something added keeps a condition from choosing the
/// index: ids do.
const LINE: &str = "WITH RECURSIVE line (seq, id, replaces, workspace_id, environment) AS (
        SELECT seq, id, replaces, workspace_id, environment FROM key WHERE seq = ?1
        UNION
        SELECT key.seq, key.id, key.replaces, key.workspace_id, key.environment
        FROM line JOIN key ON key.id = line.replaces OR key.replaces = line.id
        WHERE key.workspace_id + 0 = line.workspace_id AND key.environment || '' = line.environment)";
/// The latest time at which the burst of a key or of its nearest 255 relatives is full again.
const RATE_STATE: &str = "SELECT max(whole_at) FROM meter WHERE rate = ?2 AND key_seq IN (SELECT seq FROM line LIMIT 256)";
/// The credits that they have spent from one day to another.
const CREDITS: &str =
    ", day (number) AS (SELECT ?2 UNION ALL SELECT number + 1 FROM day WHERE number < ?3)
    SELECT CAST(sum(usage.credits) AS bigint) FROM (SELECT seq FROM line LIMIT 256) AS line CROSS JOIN day
    JOIN usage ON usage.slot = (day.number << 40) + line.seq";
/// Gives a key's rate state to the same relatives, unless theirs is later.
const HAND_ON: &str = "INSERT INTO meter (key_seq, rate, whole_at)
    SELECT line.seq, own.rate, own.whole_at FROM meter AS own CROSS JOIN (SELECT seq FROM line LIMIT 256) AS line
    WHERE own.key_seq = ?1 AND own.whole_at > ?2 AND line.seq <> ?1
    ON CONFLICT (key_seq) DO UPDATE SET rate = excluded.rate, whole_at = excluded.whole_at
    WHERE meter.rate IS NULL OR (meter.rate = excluded.rate AND meter.whole_at < excluded.whole_at)";

impl Reader<'_> {
    /// The state of this rate that a key and its relatives have left.
    pub(super) fn rate_of_lineage(&self, key: KeySeq, rate: Option<&str>) -> Result<Option<i64>> {
        let sql = format!("{LINE} {RATE_STATE}");
        let state = self.session.one(&sql, values![key, rate], |row| row.get(0))?;
        Ok(state.flatten())
    }

    /// The credits that a key has spent in a month, with those of its lineage.
    pub fn credits_of(&self, key: KeySeq, month: Month) -> Result<u64> {
        self.session.hold_counts()?;
        let (first, last) = (Day::of(month.start()), Day::of(month.end().plus_millis(-1)));
        let values = values![key, first.0, last.0];
        let sql = format!("{LINE} {CREDITS}");
        let credits: Option<Option<i64>> = self.session.one(&sql, values, |row| row.get(0))?;
        Ok(credits.flatten().map_or(0, i64::unsigned_abs))
    }
}

impl Writer<'_> {
    /// Hands the rate states of these keys to the others of their lineages before the records are deleted: a burst that
    /// was spent stays spent.
    pub(super) fn hand_on_rate_states(&self, keys: &[KeySeq]) -> Result<()> {
        let seen = self.clock()?.seen.as_millis().saturating_mul(1_000_000);
        let mut hand_on = self.session.prepare(&format!("{LINE} {HAND_ON}"))?;
        for key in keys {
            hand_on.run(values![*key, seen])?;
        }
        Ok(())
    }

    /// Gives the whole burst back to each key whose burst would be full only after this time.
    pub(super) fn drop_rate_states_after(&self, now: Timestamp) -> Result<()> {
        self.session.hold_counts()?;
        let nanos = now.as_millis().saturating_mul(1_000_000);
        let sql = "UPDATE meter SET rate = NULL, whole_at = NULL WHERE whole_at > ?1";
        self.session.run(sql, values![nanos])
    }

    /// Holds what the keys of a workspace that are on this plan of their own, or on none, have used of other rates against this one.
    pub fn convert_rate_states(
        &self,
        workspace: WorkspaceId,
        plan: Option<&str>,
        rate: Rate,
        now: Timestamp,
    ) -> Result<()> {
        let filter = "key.workspace_id = ?3 AND key.plan IS NOT DISTINCT FROM ?4";
        self.convert(filter, &[workspace.into(), plan.into()], rate, now)
    }

    /// The same of one key.
    pub fn convert_rate_state(&self, id: &KeyId, rate: Rate, now: Timestamp) -> Result<()> {
        self.convert("key.id = ?3", &[id.into()], rate, now)
    }

    fn convert(
        &self,
        filter: &str,
        values: &[Value<'_>],
        rate: Rate,
        now: Timestamp,
    ) -> Result<()> {
        self.session.hold_counts()?;
        let sql = format!(
            "SELECT meter.key_seq, meter.rate, meter.whole_at FROM key JOIN meter ON meter.key_seq = key.seq
             WHERE {filter} AND meter.rate <> ?1 AND meter.whole_at > ?2"
        );
        let text = rate.to_string();
        let nanos = now.as_millis().saturating_mul(1_000_000);
        let values = [&[(&text).into(), nanos.into()], values].concat();
        let found = self.session.all(&sql, &values, |row| {
            Ok((row.get::<KeySeq>(0)?, row.get::<String>(1)?, row.get::<i64>(2)?))
        })?;
        let mut save =
            self.session.prepare("UPDATE meter SET rate = ?2, whole_at = ?3 WHERE key_seq = ?1")?;
        for (key, from, whole_at) in found {
            if let Ok(from) = from.parse()
                && let Some(whole_at) = rate.in_place_of(from, whole_at, now)
            {
                save.run(values![key, &text, whole_at])?;
            }
        }
        Ok(())
    }
}
