//! Whether a store's file is still where it was opened, and going on with the one that took its place.
//!
//! This module never reads or writes a file that is not in its place any more.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, statat};

use super::Store;
use super::access::{Access, moved};
use super::header::Held;
use crate::domain::sanitize::SafePath;
use crate::error::{Error, Kind, Result};
use crate::files::Found;

/// A store's path with the file that was opened by it.
pub(super) struct Place<'a>(&'a Path, Option<&'a Held>);

impl<'a> Place<'a> {
    pub(super) fn of(path: &'a Path, held: Option<&'a Held>) -> Self {
        Self(path, held)
    }

    /// Whether the file is there. One that was moved or replaced is nobody's store any more: what is written to it is lost, and
    /// what is read from it may have been revoked in the other.
    ///
    /// # Errors
    /// `io` when it is not.
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

impl Store {
    /// Checks that the file is still in its place: one look at the folder.
    ///
    /// # Errors
    /// `io` when it is not.
    pub(crate) fn confirm_place(&self) -> Result<()> {
        self.access.confirm(self.entry.as_ref())?;
        Place::of(&self.named, self.held.as_ref()).confirm()
    }

    /// Goes on with the file that is in the store's place now, if that is another than the one that was opened. Says
    /// whether it is.
    ///
    /// # Errors
    /// `store_not_found`, and what opening gives. Nothing can be read or written then until another call succeeds.
    pub(crate) fn follow(&mut self) -> Result<bool> {
        if self.confirm_place().is_ok() {
            return Ok(false);
        }
        let (named, wait) = (std::mem::take(&mut self.named), self.wait);
        // SECURITY: closed before the other is opened. Both have the files beside the store by the same names, and a
        // process that closes a file loses its locks on it.
        *self = Self::gone(named, wait);
        *self = Self::open(&self.named, wait)?.ok_or_else(|| absent(&self.named))?;
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

/// The error of a store that is not there.
pub fn absent(path: &Path) -> Error {
    Error::new(
        Kind::StoreNotFound,
        format!("there is no store at {}", SafePath(path)),
    )
    .hinted("`keyward store create` makes an empty one; --store and KEYWARD_STORE name another")
}
