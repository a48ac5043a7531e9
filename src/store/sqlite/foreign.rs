//! Reading a table of another program's database, for an import.
//!
//! This module never writes: neither the file, nor anything beside it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use serde_json::{Map, Value, json};

use super::connection::{prepare, uri};
use crate::domain::{Safe, SafePath};
use crate::error::{Error, Kind, Result};

/// How a database's file begins (<https://www.sqlite.org/fileformat2.html>).
const FRONT: &[u8] = b"SQLite format 3\0";
/// Where the version is that a reader must understand, and the one of files with a log.
const READ_VERSION: usize = 19;
const OF_A_LOG: u8 = 2;

/// How another program writes its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignKind {
    /// To a log beside it first.
    Logged,
    Plain,
}

/// What kind of database a file is that begins with these bytes, if it is one.
pub fn foreign_kind(front: &[u8]) -> Option<ForeignKind> {
    let is_logged = front.get(READ_VERSION) == Some(&OF_A_LOG);
    let kind = if is_logged { ForeignKind::Logged } else { ForeignKind::Plain };
    front.starts_with(FRONT).then_some(kind)
}

/// The rows of a table, each as a JSON object. Bytes are hexadecimal digits after `\x`.
///
/// There are at most so many and one more: a view could go on without end.
pub fn foreign_rows(
    path: &Path,
    table: &str,
    kind: ForeignKind,
    most: u64,
    wait: Duration,
) -> Result<Vec<Vec<u8>>> {
    let unread = |error: rusqlite::Error| {
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Kind::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Kind::Usage,
            _ => Kind::Io,
        };
        Error::new(kind, format!("cannot read {}", SafePath(path))).because(error)
    };
    let connection = open(path, kind, wait, unread)?;
    let tables = tables(&connection).map_err(unread)?;
    if !tables.iter().any(|name| name.eq_ignore_ascii_case(table)) {
        return Err(Error::usage(format!("{} has no table {}", SafePath(path), Safe(table)))
            .hinted(format!("it has {}", Safe(&tables.join(", ")))));
    }
    rows(&connection, table, most).map_err(unread)
}

/// Opens the file so that nothing appears beside it. The log that a program has just written to is read with the index that is
/// there; without one, or without a log, SQLite is kept from making either.
fn open(
    path: &Path,
    kind: ForeignKind,
    wait: Duration,
    unread: impl Fn(rusqlite::Error) -> Error,
) -> Result<Connection> {
    let beside = |suffix: &str| {
        let mut name = OsString::from(path);
        name.push(suffix);
        PathBuf::from(name)
    };
    let is_logged = kind == ForeignKind::Logged;
    let has_log = is_logged && beside("-wal").metadata().is_ok_and(|log| log.len() > 0);
    if has_log && !beside("-shm").exists() {
        return Err(Error::new(
            Kind::Io,
            format!(
                "{} has a log that its own program has not yet brought into it",
                SafePath(path)
            ),
        )
        .hinted("import a copy that `sqlite3 FILE '.backup copy.db'` makes"));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = match is_logged && !has_log {
        true => Connection::open_with_flags(uri(path), flags | OpenFlags::SQLITE_OPEN_URI),
        false => Connection::open_with_flags(path, flags),
    };
    prepare(opened.map_err(unread)?, wait)
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name";
    let mut statement = connection.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.collect()
}

fn rows(connection: &Connection, table: &str, most: u64) -> rusqlite::Result<Vec<Vec<u8>>> {
    let sql = format!("SELECT * FROM \"{}\" LIMIT {most} + 1", table.replace('"', "\"\""));
    let mut statement = connection.prepare(&sql)?;
    let mut columns = Vec::new();
    // A list in rusqlite 0.38, an iterator in later ones.
    for column in statement.column_names() {
        columns.push(column.to_owned());
    }
    let mut found = statement.query([])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let mut fields = Map::new();
        for (at, column) in columns.iter().enumerate() {
            fields.insert(column.clone(), value(row.get_ref(at)?));
        }
        rows.push(Value::Object(fields).to_string().into_bytes());
    }
    Ok(rows)
}

fn value(held: ValueRef<'_>) -> Value {
    match held {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => json!(number),
        ValueRef::Real(number) => json!(number),
        ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            json!(format!("\\x{digits}"))
        }
    }
}
