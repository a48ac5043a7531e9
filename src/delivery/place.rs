//! The file of a sink: a name in a folder that is opened once, what already exists there, and a delivery into it that may have to
//! be taken back.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::{fmt, io};

use rustix::fs::{Access, AtFlags, Dev, FileType, Mode, accessat};
use rustix::io::Errno;

use super::before::Before;
use super::{failed, named, undelivered};
use crate::error::{Error, Result};
use crate::files::{Entry, Folder, Found, Unreachable};
use crate::signals::Interrupts;

/// The path of a sink's file. Its folder is opened with the first look at it: all that follows is done there, whatever is put
/// in the path's place meanwhile.
#[derive(Clone)]
pub struct Target {
    path: PathBuf,
    entry: Arc<OnceLock<Entry>>,
}

/// What identifies a file, however its path is written and whatever links lead to it: the last existing folder of the
/// path, and the names below it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whereabouts {
    folder: (Dev, u64),
    below: PathBuf,
}

impl<P: Into<PathBuf>> From<P> for Target {
    fn from(path: P) -> Self {
        Self { path: path.into(), entry: Arc::default() }
    }
}

impl AsRef<Path> for Target {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(formatter)
    }
}

impl Target {
    pub(super) fn named(&self) -> String {
        named(&self.path)
    }

    pub(super) fn entry(&self) -> Result<&Entry> {
        self.entry_if_possible()?.ok_or_else(|| {
            let folder = named(folder_of(&self.path));
            failed(format!("cannot use the folder {folder}"), Errno::NOENT)
                .hinted("name a file in a folder that exists")
        })
    }

