//! What the file system says of a file or folder.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::{Dev, FileType, Mode, Stat, fstat};

/// What was found under a name, or behind a descriptor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found(Stat);

impl From<Stat> for Found {
    fn from(stat: Stat) -> Self {
        Self(stat)
    }
}

impl Found {
    /// What is behind an open descriptor.
    pub(crate) fn of(file: impl AsFd) -> io::Result<Self> {
        Ok(Self(fstat(file)?))
    }

    /// What identifies this file among all existing ones.
    pub(crate) fn identity(&self) -> (Dev, u64) {
        (self.0.st_dev, self.0.st_ino)
    }

    pub(crate) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.0.st_mode)
    }

    /// The permissions with the sticky, setuid and setgid bits, as they are given to another file.
    pub(crate) fn permissions(&self) -> Mode {
        Mode::from_raw_mode(self.0.st_mode)
    }

    /// The same as a number.
    #[expect(clippy::useless_conversion, reason = "elsewhere it is narrower")]
    pub(crate) fn mode(&self) -> u32 {
        u32::from(self.permissions().as_raw_mode())
    }

    pub(crate) fn owner(&self) -> u32 {
        self.0.st_uid
    }

    pub(crate) fn group(&self) -> u32 {
        self.0.st_gid
    }

    #[expect(clippy::useless_conversion, reason = "elsewhere it is narrower")]
    pub(crate) fn names(&self) -> u64 {
        u64::from(self.0.st_nlink)
    }

    /// In bytes.
    pub(crate) fn length(&self) -> u64 {
        self.0.st_size.unsigned_abs()
    }

    /// When its content was last changed: seconds, and nanoseconds beyond them.
    pub(crate) fn modified(&self) -> (i64, i64) {
        (self.0.st_mtime, self.0.st_mtime_nsec as i64)
    }

    pub(crate) fn is_file(&self) -> bool {
        self.kind() == FileType::RegularFile
    }
}
