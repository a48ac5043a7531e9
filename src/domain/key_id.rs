//! A key's identifier.

use std::fmt;

use rand::TryCryptoRng;
use serde::Serialize;

use crate::domain::alphabet::Alphabet;
use crate::domain::sanitize::Safe;
use crate::error::{Error, Kind, Result};

/// A key's identifier: `key_` and 16 random characters of `0-9a-z` (82 bits).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct KeyId(String);

impl KeyId {
    /// What every key id begins with.
    pub const PREFIX: &'static str = "key_";
    /// How many random characters follow it.
    pub const RANDOM_LENGTH: usize = 16;

    /// Draws a new id. Random rather than ordered by time, so that six characters of it are enough to name a key.
    pub fn generate<R: TryCryptoRng>(rng: &mut R) -> Result<Self> {
        let mut id = Self::PREFIX.to_owned();
        let mut bytes = [0u8; 32];
        while id.len() < Self::PREFIX.len() + Self::RANDOM_LENGTH {
            rng.try_fill_bytes(&mut bytes).map_err(|error| {
                Error::new(Kind::Internal, format!("the system's random generator failed: {error}"))
            })?;
            let wanted = Self::PREFIX.len() + Self::RANDOM_LENGTH - id.len();
            let picked = bytes.iter().filter_map(|byte| Alphabet::Base36.pick(*byte));
            id.extend(picked.take(wanted).map(char::from));
        }
        Ok(Self(id))
    }

    /// Takes an id read from the store.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// For people: an id planted in a store is escaped like any other text. Data takes [`KeyId::as_str`].
impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Safe(&self.0).fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_key_and_16_lowercase_characters() {
        let id = KeyId::generate(&mut crate::random::SystemRandom).expect("random");
        let random = id.as_str().strip_prefix("key_").expect("prefix");
        assert_eq!(random.len(), 16);
        assert!(random.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()));
    }
}
