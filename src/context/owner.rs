//! The person who runs keyward, by the account database, because anybody can set `USER`; and root at work on another user's
//! store: keyward becomes that user, so that every file it makes is theirs.
//!
//! This module never becomes anybody without `--as-owner`.

use std::io;
use std::os::unix::fs::MetadataExt;

use rustix::process::{Gid, Uid, geteuid};

use super::Context;
use super::environment::variable;
use crate::error::{Error, Kind, Result};

/// The account's name; under sudo, the name of the user who called it.
pub(super) fn operator() -> String {
    let uid = rustix::process::getuid().as_raw();
    let sudo = variable("SUDO_UID").and_then(|uid| uid.to_str()?.parse().ok()).filter(|_| uid == 0);
    match sudo {
        None => name(uid),
        Some(sudo) => format!("{} (sudo by {})", name(uid), name(sudo)),
    }
}

/// The name of the account that keyward runs as.
pub(super) fn name_of_user() -> Option<String> {
    field(rustix::process::getuid().as_raw(), 0)
}

/// The primary group of an account, if it is in the account database.
pub(super) fn group_of(uid: u32) -> Option<u32> {
    field(uid, 3)?.parse().ok()
}

/// The name of an account.
pub(super) fn name(uid: u32) -> String {
    field(uid, 0).unwrap_or_else(|| format!("uid {uid}"))
}

/// A field of an account's line (passwd(5)).
fn field(uid: u32, at: usize) -> Option<String> {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut fields = accounts.lines().map(|line| line.split(':'));
    let mut own =
        fields.find(|own| own.clone().nth(2).and_then(|field| field.parse().ok()) == Some(uid))?;
    own.nth(at).map(str::to_owned)
}

impl Context {
    /// Becomes the owner of the store, or of the folder where it would be. There are no other threads yet.
    pub(super) fn become_owner(mut self, is_wanted: bool) -> Result<Self> {
        if !is_wanted {
            return Ok(self);
        }
        let path = self.store_file("--as-owner")?;
        let absolute = std::path::absolute(&path)
            .map_err(|error| Error::usage("the store's path cannot be used").because(error))?;
        let metadata = absolute
            .ancestors()
            .find_map(|place| std::fs::symlink_metadata(place).ok())
            .ok_or_else(|| Error::usage("the store's path cannot be used"))?;
        let me = geteuid();
        if metadata.uid() == me.as_raw() {
            return Ok(self);
        }
        if !me.is_root() {
            return Err(Error::new(Kind::Permissions, "only root can use another user's store"));
        }
        let operator = operator();
        // Their own group, not the file's, which may be root's.
        let group = group_of(metadata.uid()).unwrap_or_else(|| metadata.gid());
        if group == 0 {
            return Err(Error::new(
                Kind::Permissions,
                "the store's owner has no group of their own",
            ));
        }
        let (uid, gid) = (Uid::from_raw(metadata.uid()), Gid::from_raw(group));
        become_user(uid, gid).map_err(|error| {
            Error::new(Kind::Permissions, "cannot become the store's owner").because(error)
        })?;
        self.operator = Some(format!("{operator} (as owner)"));
        Ok(self)
    }
}

/// Becomes this user, of this group alone.
#[cfg(target_os = "linux")]
fn become_user(uid: Uid, gid: Gid) -> io::Result<()> {
    use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};
    // The user last: a process that is no longer root cannot change its groups.
    set_thread_groups(&[])?;
    set_thread_gid(gid)?;
    Ok(set_thread_uid(uid)?)
}

/// On other systems, only unsafe code could.
#[cfg(not(target_os = "linux"))]
fn become_user(_: Uid, _: Gid) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
