//! Reading the audit trail back and checking its chain.
//!
//! This module never repairs the trail.

use crate::domain::audit::{ChainHash, Event};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::store::Store;

/// What checking the chain found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// How many rows were read.
    pub checked: u64,
    /// The place of the first row that is not whole or does not follow the one before.
    pub first_bad: Option<i64>,
}

/// Calls the closure with the newest `limit` rows, or all, oldest first.
///
/// # Errors
/// The closure's, `scope_rejected` for a key; the store's.
pub fn list(
    store: &mut Store,
    actor: &Actor,
    limit: Option<u32>,
    now: Timestamp,
    body: impl FnMut(Event) -> Result<()>,
) -> Result<()> {
    store.read(|reader| {
        Access::admit(reader, actor, now)?.require_operator()?;
        let first = match limit {
            None => 1,
            Some(limit) => reader
                .head()?
                .0
                .saturating_sub(i64::from(limit))
                .saturating_add(1),
        };
        reader.for_each_event(first, body)
    })
}

/// Checks every row of the chain.
///
/// # Errors
/// `scope_rejected` for a key; the store's. A broken chain is an outcome, no error.
pub fn verify(store: &mut Store, actor: &Actor, now: Timestamp) -> Result<Outcome> {
    store.read(|reader| {
        Access::admit(reader, actor, now)?.require_operator()?;
        let mut outcome = Outcome {
            checked: 0,
            first_bad: None,
        };
        let mut expected = (1, ChainHash::GENESIS);
        reader.for_each_event(i64::MIN, |event| {
            outcome.checked += 1;
            if outcome.first_bad.is_none() && !event.follows(expected.0, expected.1) {
                outcome.first_bad = Some(event.seq);
            }
            expected = (event.seq.saturating_add(1), event.hash);
            Ok(())
        })?;
        Ok(outcome)
    })
}

/// The last row's place and link.
///
/// # Errors
/// `scope_rejected` for a key; the store's.
pub fn head(store: &mut Store, actor: &Actor, now: Timestamp) -> Result<(i64, ChainHash)> {
    store.read(|reader| {
        Access::admit(reader, actor, now)?.require_operator()?;
        reader.head()
    })
}
