//! Checking the audit trail's chain, and its end.

use crate::domain::Timestamp;
use crate::domain::audit::{ChainHash, Head};
use crate::domain::words::Reached;
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::store::{Reader, Store};

/// What checking the chain found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// How many rows were read.
    pub checked: u64,
    /// The place of the first row that is not whole or does not follow the one before.
    pub first_bad: Option<i64>,
    /// The first row that differs from the trail's index.
    pub misindexed: Option<i64>,
    /// The first row that ended a key which is live all the same, or whose hash could be imported again.
    pub contradicted: Option<i64>,
}

/// Checks every row of the chain, that the trail has the head that was kept elsewhere, that its index has every row, and
/// that the keys it has ended have ended. A broken chain is an outcome, no error.
pub fn verify(
    store: &mut Store,
    actor: &Actor,
    against: Option<Head>,
    now: Timestamp,
    mut progress: impl FnMut(Reached),
) -> Result<Outcome> {
    store.read(|reader| {
        Access::admit(reader, actor, now)?.require_operator()?;
        let mut outcome = check(reader, against, &mut progress)?;
        outcome.misindexed = reader.first_misindexed()?;
        let mut contradicted: Vec<i64> = reader.revived()?.into_values().collect();
        reader.for_each_forgotten_end(|_, seq| contradicted.push(seq))?;
        outcome.contradicted = contradicted.into_iter().min();
        Ok(outcome)
    })
}

/// Checks the chain at one moment of the store. The closure gets the number of rows checked.
pub(super) fn check(
    reader: &Reader<'_>,
    against: Option<Head>,
    progress: &mut dyn FnMut(Reached),
) -> Result<Outcome> {
    let of = reader.head().map_or(0, |head| head.seq.max(0).unsigned_abs());
    let mut outcome = Outcome { checked: 0, first_bad: None, misindexed: None, contradicted: None };
    let mut expected = Head::NONE;
    reader.for_each_event_as_it_stands(i64::MIN, |seq, event| {
        outcome.checked += 1;
        progress(Reached { verb: "checked", done: outcome.checked, of, unit: "events" });
        let next = expected.seq.saturating_add(1);
        let hash = match event {
            Ok(event) if event.follows(next, expected.hash) => event.hash,
            event => {
                outcome.first_bad.get_or_insert(seq);
                event.map_or(ChainHash::GENESIS, |event| event.hash)
            }
        };
        expected = Head { seq, hash };
        if let Some(against) = against
            && seq == against.seq
            && hash != against.hash
        {
            // The row follows those before it, so all of them may have been rewritten.
            outcome.first_bad.get_or_insert(seq);
        }
        Ok(())
    })?;
    if let Some(against) = against
        && expected.seq < against.seq
    {
        // The first of the rows that were cut off.
        outcome.first_bad.get_or_insert(expected.seq.saturating_add(1));
    }
    Ok(outcome)
}

/// The end of the trail.
pub fn head(store: &mut Store, actor: &Actor, now: Timestamp) -> Result<Head> {
    store.read(|reader| {
        Access::admit(reader, actor, now)?.require_operator()?;
        reader.head()
    })
}
