//! The first look at a file, before SQLite opens it and could write to it.
//!
//! This module never writes. Offsets are those of SQLite's file format, section 1.3.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::fs::{Dev, OFlags};

use super::migrations::{APPLICATION_ID, NEWEST};
use super::permissions::has_log;
use crate::domain::SafePath;
use crate::domain::sanitize::QuotedPath;
use crate::error::{Error, Kind, Result};
use crate::files::{Entry, Found, kind_of};
use crate::store::damage::damaged;

const MAGIC: &[u8] = b"SQLite format 3\0";

/// A file's device and inode.
type Id = (Dev, u64);

/// The files that stores of this process have looked at.
static HELD: Mutex<BTreeMap<Id, Weak<Files>>> = Mutex::new(BTreeMap::new());

/// A store's file, and files beside it that its connections lock too.
struct Files {
    store: File,
    beside: Mutex<Vec<Beside>>,
}

struct Beside {
    id: Id,
    file: Arc<File>,
}

/// A store's file, held open for as long as the store is.
///
/// SECURITY: when a process closes a file, it loses all its locks on it (POSIX, `fcntl` F_SETLK), those of SQLite's
/// connections too; another process could then take the log away from under them. So a file that a store of this process
/// has open is neither opened a second time nor closed before the last of those stores is.
pub(super) struct Held {
    /// Nothing once it is let go.
    files: Option<Arc<Files>>,
    id: Id,
}

impl Held {
    /// The file.
    pub(super) fn file(&self) -> Option<&File> {
        self.files.as_ref().map(|files| &files.store)
    }

    /// A file beside it that the store's connections have open and lock. It stays open for as long as this one, for the same
    /// reason.
    pub(super) fn beside(&self, entry: &Entry) -> std::io::Result<Arc<File>> {
        let gone = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let files = self.files.as_ref().ok_or_else(gone)?;
        let mut beside = files.beside.lock().unwrap_or_else(PoisonError::into_inner);
        let id = entry.look()?.ok_or_else(gone)?.identity();
        if let Some(known) = beside.iter().find(|known| known.id == id) {
            return Ok(Arc::clone(&known.file));
        }
        let file = Arc::new(entry.open(OFlags::RDONLY)?);
        // Kept whatever it is: it may have taken the other's place only now.
        beside.push(Beside { id: Found::of(&file)?.identity(), file: Arc::clone(&file) });
        Ok(file)
    }

    /// Whether this describes the file.
    pub(super) fn is(&self, found: &Found) -> bool {
        found.identity() == self.id
    }

    fn open(store: &Entry) -> std::io::Result<Self> {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, files| files.strong_count() > 0);
        let found = store.look()?.ok_or(std::io::ErrorKind::NotFound)?;
        let id = found.identity();
        if let Some(files) = held.get(&id).and_then(Weak::upgrade) {
            let files = Some(files);
            return Ok(Self { files, id });
        }
        let store = store.open(OFlags::RDONLY)?;
        let id = Found::of(&store)?.identity();
        let files = Arc::new(Files { store, beside: Mutex::default() });
        held.insert(id, Arc::downgrade(&files));
        let files = Some(files);
        Ok(Self { files, id })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // With the lock, so that nobody takes a file over at the moment it is closed.
        let _held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        self.files = None;
    }
}

/// Refuses a file that is not a keyward store, is cut short, or was made by a newer keyward. What it returns is dropped
/// after the store's connection.
pub(super) fn check(store: &Entry) -> Result<Held> {
    let path = store.path();
    let shown = SafePath(path);
    let unreadable = |error: std::io::Error| {
        let kind = kind_of(&error);
        let error = Error::new(kind, format!("cannot read {shown}")).because(error);
        match kind {
            Kind::Permissions => error.hinted(format!("chmod 600 {}", QuotedPath(path))),
            _ => error,
        }
    };
    let held = Held::open(store).map_err(unreadable)?;
    let file = held.file().expect("it is let go when it is dropped");
    let length = file.metadata().map_err(unreadable)?.len();
    let mut header = [0; 100];
    let filled = length.min(100) as usize;
    file.read_exact_at(&mut header[..filled], 0).map_err(unreadable)?;
    let header = &header[..filled];
    if header.is_empty() {
        return Err(damaged(format!("{shown} is empty")));
    }
    // The front of a store that was cut within its header, or zeroed, may still be ours.
    let front = &header[..header.len().min(MAGIC.len())];
    if !MAGIC.starts_with(front) && front.iter().any(|byte| *byte != 0) {
        return Err(
            foreign(format!("{shown} is not a keyward store")).hinted(
                "name keyward's own file with --store, or move this one away before a backup is restored in its place",
            ),
        );
    }
    let Some(header) = header.first_chunk::<100>() else {
        return Err(damaged(format!("{shown} is cut short")));
    };
    let number = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    if !header.starts_with(MAGIC) {
        return Err(damaged(format!("{shown} is not a keyward store")));
    }
    if number(68) != APPLICATION_ID.cast_unsigned() {
        return Err(foreign(format!("{shown} is another program's database"))
            .hinted("name keyward's own file with --store"));
    }
    refuse_newer(i64::from(number(60)), path)?;
    let page_size = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    // With a log beside it the file may lawfully be shorter than its header says; without one it may not.
    let log_is_empty = !has_log(store)?;
    if log_is_empty && (page_size < 512 || length < u64::from(number(28)) * page_size) {
        return Err(damaged(format!("{shown} is cut short")));
    }
    Ok(held)
}

/// Whether the file's header says that changes go to a log beside it: its read version, at offset 19, is 2.
pub(super) fn has_wal_mode(held: Option<&Held>) -> bool {
    let mut version = [0];
    let read = held.and_then(Held::file).map(|file| file.read_exact_at(&mut version, 19));
    // A file that nobody has looked at yet is one that keyward is making.
    read.is_none_or(|read| read.is_ok() && version == [2])
}

/// Whether the file system has no locks. SQLite treats the error for that like another process's lock.
///
/// It asks for a lock's owner, which takes none.
pub(super) fn lacks_locks(held: Option<&Held>) -> bool {
    use rustix::process::{Flock, FlockType, fcntl_getlk};
    let lock = Flock::from(FlockType::ReadLock);
    let asked = held.and_then(Held::file).map(|file| fcntl_getlk(file, &lock));
    asked.is_some_and(|answer| answer.is_err())
}

fn foreign(what: String) -> Error {
    Error::new(Kind::Foreign, what)
}

/// Refuses a store whose schema this keyward does not know.
pub(super) fn refuse_newer(version: i64, path: &Path) -> Result<()> {
    if version <= NEWEST {
        return Ok(());
    }
    Err(Error::new(
        Kind::NewerStore,
        format!(
            "{} was made by a newer keyward (schema {version}, this one supports {NEWEST})",
            SafePath(path)
        ),
    )
    .hinted("update keyward; the file was not touched"))
}
