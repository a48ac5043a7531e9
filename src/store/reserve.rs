//! Space that is held back, so that a key can be revoked on a full disk.
//!
//! This module never fails: where there is no room for a reserve, there is none.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use super::permissions::{look, sidecar};

/// How much is held back, in bytes. A revocation takes some 60 KiB in the log and 32 KiB for the log's index; the file itself
/// grows by a few pages.
const SIZE: u64 = 256 * 1024;

/// Whether less is held back than should be.
pub(super) fn is_short(store: &Path) -> bool {
    let reserve = look(&sidecar(store, ".reserve")).ok().flatten();
    reserve.is_none_or(|reserve| reserve.len() < SIZE)
}

/// Holds space back, as much as there is.
pub(super) fn fill(store: &Path) {
    if !is_short(store) {
        return;
    }
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(sidecar(store, ".reserve"));
    if let Ok(file) = file {
        // A disk that is full has given what it has.
        let _ = write(file);
    }
}

fn write(mut file: File) -> std::io::Result<()> {
    let held = file.metadata()?.len();
    // No zeros: a file system that compresses would hold nothing back for them.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = Vec::with_capacity(4096);
    for _ in held / 4096..SIZE / 4096 {
        block.clear();
        while block.len() < 4096 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            block.extend_from_slice(&state.to_le_bytes());
        }
        file.write_all(&block)?;
    }
    Ok(())
}

/// Gives the space back. Says whether there was any.
pub(super) fn release(store: &Path) -> bool {
    let reserve = sidecar(store, ".reserve");
    let held = look(&reserve).ok().flatten().map_or(0, |file| file.len());
    held > 0 && std::fs::remove_file(reserve).is_ok()
}
