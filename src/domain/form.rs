//! The forms in which other systems keep the hash of a key's secret, besides SHA-256 of the whole token as keyward does.
//!
//! This module never asks whether a key is good: it says what is hashed.

use sha2::{Digest, Sha512};

use crate::domain::digest;
use crate::domain::secret::SecretHash;
use crate::domain::words::words;

words! {
    /// What was hashed of a token that another system minted. A key that keyward minted has none.
    #[derive(Hash, PartialOrd, Ord)]
    pub enum HashForm {
        /// SHA-256 of the whole token.
        Sha256 = "sha256",
        /// SHA-512 (FIPS 180-4) of the whole token, of which the store keeps the SHA-256.
        Sha512 = "sha512",
        /// SHA-256 of what follows the first `|`, as Laravel Sanctum does.
        AfterBar = "sha256-after:|",
        /// SHA-256 of what follows the last `_`.
        AfterUnderscore = "sha256-after:_",
    }
}

/// How hashes begin that nothing can be looked up by, because each has a salt or a key of its own; and what they are.
const UNFIT: [(&str, &str); 14] = [
    ("$2", "bcrypt"),
    ("bcrypt", "bcrypt"),
    ("$argon2", "Argon2"),
    ("argon2", "Argon2"),
    ("$pbkdf2", "PBKDF2"),
    ("pbkdf2", "PBKDF2"),
    ("$scrypt", "scrypt"),
    ("scrypt", "scrypt"),
    ("$7$", "scrypt"),
    ("$y$", "yescrypt"),
    ("$5$", "salted (sha256crypt)"),
    ("$6$", "salted (sha512crypt)"),
    ("hmac", "keyed (HMAC)"),
    ("{ssha", "salted"),
];

impl HashForm {
    pub fn words() -> Vec<&'static str> {
        Self::ALL.iter().map(|form| form.word()).collect()
    }

    /// What a text is, where it is a hash by which no key can be found: a slow one, a salted one or one with a key.
    pub fn unfit(text: &str) -> Option<&'static str> {
        let text = text.to_ascii_lowercase();
        UNFIT.iter().find(|(front, _)| text.starts_with(front)).map(|(_, what)| *what)
    }

    /// The form that a hash's own tag says, where it leaves no other.
    pub fn tagged(hash: &str) -> Option<Self> {
        let rest = hash.strip_prefix(Self::Sha512.word())?;
        rest.starts_with(['$', ':']).then_some(Self::Sha512)
    }

    /// What the store knows a token of this form by; nothing for a text without the separator.
    pub fn hash(self, token: &[u8]) -> Option<SecretHash> {
        let is = |separator: u8| move |byte: &u8| *byte == separator;
        let from = match self {
            Self::Sha256 => 0,
            Self::Sha512 => return Some(SecretHash::of(&Sha512::digest(token))),
            Self::AfterBar => token.iter().position(is(b'|'))? + 1,
            Self::AfterUnderscore => token.iter().rposition(is(b'_'))? + 1,
        };
        Some(SecretHash::of(&token[from..]))
    }

    /// Reads a hash as another system writes it: in hexadecimal or Base64, with the tags that are usual before it. Where a SHA-512 is
    /// wanted, what a store exports of one is one too.
    pub fn read(self, text: &str) -> Option<SecretHash> {
        let mut bare = text;
        for tag in ["sha512", "sha256"] {
            let rest = text.strip_prefix(tag).map(|rest| rest.trim_start_matches(['$', ':']));
            match rest.filter(|rest| rest.len() < text.len() - tag.len()) {
                // The tag of another hash is not a mistake that may be passed over.
                Some(_) if (tag == "sha512") != (self == Self::Sha512) => return None,
                Some(rest) => bare = rest,
                None => {}
            }
        }
        let bare = bare.strip_prefix("\\x").unwrap_or(bare);
        if self == Self::Sha512
            && let Some(digest) = digest::hex::<64>(bare).or_else(|| digest::base64(bare))
        {
            return Some(SecretHash::of(&digest));
        }
        let digest = digest::hex(bare).or_else(|| digest::base64(bare));
        digest.map(SecretHash::from_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_hashed_from_its_separator_on() {
        let of = |text: &str| Some(SecretHash::of(text.as_bytes()));
        assert_eq!(HashForm::Sha256.hash(b"7|a|b_c_d"), of("7|a|b_c_d"));
        assert_eq!(HashForm::AfterBar.hash(b"7|a|b_c_d"), of("a|b_c_d"));
        assert_eq!(HashForm::AfterUnderscore.hash(b"7|a|b_c_d"), of("d"));
        assert_eq!(HashForm::AfterBar.hash(b"abc"), None);
        // FIPS 180-4's example for "abc", hashed again.
        let digest = Sha512::digest(b"abc");
        assert_eq!(digest[..4], [0xdd, 0xaf, 0x35, 0xa1]);
        assert_eq!(HashForm::Sha512.hash(b"abc"), Some(SecretHash::of(&digest)));
    }
}
