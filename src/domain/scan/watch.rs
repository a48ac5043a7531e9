//! A watch list: formats and public fronts of keys, for a scan where there is no store.
//!
//! It has nothing that `keyward list` does not show.

use serde::{Deserialize, Serialize};

use crate::domain::known_format::KnownFormat;
use crate::domain::transfer::FormatFields;
use crate::error::{Error, Result};

#[derive(Debug, Serialize, Deserialize)]
pub struct WatchList {
    pub formats: Vec<FormatFields>,
    pub keys: Vec<WatchedKey>,
}

/// A key, as it was when the list was written.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct WatchedKey {
    pub prefix: String,
    pub id: String,
    pub name: String,
    pub workspace: String,
    pub environment: String,
    pub status: String,
}

impl WatchList {
    pub fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| {
            Error::usage(format!("the watch list cannot be read at line {}", error.line()))
                .hinted("`keyward patterns --format watch` writes one")
        })
    }

    /// Its formats that have a checksum; without one nothing can be proven here.
    pub fn formats(&self) -> Result<Vec<KnownFormat>> {
        self.formats.iter().map(FormatFields::format).collect()
    }
}
