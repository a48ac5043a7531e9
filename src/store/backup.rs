//! A backup that is to be restored, and the store that cannot be opened any more.
//!
//! This module never writes to a backup: it works on a copy of its own.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::StepResult;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::copy::{refuse_log, remove_sidecars};
use super::failure::failure;
use super::open::{LOOK_EVERY, prepare, real_path};
use super::permissions::{SIDECARS, check_file, kind_of, look, sidecar};
use super::salvage::{Death, salvage};
use super::{header, migrations};
use crate::domain::sanitize::SafePath;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};

/// A copy of a backup beside the store it is to be restored to, removed when this is dropped.
pub struct Backup {
    path: PathBuf,
}

impl Drop for Backup {
    fn drop(&mut self) {
        // The next one overwrites what cannot be removed.
        let _ = std::fs::remove_file(&self.path).and(remove_sidecars(&self.path));
    }
}

impl Backup {
    /// Copies the backup and brings the copy up to date, whichever keyward made it.
    ///
    /// # Errors
    /// `usage` when there is no such file; `permissions` when others can reach it; `foreign`, `damaged`, `newer_store` when it
    /// is no backup of this keyward; `conflict` when it is a store in use; `io`.
    pub fn take(file: &Path, store: &Path) -> Result<Self> {
        let (file, store) = (real_path(file)?, real_path(store)?);
        let shown = SafePath(&file);
        let Some(metadata) = look(&file)? else {
            return Err(Error::usage(format!("there is no file {shown}")));
        };
        if file == store {
            return Err(Error::usage("this is the store itself").hinted("name a backup of it"));
        }
        check_file(&file, &metadata)?;
        refuse_log(&file)?;
        header::check(&file)?;
        let backup = Self {
            path: sidecar(&store, ".restoring"),
        };
        duplicate(&file, &backup.path).map_err(|error| {
            Error::new(kind_of(&error), format!("cannot copy {shown}")).because(error)
        })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&backup.path, flags).map_err(failure)?;
        let mut connection = prepare(connection, Duration::ZERO)?;
        if migrations::version(&connection)? < migrations::NEWEST {
            migrations::migrate(&mut connection)?;
        }
        connection.close().map_err(|(_, error)| failure(error))?;
        Ok(backup)
    }

    /// The copy's path, which names a whole store of the newest schema.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn duplicate(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    remove_sidecars(to)?;
    let mut copy = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    copy.set_permissions(PermissionsExt::from_mode(0o600))?;
    io::copy(&mut File::open(from)?, &mut copy)?;
    Ok(())
}

/// Where a store can be made that is to take this one's place. What an earlier attempt left there is removed.
///
/// # Errors
/// `io`.
pub fn beside(store: &Path) -> Result<PathBuf> {
    let path = sidecar(&real_path(store)?, ".restored");
    let removed = match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => remove_sidecars(&path),
    };
    removed.map_err(|error| {
        let shown = SafePath(&path);
        Error::new(kind_of(&error), format!("cannot remove {shown}")).because(error)
    })?;
    Ok(path)
}

/// Puts a store that was made beside this path, and that nobody has open, in its place, where none is.
///
/// # Errors
/// `conflict` when a store was made there meanwhile; `io`.
pub fn put_in_place(store: &Path, with: &Path) -> Result<()> {
    let (store, with) = (real_path(store)?, real_path(with)?);
    put_sidecars_aside(&store)?;
    renameat_with(CWD, &with, CWD, &store, RenameFlags::NOREPLACE).map_err(
        |error| match error {
            rustix::io::Errno::EXIST => {
                Error::new(Kind::Conflict, "a store was made in its place meanwhile")
                    .hinted("run the command again")
            }
            _ => cannot("make", &store, error.into()),
        },
    )?;
    // Without it the next change holds space back anew.
    let _ = std::fs::rename(sidecar(&with, ".reserve"), sidecar(&store, ".reserve"));
    if let Some(folder) = store.parent() {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| cannot("make", &store, error))?;
    }
    Ok(())
}

