//! One look at where a store is: the end of its trail, and the latest time it has seen.
//!
//! This module never takes a store for the one it was that is behind, or beside, what this process has seen of it before.

use tokio_postgres::SimpleQueryRow;

use crate::domain::Timestamp;
use crate::domain::audit::{ChainHash, Head};
use crate::domain::clock::Clock;
use crate::domain::digest;
use crate::error::{Error, Kind, Result};
use crate::store::damage::damaged;

/// What was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub head: Head,
    /// Nothing where that row is gone.
    pub clock: Option<Clock>,
}

/// The statement of a look by whoever has seen this end of the trail before.
pub(super) fn statement(schema: &str, seen: Head) -> String {
    let hash = seen.hash;
    format!(
        "SELECT head.seq, pg_catalog.encode(head.hash, 'hex'), clock.seen, clock.leapt,
        ({seq} = 0 OR (head.seq = {seq} AND head.hash = '\\x{hash}'::pg_catalog.bytea) OR (head.seq > {seq}
            AND EXISTS (SELECT 1 FROM {schema}.audit WHERE audit.seq = {seq} AND audit.hash = '\\x{hash}'::pg_catalog.bytea)))::pg_catalog.int4
        FROM {schema}.head LEFT JOIN {schema}.clock ON true",
        seq = seen.seq,
    )
}

/// What the statement has come to.
pub(super) fn read(row: Option<SimpleQueryRow>) -> Result<Look> {
    let row = row.ok_or_else(|| damaged("the row of its trail's end is missing"))?;
    let number = |column| row.get(column).and_then(|text| text.parse::<i64>().ok());
    if number(4) != Some(1) {
        return Err(Error::new(
            Kind::Io,
            "the database is behind what was read from it before, or another: its audit trail lacks an event",
        )
        .hinted("see docs/postgres.md on failover; `keyward audit verify --against` compares with a saved head"));
    }
    let unreadable = || damaged("the row of its trail's end cannot be read");
    let hash =
        row.get(1).and_then(digest::hex).map(ChainHash::from_bytes).ok_or_else(unreadable)?;
    let clock = number(2).map(|seen| Clock {
        seen: Timestamp::from_millis(seen),
        leapt: number(3).map(Timestamp::from_millis),
    });
    let clock = clock.filter(|clock| clock.seen.is_writable());
    Ok(Look { head: Head { seq: number(0).ok_or_else(unreadable)?, hash }, clock })
}
