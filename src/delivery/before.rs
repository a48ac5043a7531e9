//! What a file was before a delivery: its text, its owner and its mode.

use std::fs::File;
use std::io::{self, Read};

use rustix::fs::{Gid, Mode, OFlags, Uid, fgetxattr};
use zeroize::Zeroizing;

use crate::files::{ACCESS_LIST, Entry, Found};

/// What a file was before; other secrets may be among its bytes.
pub(super) struct Before {
    pub(super) text: Zeroizing<Vec<u8>>,
    pub(super) owner: Uid,
    pub(super) group: Gid,
    pub(super) mode: Mode,
    /// Its access control list, as the kernel keeps it (acl(5)).
    pub(super) access_list: Option<Vec<u8>>,
}

impl Before {
    /// Whether it was for its owner and group alone.
    pub(super) fn is_private(&self) -> bool {
        !self.mode.intersects(Mode::RWXO)
    }

    /// Reads a file of up to 16 MiB.
    pub(super) fn read(entry: &Entry) -> io::Result<Self> {
        /// In bytes; no file that holds secrets is as long.
        const LONGEST: u64 = 16 << 20;
        let mut file = entry.open(OFlags::RDONLY)?;
        let found = Found::of(&file)?;
        // Something else may have taken the file's place since it was looked at.
        if !found.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if found.length() > LONGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        // One byte to spare, with which reading notices the end without making the buffer grow.
        let capacity = usize::try_from(found.length()).unwrap_or(0) + 1;
        let mut text = Zeroizing::new(Vec::with_capacity(capacity));
        file.read_to_end(&mut text)?;
        Ok(Self {
            text,
            owner: Uid::from_raw(found.owner()),
            group: Gid::from_raw(found.group()),
            mode: found.permissions(),
            access_list: access_list(&file),
        })
    }
}

/// A file's access control list, if it has one and the file system supports them.
fn access_list(file: &File) -> Option<Vec<u8>> {
    /// Room for some eight thousand entries, the most that an attribute holds.
    const LONGEST: usize = 64 * 1024;
    let mut list = vec![0; LONGEST];
    let length = fgetxattr(file, ACCESS_LIST, &mut list).ok()?;
    list.truncate(length);
    Some(list)
}
