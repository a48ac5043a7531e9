//! The rules of a token, written a second time from the contract so that the tests do not believe the code under test.

use sha2::{Digest, Sha256};

/// The alphabets a policy can choose, each in the order its checksum counts in.
pub const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Lowercase letters and digits.
pub const BASE36: &str = "0123456789abcdefghijklmnopqrstuvwxyz";
/// Lowercase hexadecimal.
pub const HEX: &str = "0123456789abcdef";

/// The hash of a text, as a query of the store's tables has it.
pub fn hash(text: &str) -> String {
    let digits = Sha256::digest(text.as_bytes());
    let digits: Vec<String> = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\\x{}", digits.concat())
}

/// The parts of a token of the default template, `{prefix}_{env}_{short:12}{secret:32}{crc}`.
pub struct Parts<'token> {
    /// Everything up to and including the short part.
    pub prefix: &'token str,
    /// The random public part.
    pub short: &'token str,
    /// The random part that nobody is shown.
    pub secret: &'token str,
    /// The checksum's digits.
    pub checksum: &'token str,
    /// What the checksum is computed over.
    pub body: &'token str,
}

/// Takes a token of the default template apart, or says why it is none.
pub fn parts<'token>(token: &'token str, front: &str) -> Parts<'token> {
    let random =
        token.strip_prefix(front).unwrap_or_else(|| panic!("{token} does not begin with {front}"));
    assert_eq!(random.len(), 12 + 32 + 6, "{random} is not 12 + 32 + 6 characters");
    assert!(random.chars().all(|character| BASE62.contains(character)), "{random} is not base62");
    let body = &token[..token.len() - 6];
    let checksum = &token[token.len() - 6..];
    Parts {
        prefix: &token[..front.len() + 12],
        short: &random[..12],
        secret: &random[12..44],
        checksum,
        body,
    }
}

/// CRC-32 (IEEE 802.3, reflected, as in zip and PNG) of a text, bit by bit.
#[must_use]
pub fn crc32(text: &str) -> u32 {
    !text.bytes().fold(u32::MAX, |mut register, byte| {
        register ^= u32::from(byte);
        for _ in 0..8 {
            register =
                if register & 1 == 1 { (register >> 1) ^ 0xedb8_8320 } else { register >> 1 };
        }
        register
    })
}

/// The checksum of a body in an alphabet, padded with the alphabet's zero to the width that holds 32 bits.
#[must_use]
pub fn checksum(body: &str, alphabet: &str) -> String {
    let base = alphabet.len() as u64;
    let digits: Vec<char> = alphabet.chars().collect();
    let mut value = u64::from(crc32(body));
    let mut bound = 1;
    let mut reversed = Vec::new();
    while bound <= u64::from(u32::MAX) {
        reversed.push(digits[(value % base) as usize]);
        value /= base;
        bound *= base;
    }
    reversed.iter().rev().collect()
}

/// A token of the default policy that is well formed and that nobody minted.
#[must_use]
pub fn well_formed() -> String {
    let body = "kw_live_0123456789abABCDEFGHIJKLMNOPQRSTUVWXYZabcdef";
    format!("{body}{}", checksum(body, BASE62))
}

/// The same token with the character at this place replaced by another of its alphabet.
#[must_use]
pub fn with_typo(token: &str, place: usize) -> String {
    let replacement = if &token[place..=place] == "x" { "y" } else { "x" };
    format!("{}{replacement}{}", &token[..place], &token[place + 1..])
}

/// What follows the environment in something shaped like a token or its prefix.
#[must_use]
pub fn random_part(word: &str) -> Option<&str> {
    let marks = ["_live_", "_test_"];
    let mark = marks.iter().find(|mark| word.contains(*mark))?;
    word.split_once(mark).map(|(_, random)| random)
}

#[test]
fn the_checksum_matches_a_published_token() {
    // A revoked token of another system, published as the example of this very format.
    assert_eq!(checksum("qkJaB6MffYVzZXWqmcoF49yrUxP3wf", BASE62), "0LsakP");
    // The check value of CRC-32/ISO-HDLC.
    assert_eq!(crc32("123456789"), 0xcbf4_3926);
}

#[test]
fn each_alphabet_has_the_width_that_holds_32_bits() {
    let widths = [BASE62, BASE36, HEX].map(|alphabet| checksum("keyward", alphabet).len());
    assert_eq!(widths, [6, 7, 8]);
}
