//! Running transactions on a server, and what became of a commit whose answer was lost.
//!
//! This module never reports a change as made unless it was, nor as not made unless it was not.

use std::time::{Duration, Instant};

use super::Database;
use super::connection::SOON;
use super::session::Session;
use super::transaction::{Purpose, Transaction};
use crate::domain::audit::Head;
use crate::error::{Error, Kind, Result};
use crate::store::value::values;

/// How long it takes until a server that cannot be reached is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

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
        let session = Session(&transaction);
        let sql = "SELECT 1 FROM audit WHERE seq = ?1 AND hash = ?2";
        let found = session.first(sql, values![head.seq, &head.hash], |_| Ok(Some(())));
        transaction.end();
        found.map(|found| found.is_some())
    }
}
