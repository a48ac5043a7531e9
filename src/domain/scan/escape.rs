//! Characters that are written as escapes: in addresses, mails, strings of programs, and HTML.

use super::plain::Text;

/// The longest reference of HTML, in bytes: `&lowbar;`, or a number with as many zeros before it.
const LONGEST_REFERENCE: usize = 10;
/// HTML's names for what tokens have besides letters and digits.
const NAMES: [(&[u8], u8); 8] = [
    (b"lowbar", b'_'),
    (b"UnderBar", b'_'),
    (b"period", b'.'),
    (b"hyphen", b'-'),
    (b"dash", b'-'),
    (b"vert", b'|'),
    (b"verbar", b'|'),
    (b"equals", b'='),
];

/// The character that is written as an escape here, and how long that is: `%5F` (RFC 3986), `=5F` (RFC 2045), `\x5f`, `\u005f`,
/// `\u{5f}`,
/// `\137`, `\_`, `&#95;`, `&#x5f;`, `&lowbar;`.
pub(super) fn escaped(text: &mut dyn Text, at: usize, first: u8) -> Option<(u8, usize)> {
    match first {
        b'%' | b'=' => hexadecimal(text, at + 1, 2).map(|byte| (byte, 3)),
        b'\\' => match text.get(at + 1)? {
            b'x' => hexadecimal(text, at + 2, 2).map(|byte| (byte, 4)),
            b'u' if text.get(at + 2)? == b'{' => braced(text, at + 3),
            b'u' => hexadecimal(text, at + 2, 4).map(|byte| (byte, 6)),
            b'0'..=b'3' => octal(text, at + 1).map(|byte| (byte, 4)),
            other => other.is_ascii_punctuation().then_some((other, 2)),
        },
        b'&' => reference(text, at),
        _ => None,
    }
}

/// The character of this many hexadecimal digits.
fn hexadecimal(text: &mut dyn Text, at: usize, digits: usize) -> Option<u8> {
    let mut value = 0_u32;
    for next in at..at + digits {
        value = value << 4 | char::from(text.get(next)?).to_digit(16)?;
    }
    u8::try_from(value).ok()
}

/// The character of hexadecimal digits with a brace behind them, and how long that is with what comes before.
fn braced(text: &mut dyn Text, at: usize) -> Option<(u8, usize)> {
    let end = (at + 1..at + 7).find(|end| text.get(*end) == Some(b'}'))?;
    hexadecimal(text, at, end - at).map(|byte| (byte, end + 4 - at))
}

/// The character of three octal digits.
fn octal(text: &mut dyn Text, at: usize) -> Option<u8> {
    let digits = (at..at + 3).try_fold(0_u32, |value, at| {
        char::from(text.get(at)?).to_digit(8).map(|digit| value << 3 | digit)
    });
    digits.and_then(|value| u8::try_from(value).ok())
}

/// The character of a reference of HTML, with the semicolon behind it.
fn reference(text: &mut dyn Text, at: usize) -> Option<(u8, usize)> {
    let (mut name, mut length) = ([0; LONGEST_REFERENCE], 0);
    loop {
        match text.get(at + 1 + length)? {
            b';' => break,
            byte if byte.is_ascii_alphanumeric() || byte == b'#' => *name.get_mut(length)? = byte,
            _ => return None,
        }
        length += 1;
    }
    let name = &name[..length];
    let byte = match name {
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16),
        [b'#', digits @ ..] => number(digits, 10),
        _ => NAMES.iter().find(|(known, _)| *known == name).map(|(_, byte)| *byte),
    };
    byte.map(|byte| (byte, length + 2))
}

fn number(digits: &[u8], base: u32) -> Option<u8> {
    let value = digits.iter().try_fold(0_u32, |value, digit| {
        char::from(*digit).to_digit(base).map(|digit| value * base + digit)
    })?;
    u8::try_from(value).ok().filter(|_| !digits.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::plain::Plain;
    use super::*;

    #[test]
    fn each_escape_is_read_and_nothing_else() {
        for (text, expected) in [
            ("%5F", Some(b'_')),
            ("=5f", Some(b'_')),
            ("\\x5f", Some(b'_')),
            ("\\u005F", Some(b'_')),
            ("\\_", Some(b'_')),
            ("\\u{5f}", Some(b'_')),
            ("\\u{00005F}", Some(b'_')),
            ("\\137", Some(b'_')),
            ("\\u{5f", None),
            ("\\u{}", None),
            ("\\138", None),
            ("&#95;", Some(b'_')),
            ("&#0000095;", Some(b'_')),
            ("&#x5f;", Some(b'_')),
            ("&#X5F;", Some(b'_')),
            ("&lowbar;", Some(b'_')),
            ("&amp;", None),
            ("&#;", None),
            ("&#256;", None),
            ("&#99999999;", None),
            ("&#95", None),
            ("&# 95;", None),
            ("%5", None),
            ("%g5", None),
            ("\\u015f", None),
            ("\\n", None),
        ] {
            let read = escaped(&mut Plain(text.as_bytes()), 0, text.as_bytes()[0]);
            assert_eq!(read, expected.map(|byte| (byte, text.len())), "{text}");
        }
    }
}
