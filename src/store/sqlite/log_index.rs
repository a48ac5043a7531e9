//! Whether anybody has committed since the last check, by the index of the log: one read, and no lock.
//!
//! The index begins with two copies of a header (<https://www.sqlite.org/walformat.html>, section 2.1), which every
//! commit, every recovery and every new beginning of the log write again. SQLite's own connections use these bytes to
//! check whether their pages are still valid.

use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::header::Held;
use crate::error::Result;
use crate::files::Entry;
use crate::store::Freshness;

/// The length of a copy of the header.
const LENGTH: usize = 48;
/// The position of the field that says whether it was ever written.
const IS_MADE: usize = 12;

/// The index of a log that this process has open.
pub(super) struct LogIndex {
    file: Arc<File>,
    /// A header with what SQLite said after it was read.
    last: Cell<Option<([u8; LENGTH], Freshness)>>,
}

impl LogIndex {
    /// The index of this store's log. A connection must have it open.
    pub(super) fn of(store: &Entry, held: &Held) -> Option<Self> {
        let file = held.beside(&store.beside("-shm")).ok()?;
        let last = Cell::new(None);
        Some(Self { file, last })
    }

    /// What SQLite said for the current header, or what it says now if the header is new. The header is read first, so
    /// a commit in between is noticed the next time.
    pub(super) fn freshness(&self, ask: impl FnOnce() -> Result<Freshness>) -> Result<Freshness> {
        let header = self.header();
        if let (Some(header), Some((last, freshness))) = (header, self.last.get())
            && header == last
        {
            return Ok(freshness);
        }
        let freshness = ask()?;
        self.last.set(header.map(|header| (header, freshness)));
        Ok(freshness)
    }

    /// The header, unless it is just being written.
    fn header(&self) -> Option<[u8; LENGTH]> {
        let mut copies = [0; 2 * LENGTH];
        self.file.read_exact_at(&mut copies, 0).ok()?;
        let (header, other) = copies.split_first_chunk::<LENGTH>()?;
        (header == other && header[IS_MADE] != 0).then_some(*header)
    }
}
