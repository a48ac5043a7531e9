//! The secret in memory and the hash that is all the store ever sees of it.
//!
//! This module never prints, stores or serialises a secret: `Secret` has no `Display` and no `Serialize`.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::domain::digest::write_hex;

/// The longest input that is worth hashing, in bytes; anything longer is malformed whatever it holds.
pub const MAXIMUM_LENGTH: usize = 1024;

/// A whole token, wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over a token's text. Its buffer is wiped on drop; give it its final capacity before filling it.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Shows the plaintext: the one door out, so that a search for `expose(` finds every use.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Hashes the whole token.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(redacted)")
    }
}

/// SHA-256 (FIPS 180-4) of the whole token.
///
/// No slow hash: a token has at least 128 secret random bits, so there is no dictionary to slow down
/// (OWASP ASVS 5.0, 6.5.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Hashes what could be a secret.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The tag stored beside the digest, so that another algorithm can follow.
    pub const ALGORITHM: &'static str = "sha256";

    /// Takes a digest read from the store.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest in hexadecimal, for another store to know the key by.
    pub fn to_hex(self) -> String {
        struct Hex([u8; 32]);
        impl fmt::Display for Hex {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(formatter, &self.0)
            }
        }
        Hex(self.0).to_string()
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretHash(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_the_secret_nor_its_hash() {
        let secret = Secret::new("kw_live_hidden".to_owned());
        assert_eq!(
            format!("{secret:?} {:?}", secret.hash()),
            "Secret(redacted) SecretHash(redacted)"
        );
    }

    #[test]
    fn the_hash_is_plain_sha_256_of_the_whole_token() {
        // FIPS 180-4's own example for "abc".
        let digest = Secret::new("abc".to_owned()).hash();
        assert_eq!(digest.as_bytes()[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
