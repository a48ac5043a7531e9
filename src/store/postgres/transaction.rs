//! A server's transactions: reads of one moment, changes one after another, counts, and what became of a commit whose answer was
//! lost.
//!
//! This module never reports a change as made unless it was, nor as not made unless it was not.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tokio_postgres::RowStream;

use super::Database;
use super::ahead::Ahead;
use super::connection::{self, in_order};
use super::look::{Behind, Look};
use super::sent::{Queued, executed, sent};
use crate::domain::audit::Head;
use crate::error::Result;
use crate::store::value::values;

/// How long a statement may take where rows are only looked up by an index, beyond what it may wait for others.
pub(super) const SHORT: Duration = Duration::from_secs(20);
/// How long one may take that reads a table from its beginning to its end.
const LONG: Duration = Duration::from_secs(3600);
/// How many changes wait for the next statement that is waited for.
const MOST_QUEUED: usize = 500;
/// A transaction whose client is stopped ends by itself after so many milliseconds: others wait for it.
const IDLE_MILLIS: u32 = 10_000;
/// The class of the advisory lock that whoever counts limited keys takes: "KEYC".
const COUNTS: i32 = 0x4b45_5943;

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
    Count,
}

/// A transaction that begins with its first statement.
pub(super) struct Transaction<'a> {
    pub database: &'a Database,
    purpose: Purpose,
    wait: Duration,
    /// What it began with, once it has.
    began: Cell<Option<Look>>,
    pub queue: RefCell<Vec<Queued>>,
    pub ahead: Ahead,
    pub has_changed: Cell<bool>,
    holds_counts: Cell<bool>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(database: &'a Database, purpose: Purpose, wait: Duration) -> Self {
        Self {
            database,
            purpose,
            wait: wait.min(database.wait),
            began: Cell::new(None),
            queue: RefCell::default(),
            ahead: Ahead::default(),
            has_changed: Cell::new(false),
            holds_counts: Cell::new(false),
        }
    }

    /// How long a statement is waited for.
    pub(super) fn patience(&self) -> Duration {
        match self.purpose {
            Purpose::Read => LONG,
            Purpose::Write | Purpose::Count => SHORT + self.wait,
        }
    }

    /// Whether it has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.began.get().is_some()
    }

    /// Begins, unless it has.
    pub(super) fn begin(&self) -> Result<Look> {
        match self.began.get() {
            Some(look) => Ok(look),
            None => Ok(self.begin_before(None)?.0),
        }
    }

    /// Begins with a query that is sent at once, where that is not to change anything; nothing if it has begun.
    pub(super) fn begin_with(&self, query: &Queued) -> Result<Option<RowStream>> {
        // Outside a transaction, where a beginning that fails leaves it, it changes nothing either.
        match self.began.get().is_none() && query.sql.starts_with("SELECT") {
            true => Ok(self.begin_before(Some(query))?.1),
            false => self.begin().map(|_| None),
        }
    }

    fn begin_before(&self, query: Option<&Queued>) -> Result<(Look, Option<RowStream>)> {
        let database = self.database;
        let (schema, wait) = (&database.server.schema, self.wait.as_millis().max(1));
        let level = match self.purpose {
            Purpose::Read => "REPEATABLE READ READ ONLY",
            Purpose::Write | Purpose::Count => "READ COMMITTED READ WRITE",
        };
        // A lock that is waited for would else be seen with what was there before the wait.
        let own = match self.purpose {
            Purpose::Read => String::new(),
            Purpose::Write if database.privileges.get().is_synced => locked(schema),
            Purpose::Write => format!("SET LOCAL synchronous_commit = on; {}", locked(schema)),
            Purpose::Count => "SET LOCAL synchronous_commit = off;".to_owned(),
        };
        let begin = format!(
            "BEGIN ISOLATION LEVEL {level}; SET LOCAL search_path = pg_catalog, {schema}, pg_temp;
            SET LOCAL lock_timeout = {wait}; SET LOCAL statement_timeout = 0;
            SET LOCAL idle_in_transaction_session_timeout = {IDLE_MILLIS}; {own}"
        );
        let ahead = self.ahead.take();
        let behind = Behind { ahead: &ahead, query, patience: self.patience() };
        let (look, early, rows) = database.look_before(&begin, self.wait, &behind)?;
        self.ahead.keep(ahead, early);
        self.began.set(Some(look));
        Ok((look, rows))
    }

    /// What the transaction began with, or what there is before a read begins.
    pub(super) fn look(&self) -> Result<Look> {
        match (self.began.get(), self.purpose) {
            (Some(look), _) => Ok(look),
            (None, Purpose::Read) => self.database.present(),
            (None, Purpose::Write | Purpose::Count) => self.begin(),
        }
    }

    /// Notes that it changes something.
    pub(super) fn changes(&self) {
        self.has_changed.set(true);
        self.ahead.forget();
    }

    /// Sends what waits when it is much.
    pub(super) fn flush_if_long(&self) -> Result<()> {
        // Nothing may hold the queue while it is emptied.
        let is_long = self.queue.borrow().len() >= MOST_QUEUED;
        if is_long { self.flush(&[]) } else { Ok(()) }
    }

    /// Sends what waits, and this after it.
    fn flush(&self, last: &[&str]) -> Result<()> {
        let queued = self.queue.take();
        let line = self.database.line()?;
        let client = &line.client;
        let answered = line.wait(self.patience(), async {
            let mut answers = executed(client, &queued);
            answers.extend(last.iter().map(|sql| -> connection::Answer<'_, u64> {
                Box::pin(async { client.batch_execute(sql).await.map(|()| 0) })
            }));
            // After one that fails, the rest do nothing.
            in_order(answers).await.into_iter().collect::<Result<Vec<_>, _>>()
        });
        drop(line);
        self.database.heard(answered).map(drop)
    }

    /// The statement that has nobody else count what is limited until this ends, unless it already does, or it is not needed.
    pub(super) fn lock_of_counts(&self) -> Option<String> {
        if self.purpose == Purpose::Read || self.holds_counts.replace(true) {
            return None;
        }
        let schema = &self.database.server.schema;
        Some(format!(
            "SELECT pg_advisory_xact_lock({COUNTS}, ('{schema}.head'::regclass::oid::bigint & 2147483647)::int4)"
        ))
    }

    /// Ends it without a change.
    pub(super) fn end(&self) {
        if self.began.take().is_none() {
            return;
        }
        self.database.roll_back();
    }

    /// Ends it with its changes, which leave the trail with this end if there are any.
    pub(super) fn commit(&self, head: Option<Head>) -> Result<()> {
        if self.began.get().is_none() {
            return Ok(());
        }
        if !self.has_changed.get() {
            self.end();
            return Ok(());
        }
        if let Some(head) = head {
            let queued = Queued {
                sql: "UPDATE head SET seq = $1, hash = $2".to_owned(),
                values: sent(values![head.seq, &head.hash]),
            };
            self.queue.borrow_mut().push(queued);
        }
        self.flush(&["COMMIT"])?;
        if let Some(head) = head {
            self.database.seen.set(head);
        }
        Ok(())
    }
}

/// Waits for whoever changes the store at this moment.
fn locked(schema: &str) -> String {
    format!("SELECT 1 FROM {schema}.head FOR UPDATE;")
}
