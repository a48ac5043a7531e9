//! Copying a store's whole content to another file, for backups.
//!
//! This module never leaves half a copy under the requested name, and never replaces a file that is not a store.

use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::connection::{open_alone, prepare};
use super::failure::failure;
use super::permissions::{SIDECARS, entry, length, look};
use super::{Database, header, migrations, reader};
use crate::domain::audit::Head;
use crate::domain::{Safe, SafePath};
use crate::error::{Error, Kind, Result};
use crate::files::{Draft, Entry, Found};
use crate::store::damage::{damaged, of_another};

/// How many pages are copied at once.
const PIECE: i32 = 2_000;
/// How long to wait for another process that keeps a page from being copied.
const ATTENTION: Duration = Duration::from_millis(5);

/// What keyward and SQLite call their files beside a store.
const OWN_FILES: [&str; 9] = [
    "-wal",
    "-shm",
    "-journal",
    ".lock",
    ".new",
    ".reserve",
    ".restored",
    ".restoring",
    ".keyward-draft",
];

/// A copy that was made.
#[derive(Debug, Clone)]
pub struct Copy {
    /// The file's size in bytes.
    pub size_bytes: u64,
    /// The end of the trail in it.
    pub head: Head,
}

impl Database {
    pub(in crate::store) fn backup(
        &mut self,
        target: &Path,
        progress: impl FnMut(u64, u64),
    ) -> Result<Copy> {
        let target = entry(target)?;
        if let Some(store) = &self.entry {
            let is_there = |path: &Entry| path.path() == target.path();
            let mut own = OWN_FILES.iter().map(|suffix| store.beside(suffix));
            if is_there(store) || own.any(|own| is_there(&own)) {
                return Err(Error::usage("the backup would be one of the store's own files")
                    .hinted("pass another file"));
            }
        }
        if let Some(found) = look(&target)? {
            target.check(&found)?;
            let own = self.entry.as_ref().map(look).transpose()?.flatten();
            if own.is_some_and(|own: Found| own.identity() == found.identity()) {
                return Err(Error::usage("this is the store itself").hinted("pass another file"));
            }
            refuse_no_backup(&target)?;
        }
        let copied = copy(&self.connection, &target, self.wait, None, progress)?;
        copied.ok_or_else(|| Error::new(Kind::Internal, "a copy of any schema was not made"))
    }
}

/// Copies what a connection sees to a file that gets its name last. Nothing is copied if the store no longer has the
/// expected schema.
pub(super) fn copy(
    source: &Connection,
    target: &Entry,
    wait: Duration,
    schema: Option<i64>,
    progress: impl FnMut(u64, u64),
) -> Result<Option<Copy>> {
    let draft = Draft::begin(target, target.beside(".keyward-draft"), wait, || Ok(()))?;
    let Some(head) = write(source, &draft, schema, progress)? else {
        return Ok(None);
    };
    refuse_log(target)?;
    let refused = |error| target.refused("write", error);
    let file = draft.replace().map_err(refused)?;
    target.folder().sync().map_err(refused)?;
    let size_bytes = file.metadata().map_or(0, |metadata| metadata.len());
    Ok(Some(Copy { size_bytes, head }))
}

/// Writes, checks and syncs the draft. Returns the end of the trail in it.
fn write(
    source: &Connection,
    draft: &Draft,
    schema: Option<i64>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Option<Head>> {
    let io = |error| draft.entry().refused("write", error);
    remove_sidecars(draft.entry()).map_err(io)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(draft.entry().path(), flags).map_err(failure)?;
    let mut connection = prepare(connection, Duration::ZERO)?;
    // It is synced as a whole below, and nobody else may open it.
    connection
        .execute_batch("PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY")
        .map_err(failure)?;
    // In one reading transaction, the copy is of one moment and never starts over, however busy the store is.
    let moment = source.unchecked_transaction().map_err(failure)?;
    let head = reader(source).head()?;
    let present = migrations::version(source)?;
    if schema.is_some_and(|schema| schema != present) {
        return Ok(None);
    }
    {
        let backup = Backup::new(source, &mut connection).map_err(failure)?;
        loop {
            let step = backup.step(PIECE).map_err(failure)?;
            let reached = backup.progress();
            let pages = |count: i32| u64::from(count.unsigned_abs());
            progress(pages(reached.pagecount - reached.remaining), pages(reached.pagecount));
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                _ => thread::sleep(ATTENTION),
            }
        }
    }
    moment.finish().map_err(failure)?;
    connection
        .execute("INSERT OR REPLACE INTO setting VALUES (?1, '')", [IS_BACKUP])
        .map_err(failure)?;
    let verdict: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failure)?;
    if verdict != "ok" {
        return Err(damaged(format!("its copy has a fault: {}", Safe(&verdict))));
    }
    connection.close().map_err(|(_, error)| failure(error))?;
    // SECURITY: SQLite opens by path, so somebody who can swap the folder could have given it another file.
    if Found::of(draft.file()).map_err(io)?.length() == 0 {
        return Err(io(std::io::Error::other("it was replaced by another file")));
    }
    draft.file().sync_all().map_err(io)?;
    Ok(Some(head))
}

/// The setting that distinguishes a backup from a store in use.
pub(super) const IS_BACKUP: &str = "is_backup";

/// Removes the files beside a store that is only made to be copied or moved.
pub(super) fn remove_sidecars(draft: &Entry) -> std::io::Result<()> {
    for suffix in SIDECARS.iter().chain(&[".reserve", ".lock"]) {
        draft.beside(suffix).remove()?;
    }
    Ok(())
}

/// Refuses to replace a file that is not a backup: something else, or a store in use.
fn refuse_no_backup(target: &Entry) -> Result<()> {
    let is_backup = header::check(target).and_then(|held| {
        let file = open_alone(target.path())?;
        let marked = reader(&file).setting(IS_BACKUP)?.is_some();
        drop((file, held));
        match marked {
            true => Ok(()),
            false => Err(Error::new(Kind::Foreign, "it is a store that is used")),
        }
    });
    is_backup.map_err(|error| {
        if matches!(error.kind(), Kind::Io | Kind::Permissions) {
            return error;
        }
        Error::conflict(format!("{} exists and is not a keyward backup", SafePath(target.path())))
            .because(of_another(error))
            .hinted("name a file that does not exist")
    })
}

/// Refuses a target with a log beside it, which would be applied to the copy.
pub(super) fn refuse_log(target: &Entry) -> Result<()> {
    for suffix in SIDECARS {
        let sidecar = target.beside(suffix);
        if length(&sidecar)? > 0 {
            return Err(Error::conflict(format!(
                "{} exists: the file beside it is a store in use",
                SafePath(sidecar.path())
            ))
            .hinted("`keyward store backup FILE` makes a backup of a store in use"));
        }
    }
    Ok(())
}
