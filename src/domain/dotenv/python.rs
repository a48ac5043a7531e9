//! How python-dotenv reads (1.2, `dotenv/parser.py`), whose regular expressions these are.

use super::{Binding, closings, line_end, skip};

/// `\s` of Python, which has four separators that Unicode's white space has not.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

/// `[^\S\r\n]`.
fn is_blank(character: char) -> bool {
    is_space(character) && !matches!(character, '\r' | '\n')
}

pub(super) fn bindings(text: &str) -> Vec<Binding<'_>> {
    let (mut found, mut at) = (Vec::new(), 0);
    loop {
        let start = skip(text, at, is_space);
        if start == text.len() {
            return found;
        }
        at = match binding(text, start) {
            Ok((binding, end)) => {
                found.extend(binding);
                end
            }
            // `[^\r\n]*(?:\r|\n|\r\n)?`: the rest of the line is passed over.
            Err(at) => {
                let (name, value) = ("", "");
                found.push(Binding { name, value, start });
                line_end(text, at)
            }
        };
    }
}

/// The assignment that begins here and where it ends; or where an error was noticed.
fn binding(text: &str, start: usize) -> Result<(Option<Binding<'_>>, usize), usize> {
    let mut at = start;
    if let Some(after) = text[at..].strip_prefix("export")
        && after.starts_with(is_blank)
    {
        at = skip(text, at + "export".len(), is_blank);
    }
    let rest = &text[at..];
    let (name, after_name) = match rest.bytes().next() {
        Some(b'#') => (None, at),
        Some(b'\'') => {
            let length = rest[1..].find('\'').filter(|length| *length > 0);
            let end = at + 1 + length.ok_or(at)?;
            (Some(&text[at + 1..end]), end + 1)
        }
        _ => {
            let end = rest.find(|character| matches!(character, '=' | '#') || is_space(character));
            let end = at + end.unwrap_or(rest.len());
            if end == at {
                return Err(at);
            }
            (Some(&text[at..end]), end)
        }
    };
    at = skip(text, after_name, is_blank);
    // A name alone takes away the value that it had before.
    let mut value = "";
    if text[at..].starts_with('=') {
        at = skip(text, at + 1, is_blank);
        let (read, end) = self::value(text, at)?;
        value = read;
        at = end;
    }
    let after = skip(text, at, is_blank);
    let end = if text[after..].starts_with('#') { line_end(text, after) } else { after };
    if line_end(text, end) != end {
        // The comment's expression fits the empty text, so blanks are not passed over.
        return Err(at);
    }
    let binding = name.map(|name| Binding { name, value, start });
    Ok((binding, end))
}

fn value(text: &str, at: usize) -> Result<(&str, usize), usize> {
    match text.as_bytes().get(at) {
        Some(&quote @ (b'\'' | b'"')) => {
            let end = *closings(text, at + 1, quote).first().ok_or(at)?;
            Ok((&text[at + 1..end], end + 1))
        }
        _ => {
            let end = line_end(text, at);
            let line = &text[at..end];
            // `\s+#.*` goes.
            let comment = line.match_indices('#').map(|(hash, _)| hash);
            let comment = comment.into_iter().find(|hash| line[..*hash].ends_with(is_space));
            let value = &line[..comment.unwrap_or(line.len())];
            Ok((value.trim_end_matches(is_space), end))
        }
    }
}
