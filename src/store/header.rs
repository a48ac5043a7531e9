//! The first look at a file, before SQLite opens it and could write to it.
//!
//! This module never writes. Offsets are those of SQLite's file format, section 1.3.

use std::io::Read;
use std::path::Path;

use super::failure::damaged;
use super::migrations::{APPLICATION_ID, NEWEST};
use super::permissions::{kind_of, look, quoted, sidecar};
use crate::domain::sanitize::Safe;
use crate::error::{Error, Kind, Result};

const MAGIC: &[u8] = b"SQLite format 3\0";

/// Refuses a file that is not a keyward store, is cut short, or was made by a newer keyward.
///
/// # Errors
/// `foreign`, `damaged`, `newer_store`; `io` when it cannot be read.
pub(super) fn check(path: &Path) -> Result<()> {
    let shown = path.to_string_lossy();
    let unreadable = |error: std::io::Error| {
        let kind = kind_of(&error);
        let error = Error::new(kind, format!("cannot read {}", Safe(&shown))).because(error);
        match kind {
            Kind::Permissions => error.hinted(format!("chmod 600 {}", quoted(path))),
            _ => error,
        }
    };
    let mut header = Vec::with_capacity(100);
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    file.take(100)
        .read_to_end(&mut header)
        .map_err(unreadable)?;
    if header.is_empty() {
        return Err(damaged(format!("{} is empty", Safe(&shown))));
    }
    if !header.starts_with(MAGIC) {
        // The front of a store that was cut within its header, or zeroed, is still not ours to overwrite.
        return Err(damaged(format!("{} is not a keyward store", Safe(&shown))));
    }
    let Some(header) = header.first_chunk::<100>() else {
        return Err(damaged(format!("{} is cut short", Safe(&shown))));
    };
    let number = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    if number(68) != APPLICATION_ID.cast_unsigned() {
        return Err(Error::new(
            Kind::Foreign,
            format!("{} is another program's database", Safe(&shown)),
        )
        .hinted("name keyward's own file with --store"));
    }
    refuse_newer(i64::from(number(60)), path)?;
    let page_size = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    // With a log beside it the file may lawfully be shorter than its header says; without one it may not.
    let log_is_empty = look(&sidecar(path, "-wal"))?.is_none_or(|log| log.len() == 0);
    if log_is_empty && (page_size < 512 || length < u64::from(number(28)) * page_size) {
        return Err(damaged(format!("{} is cut short", Safe(&shown))));
    }
    Ok(())
}

/// Refuses a store whose schema this keyward does not know.
///
/// # Errors
/// `newer_store`.
pub(super) fn refuse_newer(version: i64, path: &Path) -> Result<()> {
    if version <= NEWEST {
        return Ok(());
    }
    Err(Error::new(
        Kind::NewerStore,
        format!(
            "{} was made by a newer keyward (schema {version}, this one knows {NEWEST})",
            Safe(&path.to_string_lossy())
        ),
    )
    .hinted("update keyward; the file was not touched"))
}
