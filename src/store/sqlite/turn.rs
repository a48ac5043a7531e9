//! Taking turns: one process at a time checks whether a key exists and delivers a missing one.
//!
//! This module never holds up anything else. A transaction cannot do this, because a delivery lies between two of them.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::{FdFlags, fcntl_setfd};

use super::Database;
use super::permissions::{entry, make_way};
use crate::error::{Error, Kind, Result};
use crate::files::{Entry, lock};

/// A turn. It ends when this is dropped. If the process is killed, child processes that inherited the descriptor keep
/// the turn: a delivery that outlives keyward must not overtake the next one.
#[derive(Debug)]
pub struct Turn {
    locked: Option<File>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(file) = &self.locked {
            // For everybody who has inherited it. A failure means that it has already ended.
            let _ = file.unlock();
        }
    }
}

impl Database {
    pub(in crate::store) fn turn(&self, heed: impl Fn() -> Result<()>) -> Result<Turn> {
        match &self.entry {
            None => Ok(Turn { locked: None }),
            Some(store) => Turn::wait_for(store, self.wait, heed),
        }
    }
}

impl Turn {
    /// Waits for a turn at a store that may not exist or may be damaged. Its folder is made. `heed` is asked while
    /// waiting.
    pub fn at(store: &Path, wait: Duration) -> Result<Self> {
        make_way(store)?;
        Self::wait_for(&entry(store)?, wait, || Ok(()))
    }

    fn wait_for(store: &Entry, wait: Duration, heed: impl Fn() -> Result<()>) -> Result<Self> {
        let file = store.beside(".lock");
        let open = || {
            let opened = file.open_own(OFlags::WRONLY)?;
            // Programs that are started inherit it.
            fcntl_setfd(&opened, FdFlags::empty())
                .map_err(|error| file.refused("lock", error.into()))?;
            // Without locks, everybody has a turn.
            Ok((opened, true))
        };
        let locked = lock(&file, wait, heed, open)?.ok_or_else(|| {
            Error::new(Kind::Busy, "another keyward process is delivering a key in this store")
                .hinted("run the command again, or let it wait longer with --wait 1m")
        })?;
        Ok(Self { locked: Some(locked) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

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
