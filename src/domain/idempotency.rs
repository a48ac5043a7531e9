//! Idempotency keys: words by which a client that asks twice is known to ask for the same thing.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::domain::digest::write_hex;
use crate::domain::name::is_invisible;
use crate::error::{Error, Kind};

/// How long a request is kept, in milliseconds: a week.
pub const KEPT_MILLIS: i64 = 7 * 24 * 60 * 60 * 1000;
/// The longest idempotency key, in characters (that of Stripe's API).
const MAXIMUM_LENGTH: usize = 255;

/// A client's own name for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let length = text.chars().count();
        if !(1..=MAXIMUM_LENGTH).contains(&length) || text.chars().any(is_invisible) {
            return Err(Error::new(
                Kind::Usage,
                format!("an idempotency key has 1 to {MAXIMUM_LENGTH} visible characters"),
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// SHA-256 of what was asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Takes the fingerprint of a request's canonical text.
    pub fn of(request: &str) -> Self {
        Self(Sha256::digest(request.as_bytes()).into())
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(formatter, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idempotency_key_is_neither_empty_nor_endless_nor_invisible() {
        for text in ["a", "4f2a9c1e-run 7/deploy", &"k".repeat(255)] {
            assert!(text.parse::<IdempotencyKey>().is_ok(), "{text}");
        }
        for text in ["", "a\nb", &"k".repeat(256)] {
            assert!(text.parse::<IdempotencyKey>().is_err(), "{text:?}");
        }
    }
}
