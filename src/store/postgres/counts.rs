//! Adding up what many keys were used for, a statement for each table.
//!
//! This module never takes locks in another order than others do: tables in this order, and their rows by their keys.

use std::collections::BTreeMap;

use super::sent::{Queued, Sent};
use super::session::Session;
use crate::domain::usage::Tally;
use crate::domain::{Day, KeySeq};
use crate::error::Result;
use crate::store::meter::{KEYS_PER_DAY, RateState, slot, stored};

/// How many rows go into a statement.
const ROWS: usize = 1_000;

const USAGE: (&str, &str) = (
    "INSERT INTO usage (slot, valid, credits, last_used_at, last_address)",
    "ON CONFLICT (slot) DO UPDATE SET valid = usage.valid + excluded.valid, credits = usage.credits + excluded.credits,
    last_address = CASE WHEN usage.last_used_at > excluded.last_used_at THEN usage.last_address ELSE excluded.last_address END,
    last_used_at = greatest(usage.last_used_at, excluded.last_used_at)",
);
const METER: (&str, &str) = (
    "INSERT INTO meter (key_seq, last_day)",
    "ON CONFLICT (key_seq) DO UPDATE SET last_day = greatest(meter.last_day, excluded.last_day)
    WHERE meter.last_day IS NULL OR meter.last_day < excluded.last_day",
);
const RATE: (&str, &str) = (
    "INSERT INTO meter (key_seq, last_day, rate, whole_at)",
    "ON CONFLICT (key_seq) DO UPDATE SET last_day = greatest(meter.last_day, excluded.last_day),
    rate = excluded.rate, whole_at = excluded.whole_at",
);
const REFUSAL: (&str, &str) = (
    "INSERT INTO refusal (slot, code, count)",
    "ON CONFLICT (slot, code) DO UPDATE SET count = refusal.count + excluded.count",
);

/// Adds uses of keys on days, each day of a key once.
pub(in crate::store) fn add<'t>(
    session: &Session<'_>,
    uses: impl Iterator<Item = (Day, KeySeq, &'t Tally, Option<RateState>)>,
) -> Result<()> {
    let mut usage = BTreeMap::new();
    let (mut meter, mut rates, mut refusals) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (day, key, tally, state) in uses {
        let slot = slot(day, key);
        if let Some(last) = tally.last {
            let (valid, credits) = (stored(tally.valid), stored(tally.credits));
            let numbers = [valid, credits, last.at.as_millis()].map(Sent::Integer);
            let address = last.address.map(|address| address.to_string());
            usage.insert(slot, numbers.into_iter().chain([address.map_or(Sent::Null, Sent::of)]));
            let day = slot / KEYS_PER_DAY;
            match state {
                Some((rate, whole_at)) => {
                    let state =
                        [Sent::Integer(day), Sent::of(rate.to_string()), Sent::Integer(whole_at)];
                    rates.insert(key.0, state.into_iter());
                }
                None => {
                    meter.insert(key.0, [Sent::Integer(day)].into_iter());
                }
            }
        }
        for (code, count) in &tally.refused {
            let row = [Sent::of(code.word().to_owned()), Sent::Integer(stored(*count))];
            refusals.insert((slot, code.word()), row.into_iter());
        }
    }
    let first = |key: i64| [Sent::Integer(key)].into_iter();
    send(session, USAGE, 5, usage.into_iter().map(|(slot, row)| first(slot).chain(row)))?;
    send(session, METER, 2, meter.into_iter().map(|(key, row)| first(key).chain(row)))?;
    send(session, RATE, 4, rates.into_iter().map(|(key, row)| first(key).chain(row)))?;
    send(session, REFUSAL, 3, refusals.into_iter().map(|((slot, _), row)| first(slot).chain(row)))
}

fn send<R: Iterator<Item = Sent>>(
    session: &Session<'_>,
    (before, after): (&str, &str),
    width: usize,
    rows: impl Iterator<Item = R>,
) -> Result<()> {
    let mut values = rows.flatten().peekable();
    while values.peek().is_some() {
        let values: Vec<Sent> = values.by_ref().take(ROWS * width).collect();
        let row = |first: usize| {
            let places: Vec<String> = (first..first + width).map(|nth| format!("${nth}")).collect();
            format!("({})", places.join(", "))
        };
        let rows: Vec<String> = (1..=values.len()).step_by(width).map(row).collect();
        session.queue(Queued {
            sql: format!("{before} VALUES {} {after}", rows.join(", ")),
            values,
        })?;
    }
    Ok(())
}
