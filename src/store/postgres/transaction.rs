//! A server's transactions: reads of one moment, changes one after another, counts, and what became of a commit whose answer was
//! lost.
//!
//! This module never tells of a change that is not there, nor of none where there is one.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use super::Database;
use super::connection::{self, SOON, in_order};
use super::look::Look;
use super::session::{Queued, Session, executed, sent};
use crate::domain::audit::Head;
use crate::error::{Error, Kind, Result};
use crate::store::value::values;

/// How long a statement may take where rows are only looked up by an index, beyond what it may wait for others.
pub(super) const SHORT: Duration = Duration::from_secs(20);
/// How long one may take that reads a table from its beginning to its end.
const LONG: Duration = Duration::from_secs(3600);
/// How many changes wait for the next statement that is waited for.
const MOST_QUEUED: usize = 500;
/// A transaction whose client is stopped ends by itself after so many milliseconds: others wait for it.
const IDLE_MILLIS: u32 = 10_000;
/// How long it takes until a server that cannot be reached is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// The class of the advisory lock that whoever counts limited keys takes: "KEYC".
const COUNTS: i32 = 0x4b45_5943;

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
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
    pub has_changed: Cell<bool>,
    holds_counts: Cell<bool>,
}

impl<'a> Transaction<'a> {
    fn new(database: &'a Database, purpose: Purpose, wait: Duration) -> Self {
        Self {
            database,
            purpose,
            wait: wait.min(database.wait),
            began: Cell::new(None),
            queue: RefCell::default(),
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

    /// Begins, unless it has.
    pub(super) fn begin(&self) -> Result<Look> {
        if let Some(look) = self.began.get() {
            return Ok(look);
        }
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
        let look = database.look_after(&begin, self.wait)?;
        self.began.set(Some(look));
        Ok(look)
    }

    /// The end of the trail: as the transaction has it, or as it is before a read begins.
    pub(super) fn head(&self) -> Result<Head> {
        match (self.began.get(), self.purpose) {
            (Some(look), _) => Ok(look.head),
            (None, Purpose::Read) => self.database.present(),
            (None, Purpose::Write | Purpose::Count) => self.begin().map(|look| look.head),
        }
    }

    /// Sends what waits when it is much.
    pub(super) fn flush_if_long(&self) -> Result<()> {
        match self.queue.borrow().len() < MOST_QUEUED {
            true => Ok(()),
            false => self.flush(&[]),
        }
    }

    /// Sends what waits, and this after it.
    fn flush(&self, last: &[&str]) -> Result<()> {
        let queued = self.queue.take();
        let line = self.database.line()?;
        let answered = line.wait(self.patience(), async {
            let mut answers = executed(&line.client, &queued);
            answers.extend(last.iter().map(|sql| -> connection::Answer<'_, u64> {
                Box::pin(async { line.client.batch_execute(sql).await.map(|()| 0) })
            }));
            // After one that fails, the rest do nothing.
            in_order(answers).await.into_iter().collect::<Result<Vec<_>, _>>()
        });
        drop(line);
        self.database.heard(answered).map(drop)
    }

    pub(super) fn hold_counts(&self) -> Result<()> {
        if self.purpose == Purpose::Read || self.holds_counts.replace(true) {
            return Ok(());
        }
        let lock = format!(
            "SELECT pg_advisory_xact_lock({COUNTS}, ('{}.head'::regclass::oid::bigint & 2147483647)::int4)",
            self.database.server.schema
        );
        Session(self).first(&lock, &[], |_| Ok(Some(()))).map(drop)
    }

    /// Ends it without a change.
    fn end(&self) {
        if self.began.take().is_none() {
            return;
        }
        self.database.roll_back();
    }

    /// Ends it with its changes, which leave the trail with this end if there are any.
    fn commit(&self, head: Option<Head>) -> Result<()> {
        if self.began.get().is_none() {
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

impl Database {
    pub(in crate::store) fn read<T>(
        &mut self,
        body: impl FnOnce(Session<'_>) -> Result<T>,
    ) -> Result<T> {
        let transaction = Transaction::new(self, Purpose::Read, self.wait);
        let outcome = body(Session(&transaction));
        transaction.end();
        outcome
    }

    /// Runs the closure, which returns the trail's end after it, in a synced transaction.
    pub(in crate::store) fn write<T>(
        &mut self,
        wait: Option<Duration>,
        body: impl FnOnce(Session<'_>) -> Result<(T, Option<Head>)>,
    ) -> Result<T> {
        let transaction = Transaction::new(self, Purpose::Write, wait.unwrap_or(self.wait));
        transaction.begin()?;
        let (value, head) = body(Session(&transaction)).inspect_err(|_| transaction.end())?;
        match transaction.commit(head) {
            Ok(()) => Ok(value),
            Err(error) if self.line().is_ok() => {
                // The server has answered, so nothing was changed.
                transaction.end();
                Err(error)
            }
            Err(error) => self.learn_outcome(head, error).map(|()| value),
        }
    }

    pub(in crate::store) fn count<T>(
        &mut self,
        wait: Duration,
        body: impl FnOnce(Session<'_>) -> Result<T>,
    ) -> Result<T> {
        if !self.can_count() {
            return Err(Error::new(Kind::Io, "the database role may not count uses"));
        }
        let transaction = Transaction::new(self, Purpose::Count, wait);
        let value = body(Session(&transaction)).inspect_err(|_| transaction.end())?;
        transaction.commit(None).inspect_err(|_| transaction.end())?;
        Ok(value)
    }

    /// Finds out what became of a commit whose answer was lost: whoever has the lock sees all that was committed before, and nothing
    /// is committed behind it.
    fn learn_outcome(&self, head: Option<Head>, error: Error) -> Result<()> {
        let Some(head) = head else { return Err(error) };
        let (start, wait) = (Instant::now(), self.wait.max(SOON));
        let found = loop {
            let left = wait.saturating_sub(start.elapsed());
            match self.find_event(head, left) {
                Err(_) if left > ASK_AGAIN && self.line().is_err() => std::thread::sleep(ASK_AGAIN),
                found => break found,
            }
        };
        match found {
            Ok(true) => {
                self.seen.set(head);
                Ok(())
            }
            Ok(false) => Err(error),
            Err(_) => Err(Error::new(
                Kind::UnknownOutcome,
                format!("it is not known whether the change was made: {error}"),
            )
            .hinted("check `keyward audit list`")),
        }
    }

    fn find_event(&self, head: Head, wait: Duration) -> Result<bool> {
        let transaction = Transaction::new(self, Purpose::Write, wait);
        transaction.begin()?;
        let session = Session(&transaction);
        let sql = "SELECT 1 FROM audit WHERE seq = ?1 AND hash = ?2";
        let found = session.first(sql, values![head.seq, &head.hash], |_| Ok(Some(())));
        transaction.end();
        found.map(|found| found.is_some())
    }
}
