//! Who else could read a file or change what is in a folder.
//!
//! This module never changes a mode; it says which command would. The rules are those that OpenSSH has for private keys and
//! their folders, and two for machines whose modes are not their user's choice: a group that is its owner's private one
//! counts as the owner, and the modes of a trusted folder are the orchestrator's.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{CWD, Dev, FileType, Mode, OFlags, openat};

use super::{Found, groups};
use crate::domain::sanitize::{QuotedPath, SafePath};
use crate::error::{Error, Kind, Result};

/// The folder that [`trust_folder`] named: its identity and its name.
static TRUSTED: OnceLock<((Dev, u64), PathBuf)> = OnceLock::new();

/// Leaves the permissions of this folder's group and of everybody, and those of the group for what is in it, unjudged: a volume
/// gets its modes from an orchestrator (Kubernetes: fsGroup, emptyDir). Owners are judged as elsewhere. The first call in
/// a process decides; a folder that does not exist is ignored.
pub fn trust_folder(path: &Path) {
    let opened = openat(CWD, path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let found = opened.map_err(io::Error::from).and_then(Found::of);
    if let Ok(found) = found {
        // A second call is documented to do nothing.
        let _ = TRUSTED.set((found.identity(), path.to_owned()));
    }
}

/// The trusted folder, as named.
pub(crate) fn trusted_folder() -> Option<&'static Path> {
    TRUSTED.get().map(|(_, path)| path.as_path())
}

pub(super) fn is_trusted(found: &Found) -> bool {
    TRUSTED.get().is_some_and(|(identity, _)| *identity == found.identity())
}

/// Whether it belongs to this user or to root, who can do anything anyway.
pub(super) fn is_own(found: &Found) -> bool {
    found.owner() == 0 || found.owner() == rustix::process::geteuid().as_raw()
}

/// Who can change what is in a folder, beside root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writers {
    Owner,
    Group,
    Everybody,
}

/// Who can change what is in a folder. `has_list` says whether there is an access control list, whose mask the bits of the
/// group then are.
pub(super) fn writers(
    found: &Found,
    is_below_trusted: bool,
    has_list: impl FnOnce() -> bool,
) -> Writers {
    let mode = found.mode();
    if is_trusted(found) {
        return Writers::Owner;
    }
    if mode & 0o002 != 0 {
        return Writers::Everybody;
    }
    if mode & 0o020 == 0 || is_below_trusted {
        return Writers::Owner;
    }
    if groups::is_private(found.owner(), found.group()) && !has_list() {
        Writers::Owner
    } else {
        Writers::Group
    }
}

pub(super) fn refused_owner(path: &Path) -> Error {
    let shown = SafePath(path);
    let message = format!("the folder {shown} belongs to another user");
    Error::new(Kind::Permissions, message).hinted(if rustix::process::geteuid().is_root() {
        AS_OWNER
    } else {
        "keep the store in a folder of your own with --store"
    })
}

pub(super) fn refused_folder(path: &Path, found: &Found, writers: Writers) -> Error {
    let shown = SafePath(path);
    let (who, bits) = match writers {
        Writers::Everybody => ("everybody", "go-w"),
        _ => ("its group", "g-w"),
    };
    let mode = found.mode();
    let message = format!("the folder {shown} can be changed by {who} (mode {mode:04o})");
    let me = rustix::process::geteuid();
    let change = format!("chmod {bits} {}", QuotedPath(path));
    let trust = format!("export KEYWARD_TRUSTED_FOLDER={}", QuotedPath(path));
    // A shell can run both unchanged.
    Error::new(Kind::Permissions, message).hinted(if me.is_root() || found.owner() == me.as_raw() {
        format!("{change} # or, where an orchestrator sets its mode: {trust}")
    } else {
        format!("{trust} # where an orchestrator sets its mode")
    })
}

/// Refuses a store's file that is not a regular one with one name, this user's own, that nobody else can reach.
pub(crate) fn check_file(path: &Path, found: &Found, is_in_trusted: bool) -> Result<()> {
    let shown = SafePath(path);
    let refused = |message: String| Error::new(Kind::Permissions, message);
    match found.kind() {
        FileType::RegularFile => {}
        FileType::Symlink => {
            return Err(
                refused(format!("{shown} is a symbolic link")).hinted("name the file itself")
            );
        }
        FileType::Directory => {
            return Err(Error::usage(format!("{shown} is a folder")).hinted("name a file in it"));
        }
        _ => return Err(refused(format!("{shown} is not a regular file"))),
    }
    let me = rustix::process::geteuid();
    if found.owner() != me.as_raw() {
        let hint = if me.is_root() { AS_OWNER } else { "run keyward as the store's owner" };
        return Err(refused(format!("{shown} belongs to another user")).hinted(hint));
    }
    if found.names() != 1 {
        let names = found.names();
        return Err(refused(format!("{shown} has {names} names (hard links)"))
            .hinted("a store has one name; copy it to a new file"));
    }
    let mode = found.mode();
    if mode & if is_in_trusted { 0o007 } else { 0o077 } != 0 {
        return Err(refused(format!("{shown} can be reached by others (mode {mode:04o})"))
            .hinted(format!("chmod 600 {}", QuotedPath(path))));
    }
    Ok(())
}

/// What root can do. Files that root makes beside another user's store would keep its owner out of it.
const AS_OWNER: &str = "pass --as-owner to use it as its owner";

/// What kind of failure it is when the file system refuses.
pub(crate) fn kind_of(error: &io::Error) -> Kind {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Kind::Permissions,
        _ => Kind::Io,
    }
}
