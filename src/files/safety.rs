//! What the file system says of a file or folder, and who else could read it or change what is in it.
//!
//! This module never changes a mode; it says which command would. The rules are those that OpenSSH has for private keys and
//! their folders, and two for machines whose modes are not their user's choice: a group that is its owner's private one
//! counts as the owner, and the modes of a trusted folder are the orchestrator's.
//!
//! Debian and Red Hat give each user a group of their own, and a umask that lets it write. This module never uses the system's
//! name service (NSS), which would load code: it reads members from /etc/passwd and /etc/group, and not from a directory
//! service.

use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{CWD, Dev, FileType, Mode, OFlags, Stat, fstat, openat};

use crate::domain::sanitize::{QuotedPath, SafePath};
use crate::error::{Error, Kind, Result};

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
    if is_private(found.owner(), found.group()) && !has_list() {
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

/// Whether this group is the owner's private one: nobody else is in it, and it has the owner's name or number.
pub(super) fn is_private(owner: u32, group: u32) -> bool {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    is_private_by(owner, group, &read("/etc/passwd"), &read("/etc/group"))
}

/// The same by the content of passwd(5) and group(5).
fn is_private_by(owner: u32, group: u32, passwd: &str, groups: &str) -> bool {
    // The name, the number and the primary group of each account.
    let accounts = passwd.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        Some((
            *fields.first()?,
            fields.get(2)?.parse::<u32>().ok()?,
            fields.get(3)?.parse::<u32>().ok()?,
        ))
    });
    let accounts: Vec<_> = accounts.collect();
    let is_owner =
        |name: &str| accounts.iter().any(|(own, number, _)| *own == name && *number == owner);
    if accounts.iter().any(|(_, number, primary)| *primary == group && *number != owner) {
        return false;
    }
    let mut has_name = false;
    for line in groups.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        if fields.get(2).and_then(|number| number.parse().ok()) != Some(group) {
            continue;
        }
        let members = fields.get(3).copied().unwrap_or_default();
        let mut members = members.split(',').map(str::trim).filter(|name| !name.is_empty());
        if !members.all(is_owner) {
            return false;
        }
        has_name |= is_owner(fields.first().copied().unwrap_or_default());
    }
    has_name || group == owner
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
        ann:x:1000:1000::/home/ann:/bin/sh\n\
        ben:x:1001:1001::/home/ben:/bin/sh\n\
        cat:x:1002:100::/home/cat:/bin/sh\n\
        broken\n";

    fn is_private(owner: u32, group: u32, groups: &str) -> bool {
        is_private_by(owner, group, PASSWD, groups)
    }

    #[test]
    fn a_group_without_other_members_that_has_the_owners_name_or_number_is_private() {
        assert!(is_private(1000, 1000, "ann:x:1000:\nben:x:1001:\n"));
        assert!(is_private(1000, 1000, "ann:x:1000:ann\n"));
        assert!(is_private(1000, 555, "ann:x:555:\n"));
        assert!(is_private(1500, 1500, ""), "an account that is nowhere");
        assert!(is_private(1000, 1000, "people:x:1000:\n"));
    }

    #[test]
    fn a_group_with_another_member_or_another_name_and_number_is_not() {
        for groups in ["ann:x:1000:ben\n", "ann:x:1000:ann,ben", "ann:x:1000:\nx:x:1000:ben\n"] {
            assert!(!is_private(1000, 1000, groups), "{groups}");
        }
        assert!(!is_private(1000, 1000, "ann:x:1000:ann,somebody\n"), "of a directory");
        assert!(!is_private(1000, 555, "people:x:555:ann\n"));
        assert!(!is_private(1000, 1001, "ben:x:1001:\n"), "ben's own");
        assert!(!is_private(1000, 100, "users:x:100:\n"), "cat's primary group");
        assert!(!is_private(1000, 100, "ann:x:100:\n"), "cat's primary group");
        assert!(!is_private(1500, 1000, ""));
    }
}
