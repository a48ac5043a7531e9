//! A link of the audit trail's chain, and the end of a trail, which is one line to keep elsewhere.
//!
//! This module never makes a link; `audit` does, from a whole row.

use std::fmt;
use std::str::FromStr;

use crate::domain::digest::{hex, write_hex};
use crate::domain::sanitize::Safe;
use crate::error::{Error, Result};

/// A link of the chain: SHA-256 of a row and the link before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// What the first row follows.
    pub const GENESIS: Self = Self([0; 32]);

    /// Takes a link read from the store.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(formatter, &self.0)
    }
}

impl FromStr for ChainHash {
    type Err = Error;

    /// Reads 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self> {
        let hash = hex(text).ok_or_else(|| Error::usage("a link is 64 hexadecimal digits"))?;
        Ok(Self(hash))
    }
}

/// The end of a trail at some moment: its last row's place and link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The place, 0 when there is no row.
    pub seq: i64,
    /// The link.
    pub hash: ChainHash,
}

impl Head {
    /// The end of a trail without rows.
    pub const NONE: Self = Self { seq: 0, hash: ChainHash::GENESIS };
}

impl fmt::Display for Head {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for Head {
    type Err = Error;

    /// Reads `SEQ:HASH`, as `audit head` prints it.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::usage(format!("\"{}\" is not an audit head", Safe(text)))
                .hinted("an audit head is SEQ:HASH, as `keyward audit head` prints it")
        };
        let (seq, hash) = text.trim().split_once(':').ok_or_else(wrong)?;
        let seq = seq.parse().ok().filter(|seq| *seq >= 0).ok_or_else(wrong)?;
        let hash = hash.parse().map_err(|_| wrong())?;
        let head = Self { seq, hash };
        // A trail without rows has one end.
        if seq == 0 && head != Self::NONE { Err(wrong()) } else { Ok(head) }
    }
}
