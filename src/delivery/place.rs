//! The place a sink's file has or will have: its folder, and what is there already.
//!
//! This module never creates, changes or removes a file.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access, Mode, OFlags, access, fsync, open};
use rustix::io::Errno;

use super::{failed, named};
use crate::error::{Error, Kind, Result};

/// Refuses a path in whose folder no file can be created.
pub(super) fn check_folder(path: &Path) -> Result<()> {
    if path.file_name().is_none() || path.as_os_str().as_bytes().ends_with(b"/") {
        return Err(Error::new(
            Kind::DeliveryFailed,
            format!("{} does not name a file", named(path)),
        ));
    }
    let folder = folder_of(path);
    let name = named(folder);
    let metadata = fs::metadata(folder).map_err(|error| {
        failed(format!("cannot use the folder {name}"), error)
            .hinted("name a file in a folder that exists")
    })?;
    if !metadata.is_dir() {
        return Err(Error::new(
            Kind::DeliveryFailed,
            format!("{name} is not a folder"),
        ));
    }
    access(folder, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| failed(format!("cannot create a file in the folder {name}"), error))
}

/// The file's metadata, or `None` if nothing is there; refuses symbolic links and all that is not a regular file.
pub(super) fn regular_file(path: &Path) -> Result<Option<fs::Metadata>> {
    let name = named(path);
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(format!("cannot look at {name}"), error)),
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(found) if found.is_symlink() => Err(Error::new(
            Kind::DeliveryFailed,
            format!("{name} is a symbolic link"),
        )
        .hinted("name the file itself instead")),
        Ok(_) => Err(Error::new(
            Kind::DeliveryFailed,
            format!("{name} is not a regular file"),
        )),
    }
}

/// Refuses to replace another user's file, unless root does, who can keep its owner.
pub(super) fn check_owner(path: &Path, found: &fs::Metadata) -> Result<()> {
    let user = rustix::process::geteuid();
    match user.is_root() || found.uid() == user.as_raw() {
        true => Ok(()),
        false => Err(Error::new(
            Kind::DeliveryFailed,
            format!("{} belongs to another user", named(path)),
        )),
    }
}

/// Warns of a file that is there and that other users can read.
pub(super) fn warn_of_readers(path: &Path) -> Vec<String> {
    match regular_file(path) {
        Ok(Some(found)) if found.mode() & 0o044 != 0 => {
            let mode = found.mode() & 0o7777;
            let name = named(path);
            vec![format!(
                "{name} can be read by other users (mode {mode:04o})"
            )]
        }
        _ => Vec::new(),
    }
}

/// Syncs the folder that holds this path, so that the file's name survives a power failure too.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    let synced = open(
        folder,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .and_then(fsync);
    match synced {
        // Some file systems cannot sync a folder, and say so with this.
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(error) => Err(failed(
            format!("cannot sync the folder {}", named(folder)),
            error,
        )),
    }
}

pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
