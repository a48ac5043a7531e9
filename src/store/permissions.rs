//! Who else could read or swap the store: the checks that come before it is opened.
//!
//! This module never changes a mode; it says which command would.

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::domain::sanitize::{QuotedPath, SafePath};
use crate::error::{Error, Kind, Result};

/// The files SQLite keeps beside a store.
pub(super) const SIDECARS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Checks the store's file, the files beside it and every folder above it. Says whether the file is there.
///
/// The rules are those OpenSSH has for private keys and their folders.
///
/// # Errors
/// `permissions` with the command that mends it, `io` when the file cannot be looked at.
pub(super) fn check(path: &Path) -> Result<bool> {
    let Some(metadata) = look(path)? else {
        return Ok(false);
    };
    check_file(path, &metadata)?;
    for suffix in SIDECARS {
        let sidecar = sidecar(path, suffix);
        if let Some(metadata) = look(&sidecar)? {
            check_file(&sidecar, &metadata)?;
        }
    }
    if let Some(folder) = path.parent() {
        check_folders(folder)?;
    }
    Ok(true)
}

/// Checks that nobody else can swap what is in this folder or any above it.
///
/// # Errors
/// `permissions`.
pub(super) fn check_folders(folder: &Path) -> Result<()> {
    let me = rustix::process::geteuid().as_raw();
    for folder in folder
        .ancestors()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        let Some(metadata) = look(folder)? else {
            continue;
        };
        let shown = SafePath(folder);
        if metadata.uid() != 0 && metadata.uid() != me {
            return Err(
                unsafe_permissions(format!("the folder {shown} belongs to another user")).hinted(
                    match me {
                        0 => AS_OWNER,
                        _ => "keep the store in a folder of your own with --store",
                    },
                ),
            );
        }
        // A sticky folder such as /tmp lets others add files but not replace ours.
        let mode = metadata.mode();
        if mode & 0o022 != 0 && mode & 0o1000 == 0 {
            return Err(unsafe_permissions(format!(
                "the folder {shown} can be changed by others (mode {:04o})",
                mode & 0o7777
            ))
            .hinted(format!("chmod go-w {}", QuotedPath(folder))));
        }
    }
    Ok(())
}

/// The path of a file beside the store.
pub(super) fn sidecar(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Looks at a path without following a link there.
pub(super) fn look(path: &Path) -> Result<Option<Metadata>> {
    match std::fs::symlink_metadata(path) {
        // Without a name left it is gone: SQLite, closing in another process, removed it at this very moment.
        Ok(metadata) if metadata.nlink() == 0 => Ok(None),
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let kind = kind_of(&error);
            Err(Error::new(kind, format!("cannot look at {}", SafePath(path))).because(error))
        }
    }
}

/// What kind of failure it is when the file system refuses.
pub(super) fn kind_of(error: &std::io::Error) -> Kind {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => Kind::Permissions,
        _ => Kind::Io,
    }
}

pub(super) fn check_file(path: &Path, metadata: &Metadata) -> Result<()> {
    let shown = SafePath(path);
    let kind = metadata.file_type();
    if kind.is_symlink() {
        return Err(unsafe_permissions(format!("{shown} is a symbolic link"))
            .hinted("name the file itself with --store"));
    }
    if kind.is_dir() {
        return Err(Error::usage(format!("{shown} is a folder")).hinted("--store names a file"));
    }
    if !kind.is_file() || kind.is_socket() {
        return Err(unsafe_permissions(format!("{shown} is not a regular file")));
    }
    let me = rustix::process::geteuid().as_raw();
    if metadata.uid() != me {
        return Err(
            unsafe_permissions(format!("{shown} belongs to another user")).hinted(match me {
                0 => AS_OWNER,
                _ => "run keyward as the store's owner",
            }),
        );
    }
    if metadata.nlink() != 1 {
        return Err(unsafe_permissions(format!(
            "{shown} has {} names (hard links)",
            metadata.nlink()
        ))
        .hinted("a store has one name; copy it to a new file"));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(unsafe_permissions(format!(
            "{shown} can be reached by others (mode {mode:04o})"
        ))
        .hinted(format!("chmod 600 {}", QuotedPath(path))));
    }
    Ok(())
}

/// What root can do. Files that root makes beside another user's store would keep its owner out of it.
const AS_OWNER: &str = "`keyward --as-owner` works on it as its owner";

fn unsafe_permissions(message: String) -> Error {
    Error::new(Kind::Permissions, message)
}
