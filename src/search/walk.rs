//! Files and folders.
//!
//! This module never opens a file through a link, unless the link itself was named, and never opens anything but regular files.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dev, Dir, FileType, Mode, OFlags, fstat, fstatfs, openat, readlinkat, statat,
};
use rustix::io::Errno;

use super::Search;
use crate::domain::SafePath;
use crate::domain::glob::Glob;
use crate::domain::scan::Location;
use crate::error::Result;

/// How deep folders may be inside each other.
const DEEPEST: usize = 4096;
/// How much of a path is resolved in one call: Linux takes 4,096 bytes.
const LONGEST_PATH: usize = 2048;
/// File systems that are not files (statfs(2)): proc, sysfs, debugfs, tracefs, cgroup, cgroup2, securityfs.
const NO_FILES: [u64; 7] =
    [0x9fa0, 0x6265_6572, 0x6462_6720, 0x7472_6163, 0x27_e0eb, 0x6367_7270, 0x7363_6673];

const FOLDER: OFlags =
    OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);
/// No link, no terminal, and no waiting for whoever has the other end of a pipe.
const FILE: OFlags =
    OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// What of folders is searched.
#[derive(Debug, Default)]
pub struct Folders {
    pub exclude: Vec<Glob>,
    /// Whether what git ignores is searched too.
    pub all_files: bool,
}

pub(super) struct Root<'a> {
    pub folder: OwnedFd,
    /// As it was named.
    pub path: &'a Path,
    pub folders: &'a Folders,
    /// Files with several names that were read already.
    seen: BTreeSet<(Dev, u64)>,
}

impl Search<'_> {
    /// Searches a file or a folder that was named.
    pub fn path(&mut self, path: &Path, folders: &Folders) -> Result<()> {
        // A name that was given may be a link: it was meant.
        let found = match statat(CWD, path, AtFlags::empty()) {
            Ok(found) => found,
            Err(error) => {
                self.coverage.lacks(format!("cannot read {}: {}", SafePath(path), why(error)));
                return Ok(());
            }
        };
        match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => {
                let opened = openat(CWD, path, FILE.difference(OFlags::NOFOLLOW), Mode::empty());
                let location = Location { path: Some(bytes(path)), ..Location::default() };
                self.opened(opened, location, &mut BTreeSet::new())
            }
            FileType::Directory => {
                let flags = FOLDER.difference(OFlags::NOFOLLOW);
                match openat(CWD, path, flags, Mode::empty()) {
                    Ok(folder) => {
                        let seen = BTreeSet::new();
                        self.folder(&mut Root { folder, path, folders, seen })
                    }
                    Err(error) => {
                        self.coverage.lacks(format!(
                            "cannot read {}: {}",
                            SafePath(path),
                            why(error)
                        ));
                        Ok(())
                    }
                }
            }
            _ => {
                self.coverage.lacks(format!(
                    "{} is neither a file nor a folder; - reads stdin",
                    SafePath(path)
                ));
                Ok(())
            }
        }
    }

    fn folder(&mut self, root: &mut Root<'_>) -> Result<()> {
        if !root.folders.all_files && self.work_tree(root)? {
            return Ok(());
        }
        self.walk(root, PathBuf::new())
    }

    /// Searches one file below a root, or a folder that is a repository of its own.
    pub(super) fn file_below(&mut self, root: &mut Root<'_>, path: &Path) -> Result<()> {
        if root.folders.leaves_out(path) {
            return Ok(());
        }
        let name = path.as_os_str().as_bytes();
        let shown = self.name(name, |shown| at(root, Path::new(OsStr::from_bytes(&shown))))?;
        let location = at(root, Path::new(OsStr::from_bytes(&shown)));
        match statat(&root.folder, path, AtFlags::SYMLINK_NOFOLLOW) {
            // Git lists what was removed from the work tree too.
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(()),
            Err(error) => {
                self.lacks(&location, &why(error));
                Ok(())
            }
            Ok(found) => match FileType::from_raw_mode(found.st_mode) {
                FileType::RegularFile => {
                    let opened = openat(&root.folder, path, FILE, Mode::empty());
                    self.opened(opened, location, &mut root.seen)
                }
                FileType::Symlink => match readlinkat(&root.folder, path, []) {
                    Ok(target) => self.text(target.as_bytes(), &location),
                    Err(_) => Ok(()),
                },
                FileType::Directory => self.path(&root.path.join(path), root.folders),
                _ => Ok(()),
            },
        }
    }

    /// Searches everything below a folder, by a stack of its own.
    pub(super) fn walk(&mut self, root: &mut Root<'_>, start: PathBuf) -> Result<()> {
        let device = fstat(&root.folder).map(|found| found.st_dev).unwrap_or_default();
        let mut waiting = vec![(start, PathBuf::new(), 0, device)];
        while let Some((path, shown, depth, device)) = waiting.pop() {
            let folder = match descend(root.folder.as_fd(), &path) {
                Ok(folder) => folder,
                Err(error) => {
                    self.lacks(&at(root, &shown), &why(error));
                    continue;
                }
            };
            let own = fstat(&folder).map(|found| found.st_dev).unwrap_or(device);
            if (own != device || depth == 0) && holds_no_files(&folder) {
                continue;
            }
            let mut inner = Vec::new();
            let names = match entries(&folder) {
                Ok(names) => names,
                Err(error) => {
                    self.lacks(&at(root, &shown), &why(error));
                    continue;
                }
            };
            for (name, kind) in names {
                let path = path.join(OsStr::from_bytes(&name));
                if root.folders.leaves_out(&path) || name == b".git" {
                    continue;
                }
                let parent = shown.clone();
                let masked =
                    self.name(&name, |masked| at(root, &parent.join(OsStr::from_bytes(&masked))))?;
                let shown = shown.join(OsStr::from_bytes(&masked));
                match kind {
                    FileType::Directory if depth == DEEPEST => {
                        self.lacks(&at(root, &shown), "it is too deep");
                    }
                    FileType::Directory => inner.push((path, shown, depth + 1, own)),
                    FileType::RegularFile => {
                        let opened = openat(&folder, OsStr::from_bytes(&name), FILE, Mode::empty());
                        let location = at(root, &shown);
                        self.opened(opened, location, &mut root.seen)?;
                    }
                    FileType::Symlink => {
                        // What a link says is text as well.
                        if let Ok(target) = readlinkat(&folder, OsStr::from_bytes(&name), []) {
                            self.text(target.as_bytes(), &at(root, &shown))?;
                        }
                    }
                    _ => {}
                }
            }
            // The first of them is on top.
            waiting.extend(inner.into_iter().rev());
        }
        Ok(())
    }
}

