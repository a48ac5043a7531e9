//! The right to provision, which one process has at a time.

use std::path::Path;
use std::time::Duration;

#[cfg(feature = "postgres")]
use super::postgres;
use super::sqlite;
use crate::error::Result;

/// A turn. It ends when this is dropped. When its process is killed instead, it goes on for as long as a program that the process has
/// started does: a delivery that outlives keyward must not overtake the next one.
#[derive(Debug)]
pub enum Turn {
    /// At a file.
    File(sqlite::Turn),
    /// On a server.
    #[cfg(feature = "postgres")]
    Server(Box<postgres::Turn>),
}

impl Turn {
    /// Waits for a turn at a store in a file that may not be there, or not be whole. Its folder is made.
    pub fn at(store: &Path, wait: Duration) -> Result<Self> {
        sqlite::Turn::at(store, wait).map(Self::File)
    }
}
