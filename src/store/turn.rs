//! Taking turns: one process at a time looks whether a key is there and delivers one that is not.
//!
//! This module never holds up anything else. A transaction cannot do this, because a delivery lies between two of them.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::io::{FdFlags, fcntl_setfd};

use super::Store;
use super::create::make_way;
use super::open::real_path;
use super::permissions::{check_file, kind_of, look, sidecar};
use crate::error::{Error, Kind, Result};

/// How often it is looked whether the turn has come.
const ATTENTION: Duration = Duration::from_millis(5);

/// A turn. It ends when this is dropped. When its process is killed instead, it goes on for as long as a program that the
/// process has started does: a delivery that outlives keyward must not overtake the next one.
#[derive(Debug)]
pub struct Turn {
    locked: Option<File>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(file) = &self.locked {
            // For all who have inherited it. A failure means that it is over already.
            let _ = file.unlock();
        }
    }
}

impl Store {
    /// Waits for a turn, as long as for a busy store and until `heed` fails. A store in memory has no others to wait for.
    ///
    /// # Errors
    /// `busy`; what `heed` gives; `permissions` or `io` when the file that is locked, `STORE.lock`, cannot be had.
    pub fn turn(&self, heed: impl Fn() -> Result<()>) -> Result<Turn> {
        match self.path.as_os_str().is_empty() {
            true => Ok(Turn { locked: None }),
            false => Turn::wait_for(&self.path, self.wait, heed),
        }
    }
}

impl Turn {
    /// Waits for a turn at a store that may not be there, or not be whole. Its folder is made.
    ///
    /// # Errors
    /// As [`Store::turn`].
    pub fn at(store: &Path, wait: Duration) -> Result<Self> {
        make_way(store)?;
        Self::wait_for(&real_path(store)?, wait, || Ok(()))
    }

    fn wait_for(store: &Path, wait: Duration, heed: impl Fn() -> Result<()>) -> Result<Self> {
        let path = sidecar(store, ".lock");
        let deadline = Instant::now() + wait;
        loop {
            heed()?;
            let file = open(&path)?;
            match file.try_lock() {
                // Somebody may have removed the file that was waited for.
                Ok(()) if is_at(&file, &path) => return Ok(Self { locked: Some(file) }),
                Ok(()) => {}
                Err(TryLockError::Error(error)) => return Err(refused(error)),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                    return Err(Error::new(
                        Kind::Busy,
                        "another keyward is handing a key over in this store",
                    )
                    .hinted("run the command again, or let it wait longer with --wait 1m"));
                }
                Err(TryLockError::WouldBlock) => thread::sleep(ATTENTION),
            }
        }
    }
}

fn open(path: &Path) -> Result<File> {
    if let Some(metadata) = look(path)? {
        check_file(path, &metadata)?;
    }
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(refused)?;
    // The umask may have taken the owner's own permissions away.
    file.set_permissions(PermissionsExt::from_mode(0o600))
        .map_err(refused)?;
    // Programs that are started inherit it.
    fcntl_setfd(&file, FdFlags::empty()).map_err(|error| refused(error.into()))?;
    Ok(file)
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(ours), Ok(found)) => (ours.dev(), ours.ino()) == (found.dev(), found.ino()),
        _ => false,
    }
}

fn refused(error: std::io::Error) -> Error {
    Error::new(kind_of(&error), "cannot lock the store").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_ends_when_it_is_dropped_and_another_is_not_waited_for_longer_than_told() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(
            folder.path(),
            std::os::unix::fs::PermissionsExt::from_mode(0o700),
        )
        .expect("changed");
        let path = folder.path().join("keyward.db");
        let store = Store::open_or_create(&path, Duration::from_millis(20)).expect("made");
        let turn = store.turn(|| Ok(())).expect("nobody else is there");
        assert_eq!(store.turn(|| Ok(())).expect_err("taken").kind(), Kind::Busy);
        drop(turn);
        store.turn(|| Ok(())).expect("free again");
    }
}
