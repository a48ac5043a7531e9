//! Making a store: complete, synced and private before it has its name, so that nobody sees half of one.
//!
//! This module never replaces an existing file.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::backup::put_sidecars_aside;
use super::connection::prepare;
use super::copy::remove_sidecars;
use super::failure::failure;
use super::permissions::{entry, look, make_way};
use super::{Database, migrations, reserve};
use crate::domain::SafePath;
use crate::error::{Error, Kind, Result};
use crate::files::{Draft, Entry};

impl Database {
    pub(in crate::store) fn open_or_create(path: &Path, wait: Duration) -> Result<Self> {
        if let Some(store) = Self::open(path, wait)? {
            return Ok(store);
        }
        Self::create(path, wait)?;
        Self::open(path, wait)?
            .ok_or_else(|| Error::new(Kind::Io, "the store disappeared after it was made"))
    }

    pub(in crate::store) fn create(path: &Path, wait: Duration) -> Result<bool> {
        make_way(path)?;
        let place = entry(path)?;
        make(&place, wait).map_err(|error| match error.kind() {
            Kind::Io => Error::new(Kind::Io, format!("cannot make {}", SafePath(place.path())))
                .because(error),
            _ => error,
        })
    }
}

/// Builds the store under another name and gives it its own last. First runs take turns at the draft. Says whether there
/// was none before.
fn make(store: &Entry, wait: Duration) -> Result<bool> {
    let io = |error: std::io::Error| Error::new(Kind::Io, "the file system refused").because(error);
    let draft = Draft::begin(store, store.beside(".new"), wait, || Ok(()))?;
    if look(store)?.is_some() {
        return Ok(false);
    }
    remove_sidecars(draft.entry()).map_err(io)?;
    write_schema(draft.entry().path())?;
    draft.file().sync_all().map_err(io)?;
    put_sidecars_aside(store)?;
    match draft.create() {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(io(error)),
    }
    store.folder().sync().map_err(io)?;
    reserve::fill(store);
    Ok(true)
}

fn write_schema(draft: &Path) -> Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(draft, flags).map_err(failure)?;
    let mut connection = prepare(connection, Duration::ZERO)?;
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(failure)?;
    if mode != "wal" {
        return Err(Error::new(
            Kind::Io,
            format!("this file system cannot hold a write-ahead log (got {mode})"),
        )
        .hinted("keep the store on a local disk with --store"));
    }
    migrations::migrate(&mut connection)?;
    // Closing would do this too, and keep to itself that the disk is full.
    let is_busy: bool = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(failure)?;
    if is_busy {
        return Err(Error::new(Kind::Busy, "another program reads the store that is being made"));
    }
    connection.close().map_err(|(_, error)| failure(error))
}
