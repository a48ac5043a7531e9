//! How a store is open: with its log, or for reading only.

use std::path::{Path, PathBuf};

use rustix::fs::Dev;

use super::permissions::{has_log, look};
use crate::domain::SafePath;
use crate::error::{Error, Kind, Result};
use crate::files::Entry;

/// How a store was opened.
pub(super) enum Access {
    /// With its log, as SQLite does by itself.
    Shared,
    /// Without touching anything beside it, because nothing there can be written. Correct only while no log exists and
    /// the file does not change. The text says why it cannot be written.
    Immutable(Stamp, String),
    /// Not at all: its file is not at this path any more, and no other could be opened there.
    Gone(PathBuf),
}

/// What identifies a state of a file.
#[derive(PartialEq, Eq)]
pub(super) struct Stamp {
    identity: (Dev, u64),
    size: u64,
    modified: (i64, i64),
}

impl Access {
    /// Checks that what was read without a log is still current.
    pub(super) fn confirm(&self, store: Option<&Entry>) -> Result<()> {
        match (self, store) {
            (Self::Gone(path), _) => Err(moved(path)),
            (Self::Shared, _) | (_, None) => Ok(()),
            (Self::Immutable(stamp, _), Some(store)) => {
                match !has_log(store)? && stamp_of(store)?.as_ref() == Some(stamp) {
                    true => Ok(()),
                    false => Err(Error::new(Kind::Io, "the store changed while it was read")
                        .hinted("run the command again")),
                }
            }
        }
    }

    /// Refuses to write where only reading is possible.
    pub(super) fn require_writable(&self) -> Result<()> {
        match self {
            Self::Shared => Ok(()),
            Self::Gone(path) => Err(moved(path)),
            Self::Immutable(_, reason) => {
                Err(Error::new(Kind::Io, format!("the store cannot be written: {reason}")))
            }
        }
    }
}

pub(super) fn stamp_of(store: &Entry) -> Result<Option<Stamp>> {
    Ok(look(store)?.map(|found| Stamp {
        identity: found.identity(),
        size: found.length(),
        modified: found.modified(),
    }))
}

/// The error of a store whose file is not in its place any more.
pub(super) fn moved(path: &Path) -> Error {
    Error::new(Kind::Io, format!("{} is no longer the file that was opened", SafePath(path)))
        .hinted("run the command again")
}
