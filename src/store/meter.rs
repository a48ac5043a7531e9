//! The tables of what verify counts: `meter`, `usage`, `refusal` and `allowance`.
//!
//! This module never decides what counts: it only adds up. Its writes change nothing that an operator made, so they
//! need no audit row, and their commits are not synced: the next synced commit, or the next checkpoint, writes them to
//! the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use super::ahead::Foreseen;
#[cfg(feature = "postgres")]
use super::postgres;
use super::session::{PAGE, Row, Session, pages, places};
use super::value::{Value, values};
use super::{Reader, Writer, sqlite};
use crate::domain::rate::Rate;
use crate::domain::timestamp::Month;
use crate::domain::usage::{LastUse, Tally};
use crate::domain::{Day, KeyId, KeySeq, Timestamp, WorkspaceId};
use crate::error::Result;

/// A rate and when the burst of its key is full again, in nanoseconds since 1970.
pub type RateState = (Rate, i64);

/// How many keys a day's slots have room for.
pub(in crate::store) const KEYS_PER_DAY: i64 = 1 << 40;

/// Adds to a key's day.
const COUNT: &str = "UPDATE usage SET valid = valid + ?2, credits = credits + ?3,
    last_address = CASE WHEN last_used_at > ?4 THEN last_address ELSE ?5 END,
    last_used_at = CASE WHEN last_used_at > ?4 THEN last_used_at ELSE ?4 END WHERE slot = ?1";
/// Begins a key's day.
const BEGIN: &str = "INSERT INTO usage (slot, valid, credits, last_used_at, last_address) VALUES (?1, ?2, ?3, ?4, ?5)";
/// Notes that a key has a new day.
const TURN: &str = "INSERT INTO meter (key_seq, last_day) VALUES (?1, ?2) ON CONFLICT (key_seq) DO UPDATE SET
    last_day = CASE WHEN meter.last_day > excluded.last_day THEN meter.last_day ELSE excluded.last_day END";
/// The same of every use of a key with a rate, with the state that this leaves it in.
const RATE: &str = "INSERT INTO meter (key_seq, last_day, rate, whole_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key_seq)
    DO UPDATE SET rate = excluded.rate, whole_at = excluded.whole_at,
    last_day = CASE WHEN meter.last_day > excluded.last_day THEN meter.last_day ELSE excluded.last_day END";
/// Adds to a key's refusals.
const REFUSE: &str =
    "INSERT INTO refusal (slot, code, count) VALUES (?1, ?2, ?3) ON CONFLICT (slot, code)
    DO UPDATE SET count = refusal.count + excluded.count";
/// A key's last use and the state of its rate, if it has any.
const METERED: &str =
    "SELECT usage.last_used_at, usage.last_address, meter.rate, meter.whole_at, key.seq
    FROM key LEFT JOIN meter ON meter.key_seq = key.seq
    LEFT JOIN usage ON usage.slot = (meter.last_day << 40) + meter.key_seq";
