//! Safe files: folders that are opened once, files that are made private, locked, and given their name in one step.
//!
//! Everything that keyward creates, locks or replaces goes through here, for the store and for deliveries alike. A folder is
//! opened by `Folder`, which walks to it; each later step is a call below that descriptor, so nothing that is
//! swapped on the way matters any more.
//!
//! This module never depends on a file's content, and never follows a link that somebody else could have created.

mod draft;
mod entry;
mod folder;
mod safety;

pub(crate) use draft::{Draft, lock};
pub(crate) use entry::Entry;
pub(crate) use folder::{Folder, Unreachable};
pub use safety::trust_folder;
pub(crate) use safety::{Found, check_file, kind_of, trusted_folder};

use std::os::fd::AsFd;
use std::path::Path;

use crate::domain::sanitize::SafePath;

/// The attribute that holds a file's access control list (acl(5)).
pub(crate) const ACCESS_LIST: &str = "system.posix_acl_access";

/// Waits until a file is on the disk.
#[cfg(not(target_vendor = "apple"))]
pub(crate) fn sync(file: impl AsFd) -> rustix::io::Result<()> {
    rustix::fs::fsync(file)
}

/// Waits until a file is on the disk. Apple's `fsync` leaves it in the disk's own memory (fsync(2)); a file system that does
/// not have the other call has this one.
#[cfg(target_vendor = "apple")]
pub(crate) fn sync(file: impl AsFd) -> rustix::io::Result<()> {
    rustix::fs::fcntl_fullfsync(&file).or_else(|_| rustix::fs::fsync(&file))
}

/// A path as messages show it: quoted, and harmless to a terminal.
pub(crate) fn named(path: &Path) -> String {
    format!("\"{}\"", SafePath(path))
}
