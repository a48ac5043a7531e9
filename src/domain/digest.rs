//! Bytes as text: a SHA-256 digest in hexadecimal, and in the Base64 in which other systems keep theirs.
//!
//! This module never hashes anything.

use std::fmt;

/// Writes a digest as 64 lowercase hexadecimal digits.
pub fn write_hex(formatter: &mut fmt::Formatter<'_>, digest: &[u8; 32]) -> fmt::Result {
    digest.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
}

/// Reads a digest's bytes as two hexadecimal digits each, of either case.
pub fn hex<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    if text.len() != 2 * LENGTH {
        return None;
    }
    let mut digest = [0; LENGTH];
    for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = nibble(digits[0])? << 4 | nibble(digits[1])?;
    }
    Some(digest)
}

/// The value of a hexadecimal digit.
pub fn nibble(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

/// The value of a character of Base64, of either alphabet (RFC 4648, sections 4 and 5).
pub fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// Reads a digest's bytes in Base64 (RFC 4648, sections 4 and 5), of either alphabet, with the padding or without.
pub fn base64<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    let padding = (3 - LENGTH % 3) % 3;
    let text = text.strip_suffix(&"=="[..padding]).unwrap_or(text);
    let is_it = text.len() == (LENGTH * 4).div_ceil(3);
    let digest = is_it.then(|| base64_bytes(text))??;
    digest.try_into().ok()
}

/// Reads bytes in Base64 without its padding, of either alphabet.
pub fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::with_capacity(text.len() * 3 / 4));
    for byte in text.bytes() {
        bits = (bits & 0xff) << 6 | u32::from(sextet(byte)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    // The last character has bits too many; anything in them is another text for the same bytes, as six of them would be.
    (count < 6 && bits & ((1 << count) - 1) == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of "abc" (FIPS 180-4's example), and its forms as coreutils' `basenc` writes them.
    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const BASE64: &str = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
    const BASE64_URL: &str = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";

    #[test]
    fn a_digest_is_read_in_each_form() {
        let digest: [u8; 32] = hex(HEX).expect("64 digits");
        assert_eq!(digest[..3], [0xba, 0x78, 0x16]);
        assert_eq!(hex(&HEX.to_uppercase()), Some(digest));
        assert_eq!(base64(BASE64), Some(digest));
        assert_eq!(base64(BASE64_URL), Some(digest));
    }

    #[test]
    fn anything_else_is_no_digest() {
        for text in ["", "ba", &HEX[1..], &format!("{HEX}0"), &HEX.replace('b', "g")] {
            assert_eq!(hex::<32>(text), None, "{text}");
        }
        assert_eq!(hex::<32>(&format!("+{}", &HEX[1..])), None);
        for text in
            ["", "=", &BASE64[1..], &BASE64.replace('0', "1"), &BASE64.replace('p', "é"), HEX]
        {
            assert_eq!(base64::<32>(text), None, "{text}");
        }
    }
}
