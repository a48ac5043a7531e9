//! The text of a dotenv file: finding a variable's assignments and giving them another value, byte for byte.
//!
//! This module never touches a file and never changes a byte outside the values it replaces.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::domain::dotenv::{self, Misread};

/// Why a value cannot be put into a text without guessing; the number is a line's, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is not UTF-8 text, but UTF-16, for example.
    Encoding,
    /// The value opens a quote that its line does not close, or ends in a backslash.
    SpansLines(usize),
    /// The line continues after the value: a shell would see more than the assignment, a dotenv library one value.
    SharesLine(usize),
    /// The name is followed by a colon, which is an assignment to some readers.
    Colon(usize),
    /// With the value in it a reader would still read something else.
    Misread(Misread),
}

/// The text without the byte order mark in front of it, which would be a part of the first name.
pub(super) fn decoded(bytes: &[u8]) -> Result<&str, Unfit> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unfit::Encoding)?;
    // ASCII in UTF-16 without a mark is UTF-8 too, with a NUL in each character.
    if text.contains('\0') {
        Err(Unfit::Encoding)
    } else {
        Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
    }
}

/// Sets every assignment of `name` to the bare `value`, or appends one.
///
/// Every one, because some readers take the first of several and some the last. `export`, indentation and comments stay as
/// they are; a line that is set ends in LF, because CR would be a part of the value to a shell.
pub(super) fn set(bytes: &[u8], name: &str, value: &str) -> Result<Zeroizing<Vec<u8>>, Unfit> {
    let text = decoded(bytes)?.as_bytes();
    let found = assignments(text, name)?;
    // SECURITY: the capacity is enough for all that follows, so that no copy is left behind by a buffer that grew.
    let capacity = text.len() + name.len() + 3 + (found.len() + 1) * (value.len() + 1);
    let mut result = Zeroizing::new(Vec::with_capacity(capacity));
    let mut copied = 0;
    for Found { set, comment_end } in &found {
        result.extend_from_slice(&text[copied..set.start]);
        result.push(b'=');
        result.extend_from_slice(value.as_bytes());
        result.extend_from_slice(&text[set.end..*comment_end]);
        let has_return = text[*comment_end..].starts_with(b"\r");
        copied = comment_end + usize::from(has_return);
    }
    result.extend_from_slice(&text[copied..]);
    if found.is_empty() {
        if text.last().is_some_and(|last| *last != b'\n') {
            result.push(b'\n');
        }
        for part in [name, "=", value, "\n"] {
            result.extend_from_slice(part.as_bytes());
        }
    }
    Ok(result)
}

/// The same where every reader of such files then reads this value, which is made of bytes that mean themselves.
pub(super) fn set_readably(
    bytes: &[u8],
    name: &str,
    value: &str,
) -> Result<Zeroizing<Vec<u8>>, Unfit> {
    let written = set(bytes, name, value)?;
    dotenv::check(decoded(&written)?, name, value).map_err(Unfit::Misread)?;
    Ok(written)
}

/// The value of every assignment of `name`, without quotes around it.
pub(super) fn values(bytes: &[u8], name: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, Unfit> {
    let text = decoded(bytes)?.as_bytes();
    let value = |found: Found| {
        let assigned = text[found.set].trim_ascii();
        let value = assigned.strip_prefix(b"=").unwrap_or(assigned).trim_ascii();
        let quoted = match value {
            [first, inner @ .., last] if first == last && matches!(first, b'\'' | b'"' | b'`') => {
                inner
            }
            _ => value,
        };
        Zeroizing::new(quoted.to_vec())
    };
    Ok(assignments(text, name)?.into_iter().map(value).collect())
}

struct Found {
    /// Its `=` and value, spaces around the `=` included.
    set: Range<usize>,
    /// Where its line ends, without CR and LF.
    comment_end: usize,
}

fn assignments(text: &[u8], name: &str) -> Result<Vec<Found>, Unfit> {
    let mut found = Vec::new();
    let mut open_quote = None;
    let mut start = 0;
    for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        let next = start + line.len();
        if let Some(quote) = open_quote {
            if closes(content, quote) {
                open_quote = None;
            }
        } else if let Some(assignment) = Assignment::in_line(content) {
            let is_own = assignment.name == name.as_bytes();
            if assignment.is_colon && is_own {
                return Err(Unfit::Colon(index + 1));
            } else if is_own {
                let end = assignment.value_start
                    + value_end(&content[assignment.value_start..], index + 1)?;
                found.push(Found {
                    set: start + assignment.name_end..start + end,
                    comment_end: start + content.len(),
                });
            } else if !assignment.is_colon {
                // A lone apostrophe that nothing closes is text, not a quote around the rest of the file.
                open_quote = unclosed_quote(&content[assignment.value_start..])
                    .filter(|quote| closes(&text[next..], *quote));
            }
        }
        start = next;
    }
    Ok(found)
}

