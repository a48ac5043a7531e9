//! Statements of one SQLite transaction.

use std::cell::Cell;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ToSql, params_from_iter};

use super::failure::failure;
use crate::error::Result;
use crate::store::Freshness;
use crate::store::value::Value;

/// A transaction's connection.
pub(in crate::store) struct Session<'a> {
    connection: &'a Connection,
    /// How many rows the connection had changed before.
    before: u64,
    /// Whether the rows of a statement are open.
    is_open: Cell<bool>,
}

/// A row of a statement that is open.
pub(in crate::store) type Row<'r> = &'r rusqlite::Row<'r>;

/// A statement that is prepared once.
pub(in crate::store) struct Statement<'s>(CachedStatement<'s>);

impl<'a> Session<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection, before: connection.total_changes(), is_open: Cell::new(false) }
    }

    /// The connection, for statements of SQLite only.
    pub(super) fn connection(&self) -> &'a Connection {
        self.connection
    }

    pub(in crate::store) fn first<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut find: impl FnMut(Row<'_>) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let mut statement = self.prepare(sql)?.0;
        let mut rows = statement.query(params_from_iter(values)).map_err(failure)?;
        self.is_open.set(true);
        let found = loop {
            match rows.next().map_err(failure) {
                Ok(Some(row)) => match find(row) {
                    Ok(None) => {}
                    found => break found,
                },
                Ok(None) => break Ok(None),
                Err(error) => break Err(error),
            }
        };
        self.is_open.set(false);
        found
    }

    pub(in crate::store) fn prepare(&self, sql: &str) -> Result<Statement<'a>> {
        debug_assert!(!self.is_open.get(), "rows are open, and then: {sql}");
        self.connection.prepare_cached(sql).map(Statement).map_err(failure)
    }

    pub(in crate::store) fn has_changed(&self) -> bool {
        self.connection.total_changes() != self.before
    }

    pub(in crate::store) fn freshness(&self) -> Result<Freshness> {
        freshness(self.connection)
    }
}

/// A number that changes with every commit of another process.
pub(super) fn freshness(connection: &Connection) -> Result<Freshness> {
    connection
        .prepare_cached("PRAGMA data_version")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map(|number| Freshness { number, clock: None })
        .map_err(failure)
}

impl Statement<'_> {
    pub(in crate::store) fn run(&mut self, values: &[Value<'_>]) -> Result<usize> {
        self.0.execute(params_from_iter(values)).map_err(failure)
    }
}

/// The value of a row's column.
pub(in crate::store) fn value<'r>(row: Row<'r>, column: usize) -> Result<Value<'r>> {
    Ok(match row.get_ref(column).map_err(failure)? {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(_) => Value::Other,
        ValueRef::Text(bytes) => Value::Text(bytes),
        ValueRef::Blob(bytes) => Value::Bytes(bytes),
    })
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Value::Null | Value::Other => ValueRef::Null,
            Value::Integer(integer) => ValueRef::Integer(integer),
            Value::Text(bytes) => ValueRef::Text(bytes),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