/// Writes a store that was made beside a damaged one over it, in one step that those who have it open see like any other
/// change. A copy of the damaged one is kept under a name that is returned.
///
/// Returns nothing, and changes nothing, when a key died meanwhile that is not among these.
///
/// # Errors
/// `busy`, `io`. A store that SQLite cannot write to at all is moved aside instead of being copied.
pub fn write_over(store: &Path, with: &Path, known: &[Death]) -> Result<Option<PathBuf>> {
    let (store, with) = (real_path(store)?, real_path(with)?);
    let aside = aside(&store)?;
    for suffix in ["", "-wal"] {
        let (from, to) = (sidecar(&store, suffix), sidecar(&aside, suffix));
        if look(&from)?.is_some() {
            duplicate(&from, &to).map_err(|error| cannot("copy", &from, error))?;
        }
    }
    let written = copy_over(&store, &with, known);
    match written {
        Ok(true) => Ok(Some(aside)),
        Ok(false) => {
            // It is made anew with the next attempt.
            let _ = std::fs::remove_file(&aside).and(remove_sidecars(&aside));
            Ok(None)
        }
        Err(error) if error.kind() == Kind::Damaged => {
            let moved =
                std::fs::rename(&store, &aside).and_then(|()| move_sidecars(&store, &aside));
            moved.map_err(|error| cannot("move", &store, error))?;
            // Those who have it open look at its place every so often, and must not find another store there at once.
            std::thread::sleep(2 * LOOK_EVERY);
            put_in_place(&store, &with)?;
            Ok(Some(aside))
        }
        Err(error) => Err(error),
    }
}

/// Says whether it was done, which it is not when a key died that is not known.
fn copy_over(store: &Path, with: &Path, known: &[Death]) -> Result<bool> {
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
            return Err(Error::new(
                Kind::Busy,
                "another process keeps the store locked",
            ));
        }
        _ => {}
    }
    let is_known = |death: &Death| known.iter().any(|known| known.key == death.key);
    if !salvage(store, Timestamp::EPOCH).0.iter().all(is_known) {
        return Ok(false);
    }
    while backup.step(1000).map_err(failure)? != StepResult::Done {}
    drop(backup);
    // Or the file alone would still be the damaged one, and the log not its own.
    let is_busy: bool = target
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(failure)?;
    match is_busy {
        false => Ok(true),
        true => Err(Error::new(
            Kind::Busy,
            "the backup is restored, but another process goes on reading the damaged store",
        )
        .hinted("end it, and run `keyward store restore` again")),
    }
}

/// How long another process is waited for that writes to a damaged store.
const WAIT: Duration = Duration::from_secs(10);

fn cannot(what: &str, path: &Path, error: io::Error) -> Error {
    let shown = SafePath(path);
    Error::new(kind_of(&error), format!("cannot {what} {shown}")).because(error)
}

/// Puts what lies beside a store that is not there any more aside: a new store must not be taken for its log's.
pub(super) fn put_sidecars_aside(store: &Path) -> Result<()> {
    let aside = aside(store)?;
    move_sidecars(store, &aside).map_err(|error| {
        let shown = SafePath(store);
        Error::new(
            kind_of(&error),
            format!("cannot put the log of {shown} aside"),
        )
        .because(error)
    })
}

fn move_sidecars(store: &Path, aside: &Path) -> io::Result<()> {
    for suffix in SIDECARS {
        match std::fs::rename(sidecar(store, suffix), sidecar(aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The first name that is free for a store to be put aside.
fn aside(store: &Path) -> Result<PathBuf> {
    let mut number = 1;
    loop {
        let path = sidecar(store, &format!(".damaged-{number}"));
        if look(&path)?.is_none() && look(&sidecar(&path, "-wal"))?.is_none() {
            return Ok(path);
        }
        number += 1;
    }
}
