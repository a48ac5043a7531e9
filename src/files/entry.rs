//! A name in an open folder, and the file that may have it.
//!
//! This module never looks above the folder, and never follows a link.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RenameFlags, fchmod, linkat, openat, renameat, renameat_with,
    statat, unlinkat,
};
use rustix::io::Errno;

use super::{Folder, Found, check_file, kind_of, named};
use crate::domain::sanitize::QuotedPath;
use crate::error::{Error, Kind, Result};

/// 0600.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A name in an open folder. No link is followed at it, and no pipe waited for.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    folder: Arc<Folder>,
    path: PathBuf,
}

impl Entry {
    pub(crate) fn new(folder: Folder, name: &OsStr) -> Self {
        Self { path: folder.path().join(name), folder: Arc::new(folder) }
    }

    pub(crate) fn sibling(&self, name: &OsStr) -> Self {
        Self { path: self.path.with_file_name(name), folder: Arc::clone(&self.folder) }
    }

    /// The name with this at its end.
    pub(crate) fn beside(&self, suffix: &str) -> Self {
        let mut name = OsString::from(self.name());
        name.push(suffix);
        self.sibling(&name)
    }

    /// The path without links in it. A store's engine opens by that, and messages show it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(crate) fn name(&self) -> &OsStr {
        self.path.file_name().expect("it was made of a name")
    }

    /// What has the name, a link itself included.
    pub(crate) fn look(&self) -> io::Result<Option<Found>> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        match statat(self.folder.descriptor(), self.name(), flags).map(Found::from) {
            // Without a name left it is gone: another process, closing the store, removed it at this very moment.
            Ok(found) if found.names() == 0 => Ok(None),
            Ok(found) => Ok(Some(found)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether this open file has the name.
    pub(crate) fn is(&self, file: &File) -> bool {
        match (self.look(), Found::of(file)) {
            (Ok(Some(found)), Ok(own)) => found.identity() == own.identity(),
            _ => false,
        }
    }

    pub(crate) fn open(&self, how: OFlags) -> io::Result<File> {
        self.open_with(how, Mode::empty())
    }

    fn open_with(&self, how: OFlags, mode: Mode) -> io::Result<File> {
        let flags = how | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(openat(self.folder.descriptor(), self.name(), flags, mode)?.into())
    }

    /// Makes a file that has this name, which nothing may have, of mode 0600.
    pub(crate) fn create(&self, how: OFlags) -> io::Result<File> {
        let file = self.make(how)?;
        make_private(&file)?;
        Ok(file)
    }

    fn make(&self, how: OFlags) -> io::Result<File> {
        self.open_with(how | OFlags::CREATE | OFlags::EXCL, PRIVATE)
    }

    /// Opens what has the name, or makes it. Says whether it was made: it is still to be made private, by whoever has locked it if
    /// it may be given another name.
    pub(crate) fn open_or_create(&self, how: OFlags) -> io::Result<(File, bool)> {
        loop {
            match self.make(how) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return Ok((made?, true)),
            }
            match self.open(how) {
                // It was removed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                opened => return Ok((opened?, false)),
            }
        }
    }

    /// Opens one of the files beside a store, or makes it, and checks it as the store is.
    pub(crate) fn open_own(&self, how: OFlags) -> Result<File> {
        let refused = |error: io::Error| self.refused("open", error);
        if let Some(found) = self.look().map_err(refused)? {
            // A pipe that nobody reads cannot be opened for writing, and would be no better if it could.
            self.check_own(&found)?;
        }
        let (file, is_new) = self.open_or_create(how).map_err(refused)?;
        if is_new {
            make_private(&file).map_err(refused)?;
        }
        self.check_own(&Found::of(&file).map_err(refused)?)?;
        Ok(file)
    }

    /// Checks what was found under the name, as a store's file.
    pub(crate) fn check(&self, found: &Found) -> Result<()> {
        check_file(&self.path, found, self.folder.is_in_trusted())
    }

    /// Checks what was found under the name, as a file that keyward keeps beside a store and makes again when it is gone.
    pub(crate) fn check_own(&self, found: &Found) -> Result<()> {
        let remove = match found.kind() {
            FileType::Directory => "rmdir",
            _ => "rm",
        };
        self.check(found).map_err(|error| {
            if found.is_file() && found.names() == 1 {
                error
            } else {
                error
                    .as_kind(Kind::Permissions)
                    .hinted(format!("{remove} {}", QuotedPath(&self.path)))
            }
        })
    }

    /// Removes the name. Says whether something had it.
    pub(crate) fn remove(&self) -> io::Result<bool> {
        match unlinkat(self.folder.descriptor(), self.name(), AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives what has this name another, whatever had that.
    pub(crate) fn rename(&self, to: &Self) -> io::Result<()> {
        let (from, folder) = (self.folder.descriptor(), to.folder.descriptor());
        Ok(renameat(from, self.name(), folder, to.name())?)
    }

    /// Gives what has this name another, which nothing may have.
    pub(crate) fn rename_new(&self, to: &Self) -> io::Result<()> {
        let (from, folder) = (self.folder.descriptor(), to.folder.descriptor());
        let flags = RenameFlags::NOREPLACE;
        match renameat_with(from, self.name(), folder, to.name(), flags) {
            // Not every file system supports this; linking is as safe, in two steps.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                linkat(from, self.name(), folder, to.name(), AtFlags::empty())?;
                match self.remove() {
                    Ok(_) => Ok(()),
                    // The second step did not work, so the first is undone.
                    Err(error) => to.remove().and(Err(error)),
                }
            }
            renamed => Ok(renamed?),
        }
    }

    /// A failure of the file system's, in words.
    pub(crate) fn refused(&self, what: &str, error: io::Error) -> Error {
        let message = format!("cannot {what} {}", named(&self.path));
        Error::new(kind_of(&error), message).because(error)
    }
}

/// Makes a file that was just made its owner's alone, before anything is in it.
///
/// SECURITY: a folder's default access control list gives each new file a list of its own, whose mask a later change of the
/// mode would raise. So it goes.
pub(super) fn make_private(file: &File) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    match rustix::fs::fremovexattr(file, super::ACCESS_LIST) {
        Ok(()) | Err(Errno::NODATA | Errno::NOTSUP | Errno::NOSYS) => {}
        Err(error) => return Err(error.into()),
    }
    // The umask may have taken the owner's own permissions away.
    Ok(fchmod(file, PRIVATE)?)
}
