//! A folder that is opened once, and the way to it.
//!
//! This module never resolves a path again: what is above an open folder is known by what was found on the way.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat, readlinkat};
use rustix::io::Errno;

use super::{Found, named, safety};
use crate::error::{Error, Kind};

/// A folder needs not be readable for what is done below it.
#[cfg(any(target_os = "linux", target_os = "android"))]
const SEARCHED: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SEARCHED: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Linux follows as many links on the way to one file (path_resolution(7)).
const MOST_LINKS: usize = 40;

#[derive(Debug)]
pub(crate) struct Folder {
    descriptor: OwnedFd,
    /// Its path without links; it begins in the working folder if that was asked for.
    path: PathBuf,
    /// What was found of this folder and of those above it that were walked through, the topmost first.
    found: Vec<Found>,
    /// Whether the trusted folder is above it.
    is_in_trusted: bool,
    /// Whether nobody else could have replaced any of these with another folder.
    is_fixed: bool,
}

/// Why a folder cannot be opened.
#[derive(Debug)]
pub(crate) enum Unreachable {
    /// It would not be safe.
    Refused(Error),
    /// The file system says no, at this path.
    Failed(PathBuf, io::Error),
}

impl Unreachable {
    /// Whether the folder or one above it does not exist.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Failed(_, error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl Folder {
    /// Opens a folder. An empty path is the working folder.
    ///
    /// SECURITY: each folder on the way is opened below the one before. A link is followed only where nobody but this user
    /// and root can change what is in the folder, and could not have put another folder in its place: elsewhere its target
    /// is theirs to choose.
    ///
    /// Where it does not exist, `check` looks at the last one above it that does.
    pub(crate) fn open(
        path: &Path,
        check: impl Fn(&Self) -> crate::error::Result<()>,
    ) -> Result<Self, Unreachable> {
        Self::walk(path, |folder, name| {
            check(folder).map_err(Unreachable::Refused)?;
            let path = folder.path.join(name);
            Err(Unreachable::Failed(path, Errno::NOENT.into()))
        })
    }

    /// Opens a folder and makes those that do not exist, with mode 0700. `check` looks at the last one that exists before the
    /// first is made.
    pub(crate) fn make(
        path: &Path,
        check: impl Fn(&Self) -> crate::error::Result<()>,
    ) -> Result<Self, Unreachable> {
        Self::walk(path, |folder, name| {
            check(folder).map_err(Unreachable::Refused)?;
            let made = match mkdirat(&folder.descriptor, name, Mode::RWXU) {
                // Another process has made it meanwhile.
                Err(Errno::EXIST) => Ok(()),
                made => made.map_err(io::Error::from),
            };
            made.and_then(|()| folder.sync())
                .map_err(|error| Unreachable::Failed(folder.path.join(name), error))
        })
    }

