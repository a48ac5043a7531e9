//! What `store info` shows, and what SQLite finds wrong with a file.
//!
//! This module never repairs anything.

use std::path::Path;
use std::time::Duration;

use super::connection::make_room;
use super::failure::failure;
use super::{Database, Session, header, migrations};
use crate::domain::Safe;
use crate::domain::flaw::Flaw;
use crate::error::Result;
use crate::files::trusted_folder;
use crate::store::Info;
use crate::store::session::Row;

impl Database {
    /// The schema's number of the store at this path, as it is before it is opened.
    pub(in crate::store) fn schema_at(path: &Path, wait: Duration) -> Result<Option<i64>> {
        let store = Self::glance(path, wait)?;
        store.map(|store| migrations::version(&store.connection)).transpose()
    }

    /// The facts that are SQLite's.
    pub(in crate::store) fn info(&mut self) -> Result<Info> {
        let store = self.entry.as_ref();
        let size_bytes = store.map_or(Ok(0), super::permissions::length)?;
        let trusted_folder = store
            .filter(|store| store.folder().is_in_trusted())
            .and_then(|_| trusted_folder())
            .map(Path::to_owned);
        self.read(|session| {
            let connection = session.connection();
            let mode = connection.pragma_query_value(None, "journal_mode", |row| row.get(0));
            Ok(Info {
                schema: migrations::version(connection)?,
                journal_mode: mode.map(Some).map_err(failure)?,
                size_bytes,
                trusted_folder,
                ..Info::default()
            })
        })
    }
}

/// How many faults of the file are told.
const MOST_FAULTS: u32 = 100;

impl Database {
    pub(in crate::store) fn has_wal_mode(&self) -> bool {
        header::has_wal_mode(self.held.as_ref())
    }
}

/// Pages, indexes, and rows that refer to nothing.
pub(in crate::store) fn for_each_fault(
    session: &Session<'_>,
    mut body: impl FnMut(Flaw),
) -> Result<()> {
    // Every row is looked up in every index of its table, all over the file.
    make_room(session.connection())?;
    let mut tell = |problem| body(Flaw::of_file(problem));
    let each = |sql: &str, tell: &mut dyn FnMut(Row<'_>) -> Result<()>| {
        let none: Option<()> =
            session.first(sql, &[], |row| tell(Row::Sqlite(row)).map(|()| None))?;
        debug_assert!(none.is_none(), "the closure finds nothing");
        Ok(())
    };
    each(&format!("PRAGMA integrity_check({MOST_FAULTS})"), &mut |row| {
        let line = row.text(0)?;
        if line != "ok" {
            tell(format!("the file is damaged: {}", Safe(&line)));
        }
        Ok(())
    })?;
    each("PRAGMA foreign_key_check", &mut |row| {
        let (table, parent) = (row.text(0)?, row.text(2)?);
        tell(format!("a row of {} belongs to no {}", Safe(&table), Safe(&parent)));
        Ok(())
    })
}