struct Assignment<'a> {
    name: &'a [u8],
    name_end: usize,
    value_start: usize,
    /// Whether a colon is used instead of an equals sign.
    is_colon: bool,
}

impl<'a> Assignment<'a> {
    /// Reads `[export ]NAME[ ]=`, or `[export ]NAME:` and a blank, at the beginning of a line.
    fn in_line(line: &'a [u8]) -> Option<Self> {
        let mut name_start = blanks(line);
        if let Some(rest) = line[name_start..].strip_prefix(b"export") {
            name_start += if blanks(rest) > 0 { b"export".len() + blanks(rest) } else { 0 };
        }
        let is_name =
            |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let name_end = name_start + line[name_start..].iter().take_while(is_name).count();
        let equals = name_end + blanks(&line[name_end..]);
        let is_colon = line.get(name_end) == Some(&b':')
            && line.get(name_end + 1).is_none_or(|next| is_blank(*next));
        let is_assignment = is_colon || line.get(equals) == Some(&b'=');
        (is_assignment && name_end > name_start).then(|| Self {
            name: &line[name_start..name_end],
            name_end,
            value_start: equals + 1,
            is_colon,
        })
    }
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_blank(**byte)).count()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Where a value ends: before a comment and the blanks that set it off, else at the line's end.
fn value_end(value: &[u8], line: usize) -> Result<usize, Unfit> {
    let (mut quote, mut escaped, mut end) = (None, false, 0);
    let (mut word_ended, mut command_ended) = (false, false);
    for (index, &byte) in value.iter().enumerate() {
        if escaped {
            escaped = false;
        } else {
            match (quote, byte) {
                (None, b'#') if index > 0 && is_blank(value[index - 1]) => return Ok(end),
                (None, byte) if command_ended && !is_blank(byte) => {
                    return Err(Unfit::SharesLine(line));
                }
                (None | Some(b'"'), b'\\') => escaped = true,
                (Some(opened), _) if opened == byte => quote = None,
                (Some(_), _) => {}
                (None, b'\'' | b'"' | b'`') => quote = Some(byte),
                (None, blank) if is_blank(blank) => {
                    word_ended |= end > 0;
                    continue;
                }
                (None, b';' | b'&' | b'|') => command_ended = true,
                (None, b'=') if word_ended => return Err(Unfit::SharesLine(line)),
                (None, _) => {}
            }
        }
        end = index + 1;
    }
    if quote.is_some() || escaped { Err(Unfit::SpansLines(line)) } else { Ok(value.len()) }
}

/// The quote a value begins with, if the line does not close it.
fn unclosed_quote(value: &[u8]) -> Option<u8> {
    let value = &value[blanks(value)..];
    let quote = *value.first().filter(|byte| matches!(byte, b'\'' | b'"' | b'`'))?;
    (!closes(&value[1..], quote)).then_some(quote)
}