    fn walk(
        path: &Path,
        mut missing: impl FnMut(&Self, &OsStr) -> Result<(), Unreachable>,
    ) -> Result<Self, Unreachable> {
        let start = if path.is_absolute() { "/" } else { "." };
        let mut folder = Self::begin(start)?;
        let mut rest = names(path);
        let mut links = 0;
        while let Some(name) = rest.pop_front() {
            let here = folder.path.join(&name);
            let failed = |error: Errno| Unreachable::Failed(here.clone(), error.into());
            // One that was moved has another folder above it.
            if name == ".." && !folder.is_fixed {
                return Err(Unreachable::Refused(refused(
                    &here,
                    "leads out of a folder that others can move",
                    "name the folder without ..",
                )));
            }
            let flags = SEARCHED | OFlags::NOFOLLOW;
            match openat(&folder.descriptor, &name, flags, Mode::empty()) {
                Ok(next) => folder.enter(next, &name).map_err(failed)?,
                Err(Errno::NOENT) => {
                    missing(&folder, &name)?;
                    rest.push_front(name);
                }
                Err(Errno::NOTDIR | Errno::LOOP) => {
                    let target = match readlinkat(&folder.descriptor, &name, Vec::new()) {
                        Ok(target) => PathBuf::from(OsStr::from_bytes(target.as_bytes())),
                        // Not a link.
                        Err(Errno::INVAL) => return Err(failed(Errno::NOTDIR)),
                        Err(error) => return Err(failed(error)),
                    };
                    if !folder.is_fixed || folder.can_be_changed() {
                        return Err(Unreachable::Refused(refused(
                            &here,
                            "is a symbolic link in a folder that others can change",
                            "name the folder itself instead",
                        )));
                    }
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(failed(Errno::LOOP));
                    }
                    if target.is_absolute() {
                        folder = Self::begin("/")?;
                    }
                    for name in names(&target).into_iter().rev() {
                        rest.push_front(name);
                    }
                }
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(folder)
    }

    fn begin(path: &str) -> Result<Self, Unreachable> {
        let failed = |error: Errno| Unreachable::Failed(path.into(), error.into());
        let descriptor = openat(CWD, path, SEARCHED, Mode::empty()).map_err(failed)?;
        let found =
            Found::of(&descriptor).map_err(|error| Unreachable::Failed(path.into(), error))?;
        Ok(Self {
            is_in_trusted: safety::is_trusted(&found),
            descriptor,
            path: if path == "." { PathBuf::new() } else { path.into() },
            found: vec![found],
            is_fixed: true,
        })
    }

    fn enter(&mut self, next: OwnedFd, name: &OsStr) -> rustix::io::Result<()> {
        let found = Found::from(rustix::fs::fstat(&next)?);
        // In a sticky folder others can add folders, but not replace those of this user or root.
        let is_sticky = self.last().mode() & 0o1000 != 0;
        self.is_fixed &= !self.can_be_changed() || is_sticky && safety::is_own(&found);
        match name == ".." && self.path.file_name().is_some() {
            true => {
                self.path.pop();
                self.found.pop();
            }
            // The root is above itself.
            false if name == ".." && self.path == Path::new("/") => {}
            false => {
                self.path.push(name);
                self.found.push(found);
            }
        }
        self.is_in_trusted = self.found.iter().any(safety::is_trusted);
        self.descriptor = next;
        Ok(())
    }

    /// Whether somebody other than this user and root can change what is in it.
    fn can_be_changed(&self) -> bool {
        !safety::is_own(self.last()) || self.writers(self.found.len() - 1) != safety::Writers::Owner
    }

    /// Who can change what is in this folder (the last) or in one above it.
    fn writers(&self, at: usize) -> safety::Writers {
        let above = &self.found[..at];
        let is_below = above.iter().any(safety::is_trusted);
        safety::writers(&self.found[at], is_below, || self.has_list(at))
    }

    /// Whether anybody besides its owner, its group and everybody has permissions of their own. Unknown means yes.
    fn has_list(&self, at: usize) -> bool {
        let mut way = PathBuf::from(".");
        for _ in at + 1..self.found.len() {
            way.push("..");
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(opened) = openat(&self.descriptor, &way, flags, Mode::empty()) else {
            return true;
        };
        let is_same =
            Found::of(&opened).is_ok_and(|found| found.identity() == self.found[at].identity());
        let list = rustix::fs::fgetxattr(&opened, super::ACCESS_LIST, &mut [0_u8; 1]);
        !is_same || !matches!(list, Err(Errno::NODATA | Errno::NOTSUP | Errno::NOSYS))
    }

    fn last(&self) -> &Found {
        self.found.last().expect("a walk begins with a folder")
    }

    /// Refuses a folder that everybody can write to: anybody could swap the files in it.
    #[cfg(feature = "cli")]
    pub(crate) fn check_sink(&self) -> crate::error::Result<()> {
        let at = self.found.len() - 1;
        match self.writers(at) {
            safety::Writers::Everybody if self.last().mode() & 0o1000 == 0 => {
                Err(safety::refused_folder(&self.shown(), self.last(), safety::Writers::Everybody))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a folder in which, or above which, anybody else could replace a file or a folder with another.
    pub(crate) fn check_all(&self) -> crate::error::Result<()> {
        for (at, path) in (0..self.found.len()).rev().zip(self.path.ancestors()) {
            let found = &self.found[at];
            if !safety::is_own(found) {
                return Err(safety::refused_owner(path));
            }
            let writers = self.writers(at);
            // A sticky folder such as /tmp lets others add files but not replace ours.
            if writers != safety::Writers::Owner && found.mode() & 0o1000 == 0 {
                return Err(safety::refused_folder(path, found, writers));
            }
        }
        Ok(())
    }

    /// Makes the names in it outlive a power failure. Some file systems cannot, and say so.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match openat(&self.descriptor, ".", flags, Mode::empty()).and_then(super::sync) {
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn descriptor(&self) -> &OwnedFd {
        &self.descriptor
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is the trusted folder or below it.
    pub(crate) fn is_in_trusted(&self) -> bool {
        self.is_in_trusted
    }

    #[cfg(feature = "cli")]
    pub(crate) fn shown(&self) -> PathBuf {
        // A relative path gets a prefix, so that it is not taken for an option; an absolute one is not changed.
        Path::new(".").join(&self.path)
    }
}

fn names(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|component| matches!(component, Component::Normal(_) | Component::ParentDir))
        .map(|component| component.as_os_str().to_owned())
        .collect()
}

fn refused(path: &Path, why: &str, hint: &str) -> Error {
    Error::new(Kind::Permissions, format!("{} {why}", named(path))).hinted(hint)
}