const METERED_BY_SEQ: &str = "WHERE key.seq = ?1";
const METERED_SEQ: usize = 4;
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
    pub fn last_use(&self, key: KeySeq) -> Result<Option<LastUse>> {
        self.session.one(
            "SELECT usage.last_used_at, usage.last_address FROM meter
             JOIN usage ON usage.slot = (meter.last_day << 40) + meter.key_seq WHERE meter.key_seq = ?1",
            values![key],
            |row| last_use(row, 0),
        )
    }

    /// A key's last use, and its state under this rate; no state if the key last had another rate, or none. Keys of a
    /// lineage share the state, so that a rotation is not a second burst.
    pub fn metered(
        &self,
        key: KeySeq,
        rate: Option<Rate>,
        is_shared: bool,
    ) -> Result<(Option<LastUse>, Option<i64>)> {
        if rate.is_some() {
            self.session.hold_counts()?;
        }
        let rate = rate.map(|rate| rate.to_string());
        let sql = format!("{METERED} {METERED_BY_SEQ}");
        let found = self.session.one(&sql, values![key], |row| {
            let is_used = row.get::<Option<i64>>(0)?.is_some();
            let last = is_used.then(|| last_use(row, 0)).transpose()?;
            let is_of_rate = rate.is_some() && row.optional_text(2)? == rate;
            Ok((last, row.get::<Option<i64>>(3)?.filter(|_| is_of_rate)))
        })?;
        let (last, own) = found.unwrap_or_default();
        if !is_shared || rate.is_none() {
            return Ok((last, own));
        }
        Ok((last, self.rate_of_lineage(key, rate.as_deref())?))
    }

    /// Has the same of the key that a condition finds brought with the next statement that is waited for.
    pub(super) fn foresee_metered(&self, filter: &str, value: Value<'_>) {
        let [sql, asked] = [filter, METERED_BY_SEQ].map(|filter| format!("{METERED} {filter}"));
        let foreseen = Foreseen { sql: &sql, asked: &asked, column: METERED_SEQ };
        self.session.foresee(&foreseen, &[value]);
    }

    /// The credits that a workspace has spent in a month.
    pub fn credits_spent(&self, workspace: WorkspaceId, month: Month) -> Result<u64> {
        self.session.hold_counts()?;
        let sql = "SELECT credits FROM allowance WHERE workspace_id = ?1 AND month = ?2";
        let credits = self.session.one(sql, values![workspace, month.0], |row| row.get(0))?;
        Ok(credits.map_or(0, i64::unsigned_abs))
    }
}

impl Meter<'_> {
    /// Adds uses of keys on days, fastest in the order of days and keys. A key's last use never falls back.
    pub fn add<'t>(&self, uses: impl IntoIterator<Item = (Day, KeySeq, &'t Tally)>) -> Result<()> {
        let uses = uses.into_iter();
        add(&self.session, uses.map(|(day, key, tally)| (day, key, tally, None)))
    }

    /// Records that a key acted, which is a use but not a request; a deleted key is ignored.
    pub fn touch(&self, id: &KeyId, at: Timestamp) -> Result<()> {
        touch(self, id, at)
    }

    /// Adds uses of keys with limits on a day, fastest in the order of keys, each with the state that its rate leaves it in.
    pub fn add_limited<'t>(
        &self,
        day: Day,
        uses: impl IntoIterator<Item = (KeySeq, &'t Tally, Option<RateState>)>,
    ) -> Result<()> {
        let uses = uses.into_iter();
        add(&self.session, uses.map(|(key, tally, state)| (day, key, tally, state)))
    }

    /// Adds to the credits that a workspace has spent in a month.
    pub fn spend(&self, workspace: WorkspaceId, month: Month, credits: u64) -> Result<()> {
        self.session
            .run(
                "INSERT INTO allowance (workspace_id, month, credits) VALUES (?1, ?2, ?3)
                 ON CONFLICT (workspace_id, month) DO UPDATE SET credits = allowance.credits + excluded.credits",
                values![workspace, month.0, stored(credits)],
            )
    }

    /// Those of these keys, each by its row number and when it was minted, that do not exist any more. A later key may have the
    /// row number of a deleted record.
    pub fn gone(&self, keys: &[(KeySeq, Timestamp)]) -> Result<BTreeSet<KeySeq>> {
        let mut gone: BTreeSet<KeySeq> = keys.iter().map(|(key, _)| *key).collect();
        if gone.is_empty() {
            return Ok(gone);
        }
        let made_at: BTreeMap<KeySeq, Timestamp> = keys.iter().copied().collect();
        let places = places(PAGE as usize);
        let sql = format!("SELECT seq, created_at FROM key WHERE seq IN ({places})");
        let keys: Vec<KeySeq> = keys.iter().map(|(key, _)| *key).collect();
        for page in pages(&keys, PAGE as usize) {
            self.session.each(&sql, &page, |row| {
                let key = row.get(0)?;
                if made_at.get(&key) == Some(&row.get(1)?) {
                    gone.remove(&key);
                }
                Ok(())
            })?;
        }
        Ok(gone)
    }

    /// Whether the workspace with this row number that was created at this moment still exists.
    pub fn has_workspace(&self, workspace: WorkspaceId, made_at: Timestamp) -> Result<bool> {
        let sql = "SELECT 1 FROM workspace WHERE workspace_id = ?1 AND created_at = ?2";
        self.session.exists(sql, values![workspace, made_at])
    }
}

