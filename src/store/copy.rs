//! A store's whole content in another file: what a backup is made of.
//!
//! This module never leaves half a copy under the name it was asked for, and never replaces what is no store.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use rustix::fs::OFlags;

use super::failure::{damaged, failure};
use super::open::{open_alone, prepare, real_path};
use super::permissions::{SIDECARS, check_file, kind_of, look, sidecar};
use super::{Reader, Store, header, migrations};
use crate::domain::audit::Head;
use crate::domain::sanitize::{Safe, SafePath};
use crate::error::{Error, Kind, Result};

/// How many pages are copied at once.
const PIECE: i32 = 2_000;
/// How often it is looked whether another copy to the same file has ended.
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

impl Store {
    /// Copies the store as it is at this moment, while others go on using it. The closure is told how many pages of how many are
    /// done.
    ///
    /// # Errors
    /// `conflict` when the target is something else than an earlier backup; `permissions` when it is a link or another
    /// user's; `busy` when a copy to the same file is under way; `damaged` when the store is; `io`. The target is then as it
    /// was.
    pub fn backup(&mut self, target: &Path, progress: impl FnMut(u64, u64)) -> Result<Copy> {
        let target = real_path(target)?;
        let is_itself = |metadata: &std::fs::Metadata| {
            let own = std::fs::symlink_metadata(&self.path);
            own.is_ok_and(|own| (own.dev(), own.ino()) == (metadata.dev(), metadata.ino()))
        };
        let own = OWN_FILES
            .iter()
            .any(|suffix| target == sidecar(&self.path, suffix));
        if own || target == self.path {
            return Err(
                Error::usage("the backup would be one of the store's own files")
                    .hinted("name another file"),
            );
        }
        if let Some(metadata) = look(&target)? {
            check_file(&target, &metadata)?;
            if is_itself(&metadata) {
                return Err(Error::usage("this is the store itself").hinted("name another file"));
            }
            refuse_no_backup(&target)?;
        }
        let copied = copy(&self.connection, &target, self.wait, None, progress)?;
        copied.ok_or_else(|| Error::new(Kind::Internal, "a copy of any schema was not made"))
    }
}

/// Copies what a connection sees to a file that takes its name last. Nothing is copied when the store is to be of a schema that it
/// is not of any more.
pub(super) fn copy(
    source: &Connection,
    target: &Path,
    wait: Duration,
    schema: Option<i64>,
    progress: impl FnMut(u64, u64),
) -> Result<Option<Copy>> {
    let folder = target
        .parent()
        .ok_or_else(|| Error::usage("the backup's path names no file"))?;
    let draft = sidecar(target, ".keyward-draft");
    let lock = lock(&draft, wait)?;
    let copied = write(source, &draft, &lock, schema, progress).and_then(|head| {
        let Some(head) = head else { return Ok(None) };
        refuse_log(target)?;
        std::fs::rename(&draft, target).map_err(|error| refused(target, error))?;
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| refused(folder, error))?;
        let size_bytes = lock.metadata().map_or(0, |metadata| metadata.len());
        Ok(Some(Copy { size_bytes, head }))
    });
    if !matches!(copied, Ok(Some(_))) {
        // What cannot be removed is overwritten by the next copy.
        let _ = std::fs::remove_file(&draft).and(remove_sidecars(&draft));
    }
    copied
}

/// Makes the draft this process's own.
fn lock(draft: &Path, wait: Duration) -> Result<File> {
    let deadline = Instant::now() + wait;
    loop {
        if let Some(metadata) = look(draft)? {
            check_file(draft, &metadata)?;
        }
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(draft)
            .map_err(|error| refused(draft, error))?;
        match file.try_lock() {
            Ok(()) => {
                let is_there = look(draft)?.is_some_and(|found| {
                    file.metadata()
                        .is_ok_and(|own| (own.dev(), own.ino()) == (found.dev(), found.ino()))
                });
                // Whoever had it may have given it the target's name meanwhile.
                if is_there {
                    return Ok(file);
                }
            }
            Err(TryLockError::Error(error)) => return Err(refused(draft, error)),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                return Err(Error::new(
                    Kind::Busy,
                    "another backup to the same file is under way",
                ));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(ATTENTION),
        }
    }
}

/// Writes, checks and syncs the draft. Returns the end of the trail in it.
fn write(
    source: &Connection,
    draft: &Path,
    file: &File,
    schema: Option<i64>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Option<Head>> {
    let io = |error| refused(draft, error);
    file.set_permissions(PermissionsExt::from_mode(0o600))
        .and_then(|()| file.set_len(0))
        .and_then(|()| remove_sidecars(draft))
        .map_err(io)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(draft, flags).map_err(failure)?;
    let mut connection = prepare(connection, Duration::ZERO)?;
    // It is synced as a whole below, and nobody else may open it.
    connection
        .execute_batch("PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY")
        .map_err(failure)?;
    // Within one reading transaction the copy is of one moment and never begins anew, however busy the store is.
    let moment = source.unchecked_transaction().map_err(failure)?;
    let head = Reader::new(source).head()?;
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
            progress(
                pages(reached.pagecount - reached.remaining),
                pages(reached.pagecount),
            );
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                _ => thread::sleep(ATTENTION),
            }
        }
    }
    moment.finish().map_err(failure)?;
    connection
        .execute(
            "INSERT OR REPLACE INTO setting VALUES (?1, '')",
            [IS_BACKUP],
        )
        .map_err(failure)?;
    let verdict: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(failure)?;
    if verdict != "ok" {
        return Err(damaged(format!("its copy has a fault: {}", Safe(&verdict))));
    }
    connection.close().map_err(|(_, error)| failure(error))?;
    file.sync_all().map_err(io)?;
    Ok(Some(Head {
        seq: head.0,
        hash: head.1,
    }))
}

/// The setting by which a backup is told from a store that is used.
pub(super) const IS_BACKUP: &str = "is_backup";

/// Removes what may lie beside a store that is only made to be copied or moved.
pub(super) fn remove_sidecars(draft: &Path) -> std::io::Result<()> {
    for suffix in SIDECARS.iter().chain(&[".reserve", ".lock"]) {
        match std::fs::remove_file(sidecar(draft, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Refuses to replace a file that is no backup: something else, or a store that is used.
fn refuse_no_backup(target: &Path) -> Result<()> {
    let is_backup = header::check(target).and_then(|held| {
        let file = open_alone(target)?;
        let marked = Reader::new(&file).setting(IS_BACKUP)?.is_some();
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
        Error::new(
            Kind::Conflict,
            format!("{} is there, and is no backup of a store", SafePath(target)),
        )
        .because(error)
        .hinted("name a file that does not exist")
    })
}

/// Refuses a target with a log beside it, which would be taken for the copy's.
pub(super) fn refuse_log(target: &Path) -> Result<()> {
    for suffix in SIDECARS {
        let sidecar = sidecar(target, suffix);
        if look(&sidecar)?.is_some_and(|log| log.len() > 0) {
            return Err(Error::new(
                Kind::Conflict,
                format!(
                    "{} is there: the file beside it is a store in use",
                    SafePath(&sidecar)
                ),
            )
            .hinted("`keyward store backup FILE` makes a backup of a store in use"));
        }
    }
    Ok(())
}

fn refused(path: &Path, error: std::io::Error) -> Error {
    Error::new(kind_of(&error), format!("cannot write {}", SafePath(path))).because(error)
}
