//! The rules of a token a second time: what a format's tokens look like, place by place.

use keyward::domain::template::Part;
use keyward::domain::token::TokenFormat;

/// What may stand at a place of a token.
#[derive(Clone, Copy)]
enum Place {
    Exactly(u8),
    Random,
}

/// Whether the format has this text among its tokens.
pub fn recognises(format: &TokenFormat, token: &[u8]) -> bool {
    format.environments.iter().any(|environment| fits(format, environment, token))
}

/// The text with the checksum that belongs behind it, where the format has one.
pub fn completed(format: &TokenFormat, front: &str) -> String {
    match has_checksum(format) {
        true => format!("{front}{}", checksum(front.as_bytes(), format)),
        false => front.to_owned(),
    }
}

/// Whether the format's tokens end in a checksum.
pub fn has_checksum(format: &TokenFormat) -> bool {
    format.template.parts().last() == Some(&Part::Checksum)
}

/// How long the checksum is.
pub fn checksum_length(format: &TokenFormat) -> usize {
    match has_checksum(format) {
        true => checksum(b"", format).len(),
        false => 0,
    }
}

/// The whole length of the format's tokens of an environment.
pub fn length(format: &TokenFormat, environment: &str) -> usize {
    front(format, environment).len() + checksum_length(format)
}

fn fits(format: &TokenFormat, environment: &str, token: &[u8]) -> bool {
    let places = front(format, environment);
    let Some((front, end)) = token.split_at_checked(places.len()) else {
        return false;
    };
    let random = format.alphabet.characters();
    let has_form = front.iter().zip(&places).all(|(byte, place)| match place {
        Place::Exactly(expected) => byte == expected,
        Place::Random => random.contains(byte),
    });
    let expected = match has_checksum(format) {
        true => checksum(front, format),
        false => String::new(),
    };
    has_form && end == expected.as_bytes()
}

/// The places before the checksum.
fn front(format: &TokenFormat, environment: &str) -> Vec<Place> {
    let exactly = |text: &str| -> Vec<Place> { text.bytes().map(Place::Exactly).collect() };
    let parts = format.template.parts().iter();
    parts
        .flat_map(|part| match part {
            Part::Literal(text) => exactly(text),
            Part::Prefix => exactly(&format.prefix),
            Part::Environment => exactly(environment),
            Part::Short(length) | Part::Secret(length) => vec![Place::Random; *length],
            Part::Checksum => Vec::new(),
        })
        .collect()
}

/// CRC-32 (IEEE 802.3, reflected) bit by bit.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |register, byte| {
        (0..8).fold(register ^ u32::from(*byte), |register, _| {
            (register >> 1) ^ (0xedb8_8320 * (register & 1))
        })
    })
}

/// The same in the format's alphabet with its zero in front.
fn checksum(front: &[u8], format: &TokenFormat) -> String {
    let mut value = u64::from(crc32(front));
    let digits = format.alphabet.characters();
    let base = digits.len() as u64;
    let mut bound = 1;
    let mut reversed = Vec::new();
    while bound <= u64::from(u32::MAX) {
        reversed.push(char::from(digits[(value % base) as usize]));
        value /= base;
        bound *= base;
    }
    reversed.iter().rev().collect()
}
