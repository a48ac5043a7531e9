//! One look at a store: the end of its trail, and its last recorded time.
//!
//! This module never accepts a store that is behind what this process read of it before, or that has diverged from it.

use std::time::{Duration, Instant};

use futures_util::future::{OptionFuture, join};
use tokio_postgres::{Row, RowStream, SimpleQueryRow};

use super::Database;
use super::ahead::{Waiting, collected};
use super::connection::{self, SOON};
use super::sent::{self, Queued};
use crate::domain::Timestamp;
use crate::domain::audit::{ChainHash, Head};
use crate::domain::clock::Clock;
use crate::domain::digest;
use crate::error::{Error, Kind, Result};
use crate::store::Freshness;
use crate::store::damage::damaged;

/// What was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub head: Head,
    /// Nothing where that row is gone.
    pub clock: Option<Clock>,
}

impl Look {
    fn of(head: Head, [seen, leapt, furthest]: [Option<i64>; 3]) -> Self {
        let clock = seen.zip(furthest).map(|(seen, furthest)| Clock {
            seen: Timestamp::from_millis(seen),
            leapt: leapt.map(Timestamp::from_millis),
            furthest: Timestamp::from_millis(furthest),
        });
        Self { head, clock: clock.filter(|clock| clock.seen.is_writable()) }
    }

    /// A later time that others have recorded is news too: what had expired by then is expired.
    pub fn freshness(self) -> Freshness {
        Freshness { number: self.head.seq, clock: self.clock }
    }
}

/// What is sent behind a look at once, and how long it is waited for.
#[derive(Default)]
pub(super) struct Behind<'q> {
    pub ahead: &'q [Waiting],
    pub query: Option<&'q Queued>,
    pub patience: Duration,
}

/// A look, the rows that come early, and those of the query behind it.
type Seen = (Look, Vec<Vec<Row>>, Option<RowStream>);

/// The statement of a look by a process that has read this end of the trail before.
fn statement(schema: &str, seen: Head) -> String {
    let hash = seen.hash;
    format!(
        "SELECT head.seq, pg_catalog.encode(head.hash, 'hex'), clock.seen, clock.leapt, clock.furthest,
        ({seq} = 0 OR (head.seq = {seq} AND head.hash = '\\x{hash}'::pg_catalog.bytea) OR (head.seq > {seq}
            AND EXISTS (SELECT 1 FROM {schema}.audit WHERE audit.seq = {seq} AND audit.hash = '\\x{hash}'::pg_catalog.bytea)))::pg_catalog.int4
        FROM {schema}.head LEFT JOIN {schema}.clock ON true",
        seq = seen.seq,
    )
}

/// What the statement has come to.
fn read(row: Option<SimpleQueryRow>) -> Result<Look> {
    let row = row.ok_or_else(|| damaged("the row of its trail's end is missing"))?;
    let number = |column| row.get(column).and_then(|text| text.parse::<i64>().ok());
    if number(5) != Some(1) {
        return Err(Error::new(
            Kind::Io,
            "the database is behind what was read from it before, or another: its audit trail lacks an event",
        )
        .hinted("see docs/postgres.md on failover; `keyward audit verify --against` compares with a saved head"));
    }
    let unreadable = || damaged("the row of its trail's end cannot be read");
    let hash =
        row.get(1).and_then(digest::hex).map(ChainHash::from_bytes).ok_or_else(unreadable)?;
    let seq = number(0).ok_or_else(unreadable)?;
    Ok(Look::of(Head { seq, hash }, [number(2), number(3), number(4)]))
}

impl Database {
    /// Ends whatever was begun.
    pub(super) fn roll_back(&self) {
        if let Ok(line) = self.line() {
            // Nothing depends on the answer.
            line.send(line.client.batch_execute("ROLLBACK"));
        }
    }

    /// Which changes of others there are.
    pub(in crate::store) fn freshness(&self) -> Result<Freshness> {
        self.present().map(Look::freshness)
    }

    /// What there is at this moment: a glance where the trail's end is as it was, else a whole look.
    pub(super) fn present(&self) -> Result<Look> {
        let seen = self.seen.get();
        match self.shared.look(|| self.glance()) {
            Some(look) if look.head == seen => Ok(look),
            _ => self.look_after("", self.wait),
        }
    }

    /// A look by a statement that is prepared once. Behind a pooler it may be another client's of the same name; the
    /// compared hash shows.
    fn glance(&self) -> Option<Look> {
        let line = self.line().ok().filter(|_| self.seen.get() != Head::NONE)?;
        let limit = self.wait + SOON;
        let statement = line.glance.get_or_init(|| {
            let sql = format!(
                "SELECT head.seq, head.hash, clock.seen, clock.leapt, clock.furthest FROM {0}.head LEFT JOIN {0}.clock ON true",
                self.server.schema
            );
            line.wait(limit, line.client.prepare(&sql)).ok()?.ok()
        });
        let answered = line.wait(limit, line.client.query_one(statement.as_ref()?, &[]));
        drop(line);
        // One that does not answer is not asked a second time on the same connection.
        let row = self.heard(answered).ok()?;
        let hash: &[u8] = row.try_get(1).ok()?;
        let hash = ChainHash::from_bytes(hash.try_into().ok()?);
        let head = Head { seq: row.try_get(0).ok()?, hash };
        Some(Look::of(head, [row.try_get(2).ok()?, row.try_get(3).ok()?, row.try_get(4).ok()?]))
    }

    /// Runs these statements and then a look. A connection that was lost while nobody used it is made again.
    pub(super) fn look_after(&self, statements: &str, wait: Duration) -> Result<Look> {
        Ok(self.look_before(statements, wait, &Behind::default())?.0)
    }

    /// The same, with queries that are sent behind it.
    pub(super) fn look_before(
        &self,
        statements: &str,
        wait: Duration,
        behind: &Behind<'_>,
    ) -> Result<Seen> {
        let start = Instant::now();
        let had_line = self.line().is_ok();
        match self.look_once(statements, wait, behind) {
            Err(error) if had_line && self.line().is_err() && start.elapsed() < SOON => {
                drop(error);
                self.look_once(statements, wait, behind)
            }
            look => look,
        }
    }

    fn look_once(&self, statements: &str, wait: Duration, behind: &Behind<'_>) -> Result<Seen> {
        self.connect(wait)?;
        let sql = format!("{statements}{}", statement(&self.server.schema, self.seen.get()));
        let line = self.line()?;
        let client = &line.client;
        let rows = OptionFuture::from(behind.query.map(|query| sent::query(client, query)));
        let rows = async {
            let (early, rows) = join(collected(client, behind.ahead), rows).await;
            Ok((early?, rows.transpose()?))
        };
        let look = (client.simple_query(&sql), wait + SOON);
        let answered = line.wait_for_both(look, (rows, behind.patience.max(SOON)));
        drop(line);
        let heard = self.heard(answered).and_then(|(heard, (early, rows))| {
            let look = read(connection::rows(heard).last())?;
            Ok((look, early, rows))
        });
        let seen = heard.inspect_err(|_| self.roll_back())?;
        self.seen.set(seen.0.head);
        Ok(seen)
    }
}
