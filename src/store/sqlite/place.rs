//! Whether a store's file is still where it was opened, and going on with the one that took its place.
//!
//! This module never reads or writes a file that is not in its place any more.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, statat};

use super::Database;
use super::access::{Access, moved};
use super::header::Held;
use crate::error::Result;
use crate::files::Found;
use crate::store::Place as StorePlace;

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
