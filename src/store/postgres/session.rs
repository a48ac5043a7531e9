//! Statements of one transaction on a server.
//!
//! This module never puts a value into a statement's text. A statement that only changes rows is sent with the next one that is
//! waited for, so that it costs no way to the server and back of its own.

use std::pin::pin;

use futures_util::TryStreamExt;
use futures_util::future::{OptionFuture, join3};
use tokio_postgres::RowStream;

use super::ahead::collected;
use super::connection::in_order;
use super::look::Look;
use super::sent::{self, Queued, executed, placed, sent};
use super::transaction::Transaction;
use crate::domain::audit::Head;
use crate::domain::clock::Clock;
use crate::error::Result;
use crate::store::Freshness;
use crate::store::ahead::Foreseen;
use crate::store::value::Value;

/// A transaction of a server.
#[derive(Clone, Copy)]
pub(in crate::store) struct Session<'a>(pub(super) &'a Transaction<'a>);

/// A row of an answer.
pub(in crate::store) type Row<'r> = &'r tokio_postgres::Row;

/// A statement with its places as this server numbers them.
pub(in crate::store) struct Statement<'s> {
    session: Session<'s>,
    sql: String,
}

impl<'a> Session<'a> {
    pub(in crate::store) fn first<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut find: impl FnMut(Row<'_>) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let transaction = self.0;
        let query = Queued { sql: placed(sql), values: sent(values) };
        if transaction.ahead.heard(&query) {
            return Ok(None);
        }
        if transaction.ahead.is_waiting(&query) {
            match transaction.has_begun() {
                true => drop(self.send(None)?),
                false => drop(transaction.begin()?),
            }
        }
        if let Some(rows) = transaction.ahead.answer(&query) {
            return rows.iter().find_map(|row| find(row).transpose()).transpose();
        }
        if !is_question(sql) {
            transaction.changes();
        }
        let rows = match transaction.begin_with(&query)? {
            None => self.send(Some(&query))?,
            rows => rows,
        };
        let Some(rows) = rows else { return Ok(None) };
        let mut rows = pin!(rows);
        loop {
            let line = transaction.database.line()?;
            let answered = line.wait(transaction.patience(), rows.try_next());
            drop(line);
            let Some(row) = transaction.database.heard(answered)? else {
                return Ok(None);
            };
            if let Some(found) = find(&row)? {
                return Ok(Some(found));
            }
        }
    }

    /// Has what the closure asks for sent with the next statement that is waited for. The closure is told of no rows.
    pub(in crate::store) fn ahead(&self, ask: impl FnOnce()) {
        self.0.ahead.hear(ask);
    }

    /// The same of a query whose rows another will ask for.
    pub(in crate::store) fn foresee(&self, foreseen: &Foreseen<'_>, values: &[Value<'_>]) {
        let query = Queued { sql: placed(foreseen.sql), values: sent(values) };
        let asked = Some((placed(foreseen.asked), foreseen.column));
        self.0.ahead.add(query, asked);
    }

    /// Sends what waits, and this query after it.
    fn send(&self, query: Option<&Queued>) -> Result<Option<RowStream>> {
        let transaction = self.0;
        let (queued, ahead) = (transaction.queue.take(), transaction.ahead.take());
        let line = transaction.database.line()?;
        let client = &line.client;
        let answered = line.wait(transaction.patience(), async {
            let writes = in_order(executed(client, &queued));
            let early = collected(client, &ahead);
            let rows = OptionFuture::from(query.map(|query| sent::query(client, query)));
            let (written, early, rows) = join3(writes, early, rows).await;
            written.into_iter().collect::<Result<Vec<_>, _>>()?;
            Ok((early?, rows.transpose()?))
        });
        drop(line);
        let (early, rows) = transaction.database.heard(answered)?;
        transaction.ahead.keep(ahead, early);
        Ok(rows)
    }

    pub(in crate::store) fn prepare(&self, sql: &str) -> Statement<'a> {
        Statement { session: *self, sql: placed(sql) }
    }

    /// Has a statement run, at the latest when the transaction ends.
    pub(super) fn queue(&self, queued: Queued) -> Result<()> {
        self.0.begin()?;
        self.0.changes();
        self.0.queue.borrow_mut().push(queued);
        self.0.flush_if_long()
    }

    pub(in crate::store) fn has_changed(&self) -> bool {
        self.0.has_changed.get()
    }

    /// The changes of others that this transaction includes; before it has begun, those that exist now.
    pub(in crate::store) fn freshness(&self) -> Result<Freshness> {
        self.0.look().map(Look::freshness)
    }

    /// What the look that the transaction began with said of the time.
    pub(in crate::store) fn clock(&self) -> Result<Option<Clock>> {
        self.0.begin().map(|look| look.clock)
    }

    /// The end of the trail that the transaction began with.
    pub(in crate::store) fn head(&self) -> Result<Option<Head>> {
        self.0.begin().map(|look| Some(look.head))
    }

    /// Whether this role may change records, the store's clock among them.
    pub(in crate::store) fn may_write(&self) -> bool {
        self.0.database.privileges.get().may_write
    }

    /// Has nobody else count what is limited until this transaction ends.
    pub(in crate::store) fn hold_counts(&self) -> Result<()> {
        if let Some(sql) = self.0.lock_of_counts() {
            self.0.begin()?;
            // What was read before it waits may be outdated; whatever is sent from here on comes behind it.
            self.0.ahead.forget();
            self.0.queue.borrow_mut().push(Queued { sql, values: Vec::new() });
        }
        Ok(())
    }
}

/// Whether a statement changes nothing.
fn is_question(sql: &str) -> bool {
    ["SELECT", "WITH"].iter().any(|word| sql.starts_with(word))
}

impl Statement<'_> {
    /// Has it run with these values, at the latest when the transaction ends.
    pub(in crate::store) fn run(&mut self, values: &[Value<'_>]) -> Result<()> {
        self.session.queue(Queued { sql: self.sql.clone(), values: sent(values) })
    }
}