impl Folders {
    pub(super) fn leaves_out(&self, path: &Path) -> bool {
        self.exclude.iter().any(|glob| glob.matches(path.as_os_str().as_bytes()))
    }
}

/// A place below a root as it is shown.
fn at(root: &Root<'_>, path: &Path) -> Location {
    let whole = match path.as_os_str().is_empty() {
        true => root.path.to_owned(),
        false => root.path.join(path),
    };
    let whole = whole.strip_prefix(".").map(Path::to_owned).unwrap_or(whole);
    Location { path: Some(bytes(&whole)), ..Location::default() }
}

fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}

pub(super) fn why(error: Errno) -> String {
    io::Error::from(error).to_string()
}

/// Opens a folder below another, in several steps where the path is long.
fn descend(root: std::os::fd::BorrowedFd<'_>, path: &Path) -> rustix::io::Result<OwnedFd> {
    let mut folder = openat(root, ".", FOLDER, Mode::empty())?;
    let mut step = PathBuf::new();
    for name in path {
        if step.as_os_str().len() + name.len() > LONGEST_PATH {
            folder = openat(&folder, &step, FOLDER, Mode::empty())?;
            step.clear();
        }
        step.push(name);
    }
    match step.as_os_str().is_empty() {
        true => Ok(folder),
        false => openat(&folder, &step, FOLDER, Mode::empty()),
    }
}

/// The names in a folder with what they are, sorted.
fn entries(folder: &OwnedFd) -> rustix::io::Result<Vec<(Vec<u8>, FileType)>> {
    let mut entries = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                let found = statat(folder, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
                FileType::from_raw_mode(found.st_mode)
            }
            kind => kind,
        };
        entries.push((name.to_vec(), kind));
    }
    entries.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    Ok(entries)
}

fn holds_no_files(folder: &OwnedFd) -> bool {
    #[expect(clippy::cast_sign_loss, reason = "it is a number by which file systems are known")]
    fstatfs(folder).is_ok_and(|found| NO_FILES.contains(&(found.f_type as u64 & 0xffff_ffff)))
}
