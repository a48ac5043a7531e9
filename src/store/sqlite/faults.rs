//! What SQLite finds wrong with a file.
//!
//! This module never repairs anything.

use super::{Database, Session, header};
use crate::domain::Safe;
use crate::domain::flaw::Flaw;
use crate::error::Result;
use crate::store::session::Row;

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
