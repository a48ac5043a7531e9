//! Files that one process at a time works with.
//!
//! This module never waits for a lock without looking whether its file is still there.

use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::{Entry, kind_of, named};
use crate::error::{Error, Result};

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
