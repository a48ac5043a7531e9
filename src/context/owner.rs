//! Root at work on another user's store: keyward becomes that user, so that every file it makes is theirs.
//!
//! This module never becomes anybody without `--as-owner`.

use std::io;
use std::os::unix::fs::MetadataExt;

use rustix::process::{Gid, Uid, geteuid};

use super::{Context, account};
use crate::error::{Error, Kind, Result};

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
        let operator = account::operator();
        // Their own group, not the file's, which may be root's.
        let group = account::group_of(metadata.uid()).unwrap_or_else(|| metadata.gid());
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
