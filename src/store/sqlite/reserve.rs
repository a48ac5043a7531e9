//! Space that is held back, so that a key can be revoked on a full disk.
//!
//! This module never fails: without room for a reserve, the store has none.

use std::fs::File;
use std::io::Write;

use rustix::fs::OFlags;

use super::permissions::length;
use crate::files::Entry;

/// How much is held back, in bytes. A revocation takes some 60 KiB in the log and 32 KiB for the log's index; the file itself
/// grows by a few pages.
const SIZE: u64 = 256 * 1024;

fn beside(store: &Entry) -> Entry {
    store.beside(".reserve")
}

/// Whether less is held back than should be.
pub(super) fn is_short(store: &Entry) -> bool {
    length(&beside(store)).unwrap_or(0) < SIZE
}

/// Holds space back, as much as there is.
pub(super) fn fill(store: &Entry) {
    if !is_short(store) {
        return;
    }
    if let Ok(file) = beside(store).open_own(OFlags::WRONLY | OFlags::APPEND) {
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
pub(super) fn release(store: &Entry) -> bool {
    let reserve = beside(store);
    length(&reserve).unwrap_or(0) > 0 && reserve.remove().unwrap_or(false)
}
