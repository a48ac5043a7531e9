//! The checksum at the end of a token, which makes a typo visible without a store.
//!
//! This module never decides whether a token is genuine: a checksum is arithmetic, not a signature.

use crate::domain::alphabet::Alphabet;

/// CRC-32 (IEEE 802.3) of everything before it, in the token's own alphabet.
///
/// The scheme is that of GitHub's and npm's tokens, but over the whole front of the token, not the random part alone.
pub fn checksum(front: &str, alphabet: Alphabet) -> String {
    alphabet.encode(crc32fast::hash(front.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npms_published_vector_comes_out() {
        assert_eq!(
            checksum("qkJaB6MffYVzZXWqmcoF49yrUxP3wf", Alphabet::Base62),
            "0LsakP"
        );
    }
}