/// Whether this text, which begins inside a quote, has its end.
fn closes(text: &[u8], quote: u8) -> bool {
    let mut escaped = false;
    text.iter().any(|&byte| {
        let ends = byte == quote && !escaped;
        escaped = byte == b'\\' && !escaped && quote == b'"';
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_key(text: &str) -> Result<String, Unfit> {
        let result = set(text.as_bytes(), "KEY", "new")?;
        Ok(String::from_utf8(result.to_vec()).expect("text"))
    }

    #[test]
    fn a_variable_that_is_not_there_is_appended_on_a_line_of_its_own() {
        assert_eq!(set_key("").as_deref(), Ok("KEY=new\n"));
        assert_eq!(set_key("A=1\n").as_deref(), Ok("A=1\nKEY=new\n"));
        assert_eq!(set_key("A=1").as_deref(), Ok("A=1\nKEY=new\n"));
        for other in [
            "#KEY=old\n",
            "KEY2=old\n",
            "MY_KEY=old\n",
            "export KEY\n",
            "KEY+=x\n",
            "exportKEY=x\n",
        ] {
            assert_eq!(set_key(other), Ok(format!("{other}KEY=new\n")));
        }
    }

    #[test]
    fn only_the_value_of_the_variables_own_line_changes() {
        for (old, new) in [
            ("A=1\nKEY=old\n\n# c\nB=2\n", "A=1\nKEY=new\n\n# c\nB=2\n"),
            ("KEY=old", "KEY=new"),
            ("KEY=\n", "KEY=new\n"),
            ("  export \tKEY=old\n", "  export \tKEY=new\n"),
            ("A=1\r\nKEY=old\r\nB=2\r\n", "A=1\r\nKEY=new\nB=2\r\n"),
            ("KEY=old # why\r\n", "KEY=new # why\n"),
            ("KEY=old;\n", "KEY=new\n"),
            ("\u{feff}KEY=old\nB=2\n", "KEY=new\nB=2\n"),
            ("KEY = old\n", "KEY=new\n"),
            ("KEY=\"old # value\" # why\n", "KEY=new # why\n"),
            ("KEY='it''s'  # why\n", "KEY=new  # why\n"),
            ("KEY= # why\n", "KEY=new # why\n"),
            ("KEY=a#b \n", "KEY=new\n"),
            ("KEY=put your key here\n", "KEY=new\n"),
            ("KEY=\"a\\\"b\"\n", "KEY=new\n"),
            ("KEY=YWJj==\n", "KEY=new\n"),
        ] {
            assert_eq!(set_key(old).as_deref(), Ok(new), "{old:?}");
        }
    }

    #[test]
    fn every_occurrence_is_set() {
        assert_eq!(
            set_key("KEY=a\nB=1\nexport KEY='b'\n").as_deref(),
            Ok("KEY=new\nB=1\nexport KEY=new\n")
        );
    }

    #[test]
    fn lines_inside_another_variables_quotes_are_its_text() {
        let text = "CERT=\"-----\nKEY=inside \\\"\nend\"\nKEY=old\n";
        assert_eq!(set_key(text), Ok(text.replace("KEY=old", "KEY=new")));
        assert_eq!(set_key("A='don\nKEY=old\n").as_deref(), Ok("A='don\nKEY=new\n"));
    }

    #[test]
    fn a_value_that_spans_lines_or_shares_its_own_is_not_guessed_at() {
        assert_eq!(set_key("A=1\nKEY=\"old\nmore\"\n"), Err(Unfit::SpansLines(2)));
        assert_eq!(set_key("KEY=old\\\nmore\n"), Err(Unfit::SpansLines(1)));
        assert_eq!(set_key("KEY=a'b\n"), Err(Unfit::SpansLines(1)));
        assert_eq!(set_key("export KEY=a B=b\n"), Err(Unfit::SharesLine(1)));
        for shared in [
            "KEY=a; B=b\n",
            "KEY=a; export KEY\n",
            "KEY=a;export KEY\n",
            "KEY=a&& run\n",
            "KEY=a | 'b'\n",
        ] {
            assert_eq!(set_key(shared), Err(Unfit::SharesLine(1)), "{shared}");
        }
    }

    #[test]
    fn a_name_with_a_colon_is_an_assignment_to_some() {
        for colon in ["KEY: old\n", "  KEY:\n", "export KEY: old\n"] {
            let text = format!("A=1\n{colon}");
            assert_eq!(set_key(&text), Err(Unfit::Colon(2)), "{colon}");
        }
        for other in ["A: 1\n", "KEY:old\n", "KEY : old\n", "# KEY: old\n"] {
            assert_eq!(set_key(other), Ok(format!("{other}KEY=new\n")));
        }
    }

    #[test]
    fn a_text_in_another_encoding_is_refused() {
        let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let latin_1 = b"A=\xe9\nKEY=old\n".to_vec();
        let texts: [Vec<u8>; 3] = [utf_16("\u{feff}KEY=old\n"), utf_16("KEY=old\n"), latin_1];
        for text in texts {
            assert_eq!(set(&text, "KEY", "new"), Err(Unfit::Encoding));
        }
    }

    #[test]
    fn a_value_that_a_reader_would_miss_is_not_written() {
        for text in ["A=don't\n", "A=1 |\n", "KEY=old\n'KEY'=older\n"] {
            assert!(set(text.as_bytes(), "KEY", "new").is_ok(), "{text}");
            let written = set_readably(text.as_bytes(), "KEY", "new");
            assert!(matches!(written, Err(Unfit::Misread(_))), "{text}");
        }
    }
}
