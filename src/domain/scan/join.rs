//! What may stand in the middle of a token: line breaks with what begins the next line, string concatenation, characters without
//! a width, colours. A checksum or a hash decides afterwards, so being generous here finds nothing that is not a token.

use super::escape;
use super::plain::Text;

/// The longest join, in bytes.
const LONGEST: usize = 128;

/// How much of a text from this place on is a join, with one of the wanted bytes after it.
pub(super) fn at(text: &mut dyn Text, at: usize, wanted: impl Fn(u8) -> bool) -> Option<usize> {
    before(text, at, |_, _, byte| wanted(byte))
}

/// The same, where one of the wanted bytes may be written as an escape.
pub(super) fn escaped(
    text: &mut dyn Text,
    at: usize,
    wanted: impl Fn(u8) -> bool,
) -> Option<usize> {
    before(text, at, |text, at, byte| {
        wanted(byte) || escape::escaped(text, at, byte).is_some_and(|(byte, _)| wanted(byte))
    })
}

fn before(
    text: &mut dyn Text,
    at: usize,
    wanted: impl Fn(&mut dyn Text, usize, u8) -> bool,
) -> Option<usize> {
    let (mut next, mut quotes, mut is_join) = (at, 0, false);
    while next - at < LONGEST {
        let byte = text.get(next)?;
        if is_join && wanted(text, next, byte) {
            return Some(next - at);
        }
        match byte {
            // What an object has between a name and its value.
            b':' if quotes == 1 => return None,
            b'\n' | b'\r' => is_join = true,
            b'"' | b'\'' | b'`' => {
                quotes += 1;
                is_join |= quotes == 2;
            }
            b' ' | b'\t' | b'+' | b'-' | b'&' | b'.' | b',' | b'=' | b'>' | b'|' | b'#' | b'/'
            | b'*' | b';' | b':' | b'(' | b')' => {}
            // Basic's sign that a line goes on.
            b'_' if text.get(next + 1).is_some_and(|next| matches!(next, b'\n' | b'\r')) => {}
            b'\\' => {
                if let Some(length) = written_break(text, next) {
                    is_join = true;
                    next += length;
                    continue;
                }
            }
            _ => {
                next += invisible(text, next, byte)?;
                is_join = true;
                continue;
            }
        }
        next += 1;
    }
    None
}

/// The length of a line break, or of a character without a width, that is written as an escape.
fn written_break(text: &mut dyn Text, at: usize) -> Option<usize> {
    match text.get(at + 1)? {
        b'n' | b'r' | b't' => Some(2),
        b'u' => {
            let digits: Vec<u8> = (2..6).map_while(|next| text.get(at + next)).collect();
            let escapes: [&[u8]; 5] = [b"000a", b"000d", b"200b", b"00ad", b"2060"];
            let is_one = escapes.iter().any(|escape| digits.eq_ignore_ascii_case(escape));
            is_one.then_some(6)
        }
        _ => None,
    }
}

/// The length of what nobody sees: characters without a width, places where HTML may break a line, and colours of a terminal
/// (ECMA-48, SGR).
fn invisible(text: &mut dyn Text, at: usize, first: u8) -> Option<usize> {
    const CHARACTERS: [&str; 5] = ["\u{200b}", "\u{200c}", "\u{ad}", "\u{2060}", "\u{feff}"];
    const MARKUP: [&str; 6] = ["<wbr>", "<wbr/>", "<br>", "<br/>", "&shy;", "&#8203;"];
    if first == 0x1b && text.get(at + 1)? == b'[' {
        let is_parameter = |byte: u8| byte.is_ascii_digit() || byte == b';' || byte == b':';
        let end = (at + 2..at + 32).find(|next| !text.get(*next).is_some_and(is_parameter))?;
        return text.get(end)?.is_ascii_alphabetic().then_some(end + 1 - at);
    }
    let found = CHARACTERS.iter().chain(&MARKUP).find(|known| {
        known.bytes().enumerate().all(|(nth, byte)| text.get(at + nth) == Some(byte))
    });
    found.map(|known| known.len())
}

#[cfg(test)]
mod tests {
    use super::super::plain::Plain;
    use super::*;

    fn join(text: &str) -> Option<usize> {
        at(&mut Plain(text.as_bytes()), 0, |byte| byte.is_ascii_alphanumeric())
    }

    #[test]
    fn what_wraps_and_joins_insert_is_passed_over() {
        for text in [
            "\n",
            "\r\n    ",
            "=\r\n",
            "\\\n",
            "\" + \"",
            "' . '",
            "\"\n      \"",
            "\" \\\n  \"",
            "\" & _\r\n  \"",
            "\n+ ",
            "\n> > ",
            "\n # ",
            "\\n",
            "\\r\\n",
            "\\u200b",
            "\u{200b}",
            "<wbr>",
            "\u{1b}[0;31m",
            "\u{1b}[0m\u{1b}[K",
        ] {
            assert_eq!(join(&format!("{text}k")), Some(text.len()), "{text:?}");
        }
    }

    #[test]
    fn what_ends_a_word_is_no_join() {
        for text in [
            " ", "\t", "", "\"", "\": ", "\":\"", "\": \"", ", ", "=", ": ", "<p>", "\u{fc}", "\n",
            "\nü",
        ] {
            assert_eq!(join(text), None, "{text:?}");
            if text != "\n" {
                assert_eq!(join(&format!("{text}k")), None, "{text:?}");
            }
        }
        assert_eq!(join(&format!("\n{}k", " ".repeat(200))), None);
    }
}
