//! Statements of one transaction on a server.
//!
//! This module never puts a value into a statement's text. A statement that only changes rows is sent with the next one that is
//! waited for, so that it costs no way to the server and back of its own.

use std::error::Error as StdError;
use std::pin::pin;

use futures_util::TryStreamExt;
use futures_util::future::join;
use tokio_postgres::RowStream;
use tokio_postgres::types::{FromSql, Type};

use super::connection::in_order;
use super::look::Look;
use super::sent::{Queued, executed, placed, sent, typed};
use super::transaction::Transaction;
use crate::domain::audit::Head;
use crate::domain::clock::Clock;
use crate::error::Result;
use crate::store::Freshness;
use crate::store::damage::damaged;
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
        let rows = match transaction.begin_with(&query)? {
            Some(rows) => rows,
            None => self.rows(&query)?,
        };
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

    /// Sends what waits, and this query after it.
    fn rows(&self, query: &Queued) -> Result<RowStream> {
        let transaction = self.0;
        let queued = transaction.queue.take();
        let line = transaction.database.line()?;
        let client = &line.client;
        let answered = line.wait(transaction.patience(), async {
            let writes = in_order(executed(client, &queued));
            let rows = client.query_typed_raw(&query.sql, typed(&query.values));
            let (written, rows) = join(writes, rows).await;
            written.into_iter().collect::<Result<Vec<_>, _>>()?;
            rows
        });
        drop(line);
        transaction.database.heard(answered)
    }

    pub(in crate::store) fn prepare(&self, sql: &str) -> Statement<'a> {
        Statement { session: *self, sql: placed(sql) }
    }

    /// Has a statement run, at the latest when the transaction ends.
    pub(super) fn queue(&self, queued: Queued) -> Result<()> {
        self.0.begin()?;
        self.0.has_changed.set(true);
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
        match self.0.lock_of_counts() {
            Some(lock) => self.first(&lock, &[], |_| Ok(Some(()))).map(drop),
            None => Ok(()),
        }
    }
}

impl Statement<'_> {
    /// Has it run with these values, at the latest when the transaction ends.
    pub(in crate::store) fn run(&mut self, values: &[Value<'_>]) -> Result<()> {
        self.session.queue(Queued { sql: self.sql.clone(), values: sent(values) })
    }
}

/// What stands in a column of a row.
pub(in crate::store) fn value(row: Row<'_>, column: usize) -> Result<Value<'_>> {
    let found = row.try_get::<_, Found<'_>>(column);
    found.map(|found| found.0).map_err(|error| damaged(format!("a row cannot be read: {error}")))
}

struct Found<'r>(Value<'r>);

impl<'r> FromSql<'r> for Found<'r> {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(match *kind {
            Type::INT8 => Value::Integer(i64::from_be_bytes(raw.try_into()?)),
            Type::INT4 => Value::Integer(i32::from_be_bytes(raw.try_into()?).into()),
            Type::BOOL => Value::Integer(i64::from(raw != [0])),
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::UNKNOWN => Value::Text(raw),
            Type::BYTEA => Value::Bytes(raw),
            _ => Value::Other,
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
