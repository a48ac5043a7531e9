//! Files that one process at a time works with, and the next content of a file. It is written beside the file and replaces it in
//! one step, so nobody sees half of it.
//!
//! This module never writes into a file that others look at, and never waits for a lock without looking whether its file is
//! still there.

use std::fs::File;
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use std::{io, thread};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::entry::make_private;
use super::{Entry, Found, kind_of, named};
use crate::error::{Error, Kind, Result};

/// How often to check whether the lock is free.
const ATTENTION: Duration = Duration::from_millis(5);

enum Attempt {
    Locked,
    Taken,
    /// The file system has no locks: not every network one has.
    NoLocks,
}

/// Opens the file of this name and locks it. Returns nothing when another process has kept the lock for this long.
///
/// `open` also says whether the file may be worked with where the file system has no locks. `heed` is asked each time
/// before waiting.
pub(crate) fn lock(
    entry: &Entry,
    wait: Duration,
    heed: impl Fn() -> Result<()>,
    open: impl Fn() -> Result<(File, bool)>,
) -> Result<Option<File>> {
    let deadline = Instant::now() + wait;
    loop {
        heed()?;
        let (file, is_free) = open()?;
        match attempt(&file).map_err(|error| refused(entry, error))? {
            // The previous holder may have renamed or removed it.
            Attempt::Locked if entry.is(&file) => return Ok(Some(file)),
            Attempt::Locked => {}
            Attempt::NoLocks if is_free => return Ok(Some(file)),
            Attempt::Taken | Attempt::NoLocks => thread::sleep(ATTENTION),
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
    }
}

fn attempt(file: &File) -> rustix::io::Result<Attempt> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Attempt::Locked),
        Err(Errno::WOULDBLOCK) => Ok(Attempt::Taken),
        Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL | Errno::NOLCK) => Ok(Attempt::NoLocks),
        Err(error) => Err(error),
    }
}

fn refused(entry: &Entry, error: Errno) -> Error {
    let error = std::io::Error::from(error);
    let message = format!("cannot lock {}", named(entry.path()));
    Error::new(kind_of(&error), message).because(error)
}

/// An empty file of mode 0600 beside its target, locked, so that writers of the same file take turns. It has one name
/// per target, so the next process reuses what a killed one has left.
#[derive(Debug)]
pub(crate) struct Draft {
    target: Entry,
    entry: Entry,
    file: File,
    is_placed: bool,
}

impl Draft {
    /// Begins a draft of this name, waiting at most this long for another one. `heed` is called while waiting.
    pub(crate) fn begin(
        target: &Entry,
        entry: Entry,
        wait: Duration,
        heed: impl Fn() -> Result<()>,
    ) -> Result<Self> {
        let refused = |error: io::Error| {
            let message = format!("cannot create {}", named(target.path()));
            Error::new(kind_of(&error), message).because(error)
        };
        loop {
            let open = || match entry.open_or_create(OFlags::WRONLY) {
                // The mode of the file that it was to replace does not let even its owner write.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    let opened = entry.open(OFlags::RDONLY).map_err(|_| error);
                    opened.map(|file| (file, false))
                }
                opened => opened,
            };
            let opened = lock(&entry, wait, &heed, || open().map_err(refused))?;
            let Some(file) = opened else {
                return Err(busy(target, &entry));
            };
            let found = Found::of(&file).map_err(refused)?;
            // SECURITY: a file that somebody else has put here is neither written nor given the target's name.
            let is_mine = found.owner() == geteuid().as_raw();
            // Root may have been killed after it gave a draft to the owner of the target.
            let is_like_target = || {
                let target = target.look().ok().flatten();
                target.is_some_and(|target| target.owner() == found.owner())
            };
            if !found.is_file() || !(is_mine || geteuid().is_root() && is_like_target()) {
                let message = format!("{} already exists and is not ours", named(entry.path()));
                return Err(Error::new(Kind::Permissions, message));
            }
            let is_writable =
                rustix::fs::fcntl_getfl(&file).is_ok_and(|flags| flags.contains(OFlags::WRONLY));
            if found.names() != 1 || !is_writable || !is_mine {
                // Linked to the target, or like it already, by a process that was killed then: only this name is to go.
                entry.remove().map_err(refused)?;
                continue;
            }
            make_private(&file).and_then(|()| file.set_len(0)).map_err(refused)?;
            return Ok(Self { target: target.clone(), entry, file, is_placed: false });
        }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Gives it the target's name, which nothing may have. Returns the file.
    pub(crate) fn create(self) -> io::Result<File> {
        self.place(Entry::rename_new)
    }

    pub(crate) fn replace(self) -> io::Result<File> {
        self.place(Entry::rename)
    }

    fn place(mut self, rename: impl Fn(&Entry, &Entry) -> io::Result<()>) -> io::Result<File> {
        let file = self.file.try_clone()?;
        rename(&self.entry, &self.target)?;
        // SECURITY: somebody who can change the folder could have replaced the draft with another file.
        if !self.target.is(&file) {
            return Err(io::Error::other("it was replaced by another file"));
        }
        self.is_placed = true;
        Ok(file)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.is_placed {
            return;
        }
        // The secret in it is void, so failures here are not reported. The file is emptied wherever it is now, and
        // removed where it was.
        let _ = self.file.set_len(0);
        if self.entry.is(&self.file) {
            let _ = self.entry.remove();
        }
    }
}

fn busy(target: &Entry, draft: &Entry) -> Error {
    let message = format!("another process is writing {}", named(target.path()));
    // Without locks, a killed process's file looks the same as one that another process is writing.
    Error::new(Kind::Busy, message).hinted(format!(
        "run the command again; if nothing else writes it, remove {}",
        named(draft.path())
    ))
}
