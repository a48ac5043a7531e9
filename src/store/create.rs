//! Making a store: whole, synced and private before it has its name, so that nobody ever meets half of one.
//!
//! This module never replaces a file that is there.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::backup::put_sidecars_aside;
use super::failure::failure;
use super::open::{prepare, real_path};
use super::permissions::{look, sidecar};
use super::{Store, migrations, permissions, reserve};
use crate::domain::sanitize::SafePath;
use crate::error::{Error, Kind, Result};

impl Store {
    /// Opens the store at this path, making it first when there is none. Folders it makes are 0700, the file 0600.
    ///
    /// # Errors
    /// Those of [`Store::open`], and `io` when a folder or the file cannot be made.
    pub fn open_or_create(path: &Path, wait: Duration) -> Result<Self> {
        if let Some(store) = Self::open(path, wait)? {
            return Ok(store);
        }
        make_way(path)?;
        let path = real_path(path)?;
        let folder = path.parent().expect("real_path gives a file in a folder");
        permissions::check_folders(folder)?;
        let made = make(&path, folder);
        made.map_err(|error| match error.kind() {
            Kind::Io => {
                Error::new(Kind::Io, format!("cannot make {}", SafePath(&path))).because(error)
            }
            _ => error,
        })?;
        Self::open(&path, wait)?
            .ok_or_else(|| Error::new(Kind::Io, "the store disappeared after it was made"))
    }
}

/// Makes the folder of a store, where the folders that are there already are safe.
///
/// # Errors
/// `permissions`, `io`.
pub(super) fn make_way(path: &Path) -> Result<()> {
    check_above(path)?;
    make_folder(path)
}

/// Checks the folders that are there already, before any is made in them.
fn check_above(path: &Path) -> Result<()> {
    let absolute = std::path::absolute(path)
        .map_err(|error| Error::usage("the store's path cannot be used").because(error))?;
    let there = absolute
        .ancestors()
        .skip(1)
        .find_map(|folder| folder.canonicalize().ok());
    there.map_or(Ok(()), |folder| permissions::check_folders(&folder))
}

fn make_folder(path: &Path) -> Result<()> {
    let absolute = std::path::absolute(path)
        .map_err(|error| Error::usage("the store's path cannot be used").because(error))?;
    let Some(folder) = absolute.parent() else {
        return Ok(());
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| {
            Error::new(
                Kind::Io,
                format!("cannot make the folder {}", SafePath(folder)),
            )
            .because(error)
        })
}

/// Builds the store under another name and gives it its own last. The folder's lock makes first runs take turns, and
/// ends with the process that holds it.
fn make(path: &Path, folder: &Path) -> Result<()> {
    let io = |error: std::io::Error| Error::new(Kind::Io, "the file system refused").because(error);
    let turn = File::open(folder).map_err(io)?;
    turn.lock().map_err(io)?;
    if look(path)?.is_some() {
        return Ok(());
    }
    let draft = sidecar(path, ".new");
    for leftover in permissions::SIDECARS
        .iter()
        .map(|suffix| sidecar(&draft, suffix))
        .chain([draft.clone()])
    {
        match std::fs::remove_file(leftover) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
    }
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .map_err(io)?;
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .map_err(io)?;
    drop(file);
    write_schema(&draft)?;
    File::open(&draft)
        .and_then(|file| file.sync_all())
        .map_err(io)?;
    put_sidecars_aside(path)?;
    std::fs::rename(&draft, path).map_err(io)?;
    turn.sync_all().map_err(io)?;
    reserve::fill(path);
    Ok(())
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
        return Err(Error::new(
            Kind::Busy,
            "another program reads the store that is being made",
        ));
    }
    connection.close().map_err(|(_, error)| failure(error))
}