impl Writer<'_> {
    /// Records when an imported key last verified elsewhere.
    pub fn note_last_use(&self, id: &KeyId, at: Timestamp) -> Result<()> {
        touch(self, id, at)
    }
}

fn add<'t>(
    session: &Session<'_>,
    uses: impl IntoIterator<Item = (Day, KeySeq, &'t Tally, Option<RateState>)>,
) -> Result<()> {
    match session {
        Session::Sqlite(session) => add_to_file(session, uses),
        #[cfg(feature = "postgres")]
        Session::Postgres(session) => postgres::add(session, uses.into_iter()),
    }
}

fn add_to_file<'t>(
    session: &sqlite::Session<'_>,
    uses: impl IntoIterator<Item = (Day, KeySeq, &'t Tally, Option<RateState>)>,
) -> Result<()> {
    // An update first, because most keys have their day already. A process that counts one use pays for every statement, so
    // none is prepared before it is needed.
    let mut count = session.prepare(COUNT)?;
    let (mut begin, mut turn, mut refuse, mut save) = (None, None, None, None);
    for (day, key, tally, state) in uses {
        let slot = slot(day, key);
        if let Some(last) = tally.last {
            let (valid, credits) = (stored(tally.valid), stored(tally.credits));
            let address = last.address.map(|address| address.to_string());
            let row: &[Value<'_>] = values![slot, valid, credits, last.at, address.as_ref()];
            let begins = count.run(row)? == 0;
            if begins {
                prepared(session, &mut begin, BEGIN)?.run(row)?;
            }
            let day = slot / KEYS_PER_DAY;
            match state {
                Some((rate, whole_at)) => {
                    prepared(session, &mut save, RATE)?.run(values![
                        key,
                        day,
                        &rate.to_string(),
                        whole_at
                    ])?;
                }
                None if begins => {
                    prepared(session, &mut turn, TURN)?.run(values![key, day])?;
                }
                None => {}
            }
        }
        for (code, count) in &tally.refused {
            prepared(session, &mut refuse, REFUSE)?.run(values![
                slot,
                code.word(),
                stored(*count)
            ])?;
        }
    }
    Ok(())
}

/// A statement that is prepared when it is first needed.
fn prepared<'s, 'a>(
    session: &sqlite::Session<'a>,
    statement: &'s mut Option<sqlite::Statement<'a>>,
    sql: &str,
) -> Result<&'s mut sqlite::Statement<'a>> {
    match statement {
        Some(statement) => Ok(statement),
        none => Ok(none.insert(session.prepare(sql)?)),
    }
}

fn touch(reader: &Reader<'_>, id: &KeyId, at: Timestamp) -> Result<()> {
    let tally = Tally { last: Some(LastUse { at, address: None }), ..Tally::default() };
    let key = reader.find_seq(id)?;
    let uses = key.map(|key| (Day::of(at), key, &tally, None));
    add(&reader.session, uses)
}

/// The time in this column and the address in the next.
pub(super) fn last_use(row: &Row<'_>, column: usize) -> Result<LastUse> {
    let address: Option<String> = row.get(column + 1)?;
    Ok(LastUse { at: row.get(column)?, address: address.and_then(|address| address.parse().ok()) })
}

pub(super) fn slot(day: Day, key: KeySeq) -> i64 {
    day.0.clamp(0, Day::LAST.0) * KEYS_PER_DAY + key.0.clamp(0, KEYS_PER_DAY - 1)
}

/// A count as the store's signed integers hold it.
pub(super) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
