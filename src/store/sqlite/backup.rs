//! A backup to restore, and a store that can no longer be opened.
//!
//! This module never writes to a backup: it works on a copy of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::StepResult;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::OFlags;

use super::connection::prepare;
use super::copy::{refuse_log, remove_sidecars};
use super::failure::failure;
use super::permissions::{SIDECARS, entry, entry_if_possible, look};
use super::salvage::fingerprint;
use super::{header, migrations};
use crate::domain::SafePath;
use crate::error::{Error, Kind, Result};
use crate::files::Entry;

/// A copy of a backup beside the store to restore, removed when this is dropped.
pub struct Backup {
    copy: Entry,
}

impl Drop for Backup {
    fn drop(&mut self) {
        // The next one overwrites what cannot be removed.
        let _ = remove(&self.copy);
    }
}

impl Backup {
    /// Copies the backup and brings the copy up to date, whichever keyward made it.
    pub fn take(file: &Path, store: &Path) -> Result<Self> {
        let file = found(file, store)?;
        let store = entry(store)?;
        let backup = Self { copy: store.beside(".restoring") };
        duplicate(&file, &backup.copy).map_err(|error| file.refused("copy", error))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(backup.path(), flags).map_err(failure)?;
        let mut connection = prepare(connection, Duration::ZERO)?;
        if migrations::version(&connection)? < migrations::NEWEST {
            migrations::migrate(&mut connection)?;
        }
        connection.close().map_err(|(_, error)| failure(error))?;
        Ok(backup)
    }

    /// The path of the copy, a complete store of the newest schema.
    pub fn path(&self) -> &Path {
        self.copy.path()
    }
}

/// Refuses a file that cannot be a backup of the store at this path, as far as can be checked without a copy.
pub fn look_at_backup(file: &Path, store: &Path) -> Result<()> {
    found(file, store).map(drop)
}

fn found(file: &Path, store: &Path) -> Result<Entry> {
    let shown = SafePath(file);
    let absent = || Error::usage(format!("no such file: {shown}"));
    let file = entry_if_possible(file)?.ok_or_else(absent)?;
    let found = look(&file)?.ok_or_else(absent)?;
    if entry_if_possible(store)?.is_some_and(|store| store.path() == file.path()) {
        return Err(Error::usage("this is the store itself").hinted("name a backup of it"));
    }
    file.check(&found)?;
    refuse_log(&file)?;
    header::check(&file)?;
    Ok(file)
}

fn duplicate(from: &Entry, to: &Entry) -> io::Result<()> {
    remove(to)?;
    let mut copy = to.create(OFlags::WRONLY)?;
    io::copy(&mut from.open(OFlags::RDONLY)?, &mut copy)?;
    Ok(())
}

/// Removes a store that nobody uses, with what is beside it.
fn remove(store: &Entry) -> io::Result<()> {
    store.remove().and_then(|_| remove_sidecars(store))
}

/// Where a store can be made that will replace this one. What an earlier attempt left there is removed.
pub fn beside(store: &Path) -> Result<PathBuf> {
    let Some(store) = entry_if_possible(store)? else {
        let mut path = store.as_os_str().to_owned();
        path.push(RESTORED);
        return Ok(path.into());
    };
    let restored = store.beside(RESTORED);
    remove(&restored).map_err(|error| restored.refused("remove", error))?;
    Ok(restored.path().to_owned())
}

/// How the name of a store ends that will replace another one.
const RESTORED: &str = ".restored";

/// Moves a store that was made beside this path, and that nobody has open, to this path, where no store is.
pub fn put_in_place(store: &Path, with: &Path) -> Result<()> {
    put(&entry(store)?, &entry(with)?)
}

fn put(store: &Entry, with: &Entry) -> Result<()> {
    put_sidecars_aside(store)?;
    with.rename_new(store).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Error::conflict("a store was created there meanwhile").hinted("run the command again")
        }
        _ => store.refused("make", error),
    })?;
    // Without it the next change reserves space again.
    let _ = with.beside(".reserve").rename(&store.beside(".reserve"));
    store.folder().sync().map_err(|error| store.refused("make", error))
}

/// Overwrites a damaged store with one that was made beside it, in one step that processes with the store open see like
/// any other change. A copy of the damaged one is kept; its name is returned.
///
/// Returns nothing, and changes nothing, if the damaged one no longer has this fingerprint.
pub fn write_over(store: &Path, with: &Path, known: [u8; 32]) -> Result<Option<PathBuf>> {
    let (store, with) = (entry(store)?, entry(with)?);
    let aside = aside(&store)?;
    for suffix in ["", "-wal"] {
        let from = store.beside(suffix);
        if look(&from)?.is_some() {
            let copied = duplicate(&from, &aside.beside(suffix));
            copied.map_err(|error| from.refused("copy", error))?;
        }
    }
    let written = copy_over(store.path(), with.path(), known);
    match written {
        Ok(true) => Ok(Some(aside.path().to_owned())),
        Ok(false) => {
            // The next attempt makes it again.
            let _ = remove(&aside);
            Ok(None)
        }
        Err(error) if error.kind() == Kind::Damaged => {
            let moved = store.rename(&aside).and_then(|()| move_sidecars(&store, &aside));
            moved.map_err(|error| store.refused("move", error))?;
            put(&store, &with)?;
            Ok(Some(aside.path().to_owned()))
        }
        Err(error) => Err(error),
    }
}

/// Says whether it was done; it is not if something became stricter meanwhile.
fn copy_over(store: &Path, with: &Path, known: [u8; 32]) -> Result<bool> {
    let open = |path: &Path, mode| {
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failure)?;
        prepare(connection, WAIT)
    };
    let source = open(with, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut target = open(store, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let backup = rusqlite::backup::Backup::new(&source, &mut target).map_err(failure)?;
    // With the first page nobody else can write, and what is committed can still be read.
    match backup.step(1).map_err(failure)? {
        StepResult::Busy | StepResult::Locked => {
            return Err(Error::new(Kind::Busy, "the store is locked by another process"));
        }
        _ => {}
    }
    if fingerprint(store) != known {
        return Ok(false);
    }
    while backup.step(1000).map_err(failure)? != StepResult::Done {}
    drop(backup);
    // Otherwise the file itself would still be the damaged one, with a log of another store.
    let is_busy: bool = target
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(failure)?;
    match is_busy {
        false => Ok(true),
        true => Err(Error::new(
            Kind::Busy,
            "the backup is restored, but another process still reads the damaged store",
        )
        .hinted("stop it, then run `keyward store restore` again")),
    }
}

/// How long to wait for another process that writes to a damaged store.
const WAIT: Duration = Duration::from_secs(10);

/// Moves the files beside a missing store aside, so that its log is not applied to a new store.
pub(super) fn put_sidecars_aside(store: &Entry) -> Result<()> {
    let moved = move_sidecars(store, &aside(store)?);
    moved.map_err(|error| store.refused("move aside the log of", error))
}

fn move_sidecars(store: &Entry, aside: &Entry) -> io::Result<()> {
    for suffix in SIDECARS {
        match store.beside(suffix).rename(&aside.beside(suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The first free name for a store that is moved aside.
fn aside(store: &Entry) -> Result<Entry> {
    let mut number = 1;
    loop {
        let aside = store.beside(&format!(".damaged-{number}"));
        if look(&aside)?.is_none() && look(&aside.beside("-wal"))?.is_none() {
            return Ok(aside);
        }
        number += 1;
    }
}