    /// The same, or `None` where the folder does not exist.
    fn entry_if_possible(&self) -> Result<Option<&Entry>> {
        if let Some(entry) = self.entry.get() {
            return Ok(Some(entry));
        }
        if self.path.file_name().is_none() || self.path.as_os_str().as_bytes().ends_with(b"/") {
            let message = format!("{} does not name a file", self.named());
            return Err(undelivered(message));
        }
        match Folder::open(folder_of(&self.path), Folder::check_sink) {
            Ok(folder) => Ok(Some(self.keep(folder)?)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(self.unreachable(error)),
        }
    }

    fn keep(&self, folder: Folder) -> Result<&Entry> {
        folder.check_sink()?;
        let name = self.path.file_name().unwrap_or_default();
        Ok(self.entry.get_or_init(|| Entry::new(folder, name)))
    }

    fn unreachable(&self, error: Unreachable) -> Error {
        match error {
            Unreachable::Refused(error) => error,
            Unreachable::Failed(path, error) if error.kind() == io::ErrorKind::NotADirectory => {
                let message = format!("{} is not a folder", named(&path));
                undelivered(message)
            }
            Unreachable::Failed(path, error) => {
                failed(format!("cannot use the folder {}", named(&path)), error)
            }
        }
    }

    /// Refuses a path in whose folder no file can be created.
    pub(super) fn check_folder(&self) -> Result<()> {
        let folder = self.entry()?.folder();
        // Read, because it is synced at the end.
        let how = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
        accessat(folder.descriptor(), ".", how, AtFlags::empty()).map_err(|error| {
            let name = named(folder_of(&self.path));
            failed(format!("cannot create a file in the folder {name}"), error)
        })
    }

    /// What identifies the file.
    pub(super) fn whereabouts(&self) -> Result<Whereabouts> {
        let mut below = PathBuf::from(self.path.file_name().unwrap_or_default());
        let mut folder = folder_of(&self.path);
        loop {
            match Folder::open(folder, |_| Ok(())) {
                Ok(opened) => {
                    let found = Found::of(opened.descriptor());
                    let found = found.map_err(|error| {
                        failed(format!("cannot look at {}", named(folder)), error)
                    })?;
                    let folder = found.identity();
                    return Ok(Whereabouts { folder, below });
                }
                Err(error) => match folder.file_name() {
                    Some(name) if error.is_missing() => {
                        below = Path::new(name).join(below);
                        folder = folder_of(folder);
                    }
                    _ => return Err(self.unreachable(error)),
                },
            }
        }
    }

    pub(super) fn lacks_folder(&self) -> bool {
        matches!(self.entry_if_possible(), Ok(None))
    }

    /// Makes its folder, and those above it, of mode 0700, where they do not exist.
    pub(super) fn make_folder(&self) -> Result<()> {
        if !self.lacks_folder() {
            return Ok(());
        }
        match Folder::make(folder_of(&self.path), Folder::check_sink) {
            Ok(folder) => self.keep(folder).map(drop),
            Err(Unreachable::Failed(path, error)) => {
                Err(failed(format!("cannot make the folder {}", named(&path)), error))
            }
            Err(error) => Err(self.unreachable(error)),
        }
    }

    /// The existing regular file, or `None`; refuses symbolic links and everything else.
    pub(super) fn look(&self) -> Result<Option<Found>> {
        let Some(entry) = self.entry_if_possible()? else {
            return Ok(None);
        };
        let name = self.named();
        let found = entry.look();
        let found = found.map_err(|error| failed(format!("cannot look at {name}"), error))?;
        let refused = |what| undelivered(format!("{name} {what}"));
        match found.map(|found| found.kind()) {
            None | Some(FileType::RegularFile) => Ok(found),
            Some(FileType::Symlink) => {
                Err(refused("is a symbolic link").hinted("name the file itself instead"))
            }
            Some(_) => Err(refused("is not a regular file")),
        }
    }

    /// What the file was before, or `None` if it did not exist.
    pub(super) fn read(&self) -> Result<Option<Before>> {
        if self.look()?.is_none() {
            return Ok(None);
        }
        let before = Before::read(self.entry()?);
        let before = before.map_err(|error| failed(format!("cannot read {}", self.named()), error));
        before.map(Some)
    }

    /// Refuses to replace another user's file, unless root does, who can keep its owner.
    pub(super) fn check_owner(&self, found: &Found) -> Result<()> {
        let user = rustix::process::geteuid();
        if user.is_root() || found.owner() == user.as_raw() {
            Ok(())
        } else {
            Err(undelivered(format!("{} belongs to another user", self.named())))
        }
    }

    /// Refuses a file that another one cannot take the place of, because something is mounted there.
    pub(super) fn check_replaceable(&self) -> Result<()> {
        match self.mounts()? {
            Some((file, folder)) if file != folder => Err(undelivered(format!(
                "{} is mounted as a single file, which cannot be replaced",
                self.named()
            ))
            .hinted("mount its folder instead, or name a file in another folder")),
            _ => Ok(()),
        }
    }

    /// The mounts that the file and its folder lie in, where the system says so (Linux 5.8).
    #[cfg(target_os = "linux")]
    fn mounts(&self) -> Result<Option<(u64, u64)>> {
        use std::ffi::OsStr;

        use rustix::fs::{AtFlags, StatxFlags, statx};

        let entry = self.entry()?;
        let mount = |name: &OsStr| {
            let how = AtFlags::SYMLINK_NOFOLLOW;
            let found = statx(entry.folder().descriptor(), name, how, StatxFlags::MNT_ID).ok()?;
            let is_told = found.stx_mask & StatxFlags::MNT_ID.bits() != 0;
            is_told.then_some(found.stx_mnt_id)
        };
        Ok(mount(entry.name()).zip(mount(".".as_ref())))
    }

    #[cfg(not(target_os = "linux"))]
    fn mounts(&self) -> Result<Option<(u64, u64)>> {
        Ok(None)
    }

    /// Warns about an existing file that users with one of these permission bits can read.
    pub(super) fn warn_of_readers(&self, readers: Mode) -> Vec<String> {
        match self.look() {
            Ok(Some(found)) if found.permissions().intersects(readers) => {
                let (name, mode) = (self.named(), found.mode());
                vec![format!("{name} can be read by other users (mode {mode:04o})")]
            }
            _ => Vec::new(),
        }
    }

    /// Syncs the folder, so that the file's name survives a power failure too.
    pub(super) fn sync(&self) -> Result<()> {
        self.entry()?.folder().sync().map_err(|error| {
            let name = named(folder_of(&self.path));
            failed(format!("cannot sync the folder {name}"), error)
        })
    }
}

/// The folder in a path; what is left before a bare name is the working folder.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A delivery into a file, which can be taken back.
pub struct Placed {
    target: Target,
    undo: Box<dyn FnOnce() -> Result<()>>,
}

impl Placed {
    /// What was delivered into this file, and how that is taken back.
    pub(super) fn new(target: &Target, undo: impl FnOnce() -> Result<()> + 'static) -> Self {
        Self { target: target.clone(), undo: Box::new(undo) }
    }

    /// Syncs the folder, so that the name survives a power failure. An interrupt that arrived meanwhile undoes
    /// everything. If that fails, the file is unchanged, or the hint says that it is not.
    pub(super) fn settle(self, interrupts: &Interrupts) -> Result<Self> {
        match self.target.sync().and_then(|()| interrupts.heed()) {
            Ok(()) => Ok(self),
            Err(error) => Err(match self.take_back() {
                Ok(()) => error,
                Err(kept) => error.hinted(format!("{kept}, so it still contains the void secret")),
            }),
        }
    }

    /// Removes the secret from its file again, and nothing that somebody else has put there since.
    pub fn take_back(self) -> Result<()> {
        let Self { target, undo } = self;
        undo()?;
        target.sync()
    }
}
