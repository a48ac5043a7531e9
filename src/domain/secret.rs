//! The secret in memory and the hash that is all the store ever sees of it; the mark by which the trail confirms the hash of a
//! pruned key; and what came instead of a secret: the usual slips in copying one.
//!
//! This module never prints, stores or serialises a secret, and never repeats a part of what came instead: `Secret` has no
//! `Display` and no `Serialize`. The trail is kept and sent to more places than the store is, so it has no hash itself.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::domain::digest::{hex, write_hex};

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
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The tag stored beside the digest, so that another algorithm can follow.
    pub const ALGORITHM: &'static str = "sha256";

    /// Takes a digest read from the store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
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

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretHash(redacted)")
    }
}

/// The hashed text begins with this, so that a mark differs from every other digest.
const DOMAIN: &[u8] = b"keyward.ended.v1\0";

/// SHA-256 of a key's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndedMark([u8; 32]);

impl EndedMark {
    /// The name of the mark among an event's details.
    pub const FIELD: &'static str = "ended";

    pub fn of(hash: &SecretHash) -> Self {
        let hasher = Sha256::new().chain_update(DOMAIN);
        Self(hasher.chain_update(hash.as_bytes()).finalize().into())
    }

    /// The mark among an event's details, if they have one.
    pub fn in_details(details: &str) -> Option<Self> {
        let details: serde_json::Value = serde_json::from_str(details).ok()?;
        hex(details[Self::FIELD].as_str()?).map(Self)
    }
}

impl fmt::Display for EndedMark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(formatter, &self.0)
    }
}

/// What is wrong with a text that has no token's form, if it is one of the usual slips.
pub fn slip(secret: &Secret) -> Option<&'static str> {
    let text = secret.expose();
    let begins = |front: &str| {
        let start = text.get(..front.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(front))
    };
    let is_quoted = |quote: char| text.starts_with(quote) || text.ends_with(quote);
    let assigned = text.split_once('=').map(|(name, _)| name);
    let is_name = |name: &str| {
        let name = name.strip_prefix("export ").unwrap_or(name);
        let mut characters = name.chars();
        characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && characters.all(|other| other.is_ascii_alphanumeric() || other == '_')
    };
    if text.is_empty() {
        Some("the input is empty, is not text, or is too long for a secret")
    } else if text.trim_end().contains('\n') {
        Some("the input has several lines: send only the line of the secret")
    } else if begins("authorization:") || begins("bearer ") {
        Some("the input is a header: send only what follows \"Bearer \"")
    } else if assigned.is_some_and(is_name) {
        Some(
            "the input is an assignment (NAME=value): send only the value, or name the variable with --env NAME",
        )
    } else if ['"', '\'', '`'].into_iter().any(is_quoted) {
        Some("the input has quotes: send the secret without them")
    } else if text.trim() != text {
        Some("the input has spaces or line ends around the secret: send it without them")
    } else {
        None
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

    #[test]
    fn a_mark_is_found_among_the_details_and_is_not_the_hash() {
        let hash = SecretHash::from_bytes([7; 32]);
        let mark = EndedMark::of(&hash);
        assert_ne!(mark.0, *hash.as_bytes());
        let details = serde_json::json!({ "name": "ci", EndedMark::FIELD: mark.to_string() });
        assert_eq!(EndedMark::in_details(&details.to_string()), Some(mark));
        for other in ["", "{}", "{\"ended\":\"00\"}", "{\"ended\":7}"] {
            assert_eq!(EndedMark::in_details(other), None, "{other}");
        }
    }

    #[test]
    fn each_slip_is_named_and_a_plain_word_is_none() {
        let slip = |text: &str| slip(&Secret::new(text.to_owned())).unwrap_or_default();
        for (text, said) in [
            ("", "empty"),
            ("a\nb", "several lines"),
            ("Bearer abc", "a header"),
            ("bearer abc", "a header"),
            ("Authorization: Bearer abc", "a header"),
            ("\"abc\"", "quotes"),
            ("'abc'", "quotes"),
            ("abc\"", "quotes"),
            ("ACME_KEY=abc", "an assignment"),
            ("export KEY=abc", "an assignment"),
            ("KEY=\"abc\"", "an assignment"),
            ("abc ", "spaces"),
            (" abc", "spaces"),
            ("abc\n", "spaces"),
        ] {
            assert!(slip(text).contains(said), "{text:?}: {}", slip(text));
        }
        for text in ["abc", "a-b=c", "Bearerabc", "é"] {
            assert_eq!(slip(text), "", "{text:?}");
        }
    }
}
