//! What the tables' statements go through, whichever engine keeps them: statements, their values, and rows.
//!
//! This module never depends on a statement's meaning, and never runs one while the rows of another are still open.
//!
//! Every engine reads the same text of a statement. Its values are written `?1`, `?2`, …

use super::damage::damaged;
#[cfg(feature = "postgres")]
use super::postgres;
use super::value::{Column, Value};
use super::{Freshness, sqlite};
use crate::domain::audit::Head;
use crate::domain::clock::Clock;
#[cfg(feature = "postgres")]
use crate::domain::clock::SLACK_MILLIS;
use crate::error::Result;

/// How many rows a page has.
pub(super) const PAGE: u32 = 500;

/// Places for so many values, with commas between them.
pub(super) fn places(count: usize) -> String {
    let places: Vec<String> = (1..=count).map(|nth| format!("?{nth}")).collect();
    places.join(", ")
}

/// Values in pages of this length, for statements that are prepared once: the last page is filled up with what it begins with.
pub(super) fn pages<'v, T: Copy + Into<Value<'v>>>(
    values: &[T],
    length: usize,
) -> impl Iterator<Item = Vec<Value<'v>>> {
    values.chunks(length).map(move |page| {
        let fill = std::iter::repeat_n(page[0], length - page.len());
        page.iter().copied().chain(fill).map(Into::into).collect()
    })
}

/// Goes through rows in the order of their numbers, from `first` on, a page in memory at a time: `read` gives up to so many that
/// have at least that number, and the closure may run statements.
pub(super) fn paged<T>(
    first: i64,
    read: impl Fn(i64, u32) -> Result<Vec<(i64, T)>>,
    mut body: impl FnMut(i64, T) -> Result<()>,
) -> Result<()> {
    let mut next = Some(first);
    while let Some(least) = next {
        let page = read(least, PAGE)?;
        let is_last = page.len() < PAGE as usize;
        for (number, row) in page {
            if next.is_none_or(|least| number < least) {
                return Err(damaged("its rows are out of order"));
            }
            next = number.checked_add(1);
            body(number, row)?;
        }
        if is_last {
            break;
        }
    }
    Ok(())
}

/// A transaction of one engine.
pub(super) enum Session<'a> {
    Sqlite(sqlite::Session<'a>),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Session<'a>),
}

/// A row that a statement came to.
pub(super) enum Row<'r> {
    Sqlite(sqlite::Row<'r>),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Row<'r>),
}

/// A statement that is run many times.
pub(super) enum Statement<'s> {
    Sqlite(sqlite::Statement<'s>),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Statement<'s>),
}

