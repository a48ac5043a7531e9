//! The alphabets that the random parts and the checksum of a token are written in.

use serde::Deserialize;

use crate::domain::words::words;

words! {
    /// A set of characters a policy may choose for its tokens.
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Alphabet {
        /// `0-9A-Za-z`, the order GitHub's and npm's token checksums use.
        Base62 = "base62",
        /// Bitcoin's base58: no `0`, `O`, `I`, `l`.
        Base58 = "base58",
        /// `0-9a-z`.
        Base36 = "base36",
        /// `0-9a-f`.
        Hex = "hex",
    }
}

impl Alphabet {
    /// The characters, in the order of their values.
    pub fn characters(self) -> &'static [u8] {
        match self {
            Self::Base62 => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            Self::Base58 => b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
            Self::Base36 => b"0123456789abcdefghijklmnopqrstuvwxyz",
            Self::Hex => b"0123456789abcdef",
        }
    }

    /// Random bits in one character: the logarithm of how many there are, to the base 2. As constants, because one call of
    /// `log2` makes every start of a dynamic binary load libm.
    pub fn bits_per_character(self) -> f64 {
        match self {
            Self::Base62 => 5.954_196_310_386_875,
            Self::Base58 => 5.857_980_995_127_572,
            Self::Base36 => 5.169_925_001_442_312,
            Self::Hex => 4.0,
        }
    }

    /// Whether every byte of the text is one of the characters.
    pub fn holds(self, text: &[u8]) -> bool {
        text.iter().all(|byte| self.characters().contains(byte))
    }

    /// Turns a random byte into a character, or into nothing when taking it would favour some characters.
    ///
    /// Bytes at or above the largest multiple of the alphabet's size are refused, so the rest fall evenly.
    pub fn pick(self, byte: u8) -> Option<u8> {
        let characters = self.characters();
        let fair = 256 - 256 % characters.len();
        (usize::from(byte) < fair).then(|| characters[usize::from(byte) % characters.len()])
    }

    /// The checksum at the end of a token, by which a typo is seen without a store: CRC-32 (IEEE 802.3) of everything before it.
    /// It is arithmetic and no signature.
    ///
    /// The scheme is that of GitHub's and npm's tokens, but over the whole front of the token, not the random part alone.
    pub fn checksum(self, front: &str) -> String {
        self.encode(crc32fast::hash(front.as_bytes()))
    }

    /// Writes a number in this alphabet, padded with its zero to the width that every 32-bit number fits.
    fn encode(self, mut number: u32) -> String {
        let characters = self.characters();
        let base = u32::try_from(characters.len()).expect("an alphabet has at most 62 characters");
        let mut digits = vec![characters[0]; self.checksum_width()];
        for digit in digits.iter_mut().rev() {
            *digit = characters[(number % base) as usize];
            number /= base;
        }
        String::from_utf8(digits).expect("alphabets are ASCII")
    }

    /// How many characters a CRC-32 takes: the least width that holds 2^32 - 1.
    pub fn checksum_width(self) -> usize {
        match self {
            Self::Base62 | Self::Base58 => 6,
            Self::Base36 => 7,
            Self::Hex => 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_of_a_character_are_the_logarithm_of_their_number() {
        for &alphabet in Alphabet::ALL {
            let bits = (alphabet.characters().len() as f64).log2();
            assert!((alphabet.bits_per_character() - bits).abs() < 1e-12);
        }
    }

    #[test]
    fn the_checksum_width_holds_every_32_bit_number_and_no_narrower_one_does() {
        for &alphabet in Alphabet::ALL {
            let base = alphabet.characters().len() as u128;
            let width = u32::try_from(alphabet.checksum_width()).expect("small");
            assert!(base.pow(width) > u128::from(u32::MAX));
            assert!(base.pow(width - 1) <= u128::from(u32::MAX));
        }
    }

    #[test]
    fn every_character_is_picked_by_equally_many_bytes() {
        for &alphabet in Alphabet::ALL {
            let mut counts = std::collections::BTreeMap::new();
            for byte in 0..=255u8 {
                if let Some(character) = alphabet.pick(byte) {
                    *counts.entry(character).or_insert(0u32) += 1;
                }
            }
            assert_eq!(counts.len(), alphabet.characters().len());
            let first = counts.values().next().copied();
            assert!(counts.values().all(|count| Some(*count) == first), "{alphabet:?} is biased");
        }
    }

    #[test]
    fn npms_published_vector_comes_out() {
        let checksum = Alphabet::Base62.checksum("qkJaB6MffYVzZXWqmcoF49yrUxP3wf");
        assert_eq!(checksum, "0LsakP");
    }

    #[test]
    fn a_number_is_padded_with_the_alphabets_zero() {
        assert_eq!(Alphabet::Base62.encode(61), "00000z");
        assert_eq!(Alphabet::Base58.encode(0), "111111");
        assert_eq!(Alphabet::Hex.encode(u32::MAX), "ffffffff");
    }
}
