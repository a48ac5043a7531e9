//! Files that are mounts of their own, as containers have single files of their host.

use super::place::Target;
use crate::error::{Error, Kind, Result};

impl Target {
    /// Refuses a file that another one cannot take the place of, because something is mounted there.
    pub(super) fn check_replaceable(&self) -> Result<()> {
        match self.mounts()? {
            Some((file, folder)) if file != folder => Err(Error::new(
                Kind::DeliveryFailed,
                format!(
                    "{} is mounted as a single file, which cannot be replaced",
                    self.named()
                ),
            )
            .hinted("mount its folder instead, or name a file in another folder")),
            _ => Ok(()),
        }
    }

    /// The mounts that the file and its folder lie in, where the system tells (Linux 5.8).
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
}
