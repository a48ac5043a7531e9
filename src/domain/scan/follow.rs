//! Reading a whole token where its front was seen, through escapes and joins.

use zeroize::Zeroizing;

use super::escape::escaped;
use super::join;
use super::plain::Text;
use super::text::MOST_JOINS;
use crate::domain::secret::Secret;
use crate::domain::template::Part;
use crate::domain::token::TokenFormat;

/// The longest token of a form that is not known, in characters.
const LONGEST_FREE: usize = 200;
/// The shortest, beyond its front.
const SHORTEST_FREE: usize = 12;

/// A token that was read, and how many of the text's bytes it took.
pub(super) struct Read {
    pub secret: Secret,
    pub length: usize,
}

pub(super) fn token(text: &mut dyn Text, format: &TokenFormat, environment: &str) -> Option<Read> {
    let mut reader = Reader { text, at: 0, joins: 0 };
    // SECURITY: room for the longest token, so that growing leaves no copy behind.
    let mut token = Zeroizing::new(String::with_capacity(1024));
    for part in format.template.parts() {
        let checksum;
        let literal = match part {
            Part::Literal(text) => text.as_str(),
            Part::Prefix => &format.prefix,
            Part::Environment => environment,
            Part::Short(length) | Part::Secret(length) => {
                for _ in 0..*length {
                    let is_one = |byte: u8| format.alphabet.holds(&[byte]);
                    token.push(char::from(reader.take(is_one)?));
                }
                continue;
            }
            Part::Checksum => {
                checksum = format.alphabet.checksum(&token);
                checksum.as_str()
            }
        };
        for expected in literal.bytes() {
            token.push(char::from(reader.take(|byte| byte == expected)?));
        }
    }
    let length = reader.at;
    Some(Read { secret: Secret::new(std::mem::take(&mut *token)), length })
}

/// Reads what may be tokens with this front, of which nothing else is known: up to each place where a word may end.
pub(super) fn free(text: &mut dyn Text, front: &str) -> Vec<Read> {
    let mut reader = Reader { text, at: 0, joins: 0 };
    let mut token = Zeroizing::new(String::with_capacity(1024));
    for expected in front.bytes() {
        match reader.take(|byte| byte == expected) {
            Some(byte) => token.push(char::from(byte)),
            None => return Vec::new(),
        }
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric();
    let mut found = Vec::new();
    while token.len() < front.len() + LONGEST_FREE {
        let next = reader.text.get(reader.at);
        let ends_here = !next.is_some_and(is_letter) && token.ends_with(char::is_alphanumeric);
        if ends_here && token.len() >= front.len() + SHORTEST_FREE {
            let secret = Secret::new(token.to_string());
            found.push(Read { secret, length: reader.at });
        }
        match next {
            Some(byte) if is_letter(byte) || b"_-.|~+/=".contains(&byte) => {
                token.push(char::from(byte));
                reader.at += 1;
            }
            _ => break,
        }
    }
    found
}

struct Reader<'a> {
    text: &'a mut dyn Text,
    at: usize,
    joins: usize,
}

impl Reader<'_> {
    /// Takes the next character, which must be one of these: as it stands, as an escape, or behind a join.
    fn take(&mut self, wanted: impl Fn(u8) -> bool) -> Option<u8> {
        loop {
            let byte = self.text.get(self.at)?;
            if wanted(byte) {
                self.at += 1;
                return Some(byte);
            }
            if let Some((byte, length)) = escaped(self.text, self.at, byte)
                && wanted(byte)
            {
                self.at += length;
                return Some(byte);
            }
            self.joins += 1;
            if self.joins > MOST_JOINS {
                return None;
            }
            self.at += join::escaped(self.text, self.at, &wanted)?;
        }
    }
}