impl Session<'_> {
    /// The first row, as `read` takes it; nothing when there is none.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut read = Some(read);
        self.first(sql, values, |row| read.take().map(|read| read(row)).transpose())
    }

    /// Whether there is any row.
    pub(super) fn exists(&self, sql: &str, values: &[Value<'_>]) -> Result<bool> {
        Ok(self.one(sql, values, |_| Ok(()))?.is_some())
    }

    /// Every row, in memory. A statement with many has a `LIMIT`.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        self.each(sql, values, |row| {
            all.push(read(row)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// Calls the closure with every row, one at a time. It may run no statement.
    pub(super) fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut body: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let none: Option<()> = self.first(sql, values, |row| body(row).map(|()| None))?;
        debug_assert!(none.is_none(), "the closure finds nothing");
        Ok(())
    }

    /// Calls the closure with one row after another until it finds something in one. It may run no statement.
    pub(super) fn first<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut find: impl FnMut(&Row<'_>) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        match self {
            Self::Sqlite(session) => session.first(sql, values, |row| find(&Row::Sqlite(row))),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.first(sql, values, |row| find(&Row::Postgres(row))),
        }
    }

    /// Whether the row number of a deleted record may become another's.
    pub(super) fn gives_numbers_again(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Runs a statement that changes rows, at the latest at the end of the transaction.
    pub(super) fn run(&self, sql: &str, values: &[Value<'_>]) -> Result<()> {
        self.prepare(sql)?.run(values)
    }

    /// Prepares a statement that is to change rows many times.
    pub(super) fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        match self {
            Self::Sqlite(session) => session.prepare(sql).map(Statement::Sqlite),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => Ok(Statement::Postgres(session.prepare(sql))),
        }
    }

    /// Whether anything was changed in this transaction.
    pub(super) fn has_changed(&self) -> bool {
        match self {
            Self::Sqlite(session) => session.has_changed(),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.has_changed(),
        }
    }

    /// What has the engine take its rows by an index where its planner would choose worse.
    pub(super) fn by_index(&self, name: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("INDEXED BY {name}"),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => String::new(),
        }
    }

    /// What has the engine read a table row by row: whoever may write a file can make an index leave rows out.
    pub(super) fn by_rows(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "NOT INDEXED",
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => "",
        }
    }

    /// Has nobody else count what is limited until a transaction that counts or changes ends. A file has one such transaction at a
    /// time.
    pub(super) fn hold_counts(&self) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.hold_counts(),
        }
    }

    /// The store's last recorded time, where the transaction's beginning has shown it.
    pub(super) fn clock(&self) -> Result<Option<Clock>> {
        match self {
            Self::Sqlite(_) => Ok(None),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.clock(),
        }
    }

    /// Whether each statement costs a round trip.
    pub(super) fn is_far(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => true,
        }
    }

    /// The end of the trail before the transaction, where its beginning has shown it.
    pub(super) fn head(&self) -> Result<Option<Head>> {
        match self {
            Self::Sqlite(_) => Ok(None),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.head(),
        }
    }

    /// Whether a transaction that counts is to save the time. Where all who count would wait for one row, that is so once a minute.
    pub(super) fn takes_time(&self, before: Clock, after: Clock) -> bool {
        match self {
            Self::Sqlite(_) => {
                let _ = (before, after);
                true
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => {
                let is_due =
                    after.leapt != before.leapt || after.seen.since(before.seen) >= SLACK_MILLIS;
                session.may_write() && is_due
            }
        }
    }

    /// What another process's commit changes, as of this transaction.
    pub(super) fn freshness(&self) -> Result<Freshness> {
        match self {
            Self::Sqlite(session) => session.freshness(),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.freshness(),
        }
    }
}

impl Statement<'_> {
    /// Runs it once, at the latest at the end of the transaction.
    pub(super) fn run(&mut self, values: &[Value<'_>]) -> Result<()> {
        match self {
            Self::Sqlite(statement) => statement.run(values).map(drop),
            #[cfg(feature = "postgres")]
            Self::Postgres(statement) => statement.run(values),
        }
    }
}

impl Row<'_> {
    /// The value of a column.
    pub(super) fn value(&self, column: usize) -> Result<Value<'_>> {
        match self {
            Self::Sqlite(row) => sqlite::value(row, column),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => postgres::value(row, column),
        }
    }

    /// A column as the type it is of.
    pub(super) fn get<T: Column>(&self, column: usize) -> Result<T> {
        let value = self.value(column)?;
        T::of(value).ok_or_else(|| {
            damaged(format!("a row cannot be read: its column {column} contains something else"))
        })
    }

    /// A text column, whatever bytes it holds: a name planted from outside must not stop the listing.
    pub(super) fn text(&self, column: usize) -> Result<String> {
        Ok(self.optional_text(column)?.unwrap_or_default())
    }

    /// The same of a column that may be empty.
    pub(super) fn optional_text(&self, column: usize) -> Result<Option<String>> {
        let bytes = self.bytes(column)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
    }

    /// A text column's bytes, without a copy.
    pub(super) fn bytes(&self, column: usize) -> Result<Option<&[u8]>> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Text(bytes) => Ok(Some(bytes)),
            _ => Err(damaged("a text column contains something else")),
        }
    }
}
