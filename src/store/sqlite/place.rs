//! How a store is open, with its log or for reading only; whether its file is still where it was opened, and going on with the
//! one that took its place.
//!
//! This module never reads or writes a file that is not in its place any more.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, Dev, statat};

use super::Database;
use super::header::Held;
use super::permissions::{has_log, look};
use crate::domain::SafePath;
use crate::error::{Error, Kind, Result};
use crate::files::{Entry, Found};
use crate::store::Place as StorePlace;

/// How a store was opened.
pub(super) enum Access {
    /// With its log, as SQLite does by itself.
    Shared,
    /// Without touching anything beside it, because nothing there can be written. Correct only while no log exists and
    /// the file does not change. The text says why it cannot be written.
    Immutable(Stamp, String),
    /// Not at all: its file is not at this path any more, and no other could be opened there.
    Gone(PathBuf),
}

/// What identifies a state of a file.
#[derive(PartialEq, Eq)]
pub(super) struct Stamp {
    identity: (Dev, u64),
    size: u64,
    modified: (i64, i64),
}

impl Access {
    /// Checks that what was read without a log is still current.
    pub(super) fn confirm(&self, store: Option<&Entry>) -> Result<()> {
        match (self, store) {
            (Self::Gone(path), _) => Err(moved(path)),
            (Self::Shared, _) | (_, None) => Ok(()),
            (Self::Immutable(stamp, _), Some(store)) => {
                match !has_log(store)? && stamp_of(store)?.as_ref() == Some(stamp) {
                    true => Ok(()),
                    false => Err(Error::new(Kind::Io, "the store changed while it was read")
                        .hinted("run the command again")),
                }
            }
        }
    }

    /// Refuses to write where only reading is possible.
    pub(super) fn require_writable(&self) -> Result<()> {
        match self {
            Self::Shared => Ok(()),
            Self::Gone(path) => Err(moved(path)),
            Self::Immutable(_, reason) => {
                Err(Error::new(Kind::Io, format!("the store cannot be written: {reason}")))
            }
        }
    }
}

pub(super) fn stamp_of(store: &Entry) -> Result<Option<Stamp>> {
    Ok(look(store)?.map(|found| Stamp {
        identity: found.identity(),
        size: found.length(),
        modified: found.modified(),
    }))
}

/// The error of a store whose file is not in its place any more.
pub(super) fn moved(path: &Path) -> Error {
    Error::new(Kind::Io, format!("{} is no longer the file that was opened", SafePath(path)))
        .hinted("run the command again")
}

/// A store's path with the file that was opened by it.
pub(super) struct Place<'a>(&'a Path, Option<&'a Held>);

impl<'a> Place<'a> {
    pub(super) fn of(path: &'a Path, held: Option<&'a Held>) -> Self {
        Self(path, held)
    }

    /// Whether the file is still at its path. A file that was moved or replaced is no longer the store: what is written
    /// to it is lost, and its keys may have been revoked in the other.
    pub(super) fn confirm(&self) -> Result<()> {
        let Self(path, Some(held)) = self else {
            return Ok(());
        };
        // By its whole path, as SQLite opens it and as the next process will: its folder may have been moved too.
        match statat(CWD, *path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) if held.is(&Found::from(found)) => Ok(()),
            _ => Err(moved(path)),
        }
    }
}

impl Database {
    pub(in crate::store) fn confirm_place(&self) -> Result<()> {
        self.access.confirm(self.entry.as_ref())?;
        Place::of(&self.named, self.held.as_ref()).confirm()
    }

    pub(in crate::store) fn follow(&mut self) -> Result<bool> {
        if self.confirm_place().is_ok() {
            return Ok(false);
        }
        let (named, wait) = (std::mem::take(&mut self.named), self.wait);
        // SECURITY: closed before the other is opened. Both have the files beside the store by the same names, and a
        // process that closes a file loses its locks on it.
        *self = Self::gone(named, wait);
        *self = Self::open(&self.named, wait)?
            .ok_or_else(|| StorePlace::File(self.named.clone()).absent())?;
        Ok(true)
    }

    /// What is left of a store whose file is not in its place any more.
    fn gone(named: PathBuf, wait: Duration) -> Self {
        let mut store = Self::empty();
        store.access = Access::Gone(named.clone());
        store.named = named;
        store.wait = wait;
        store
    }
}
