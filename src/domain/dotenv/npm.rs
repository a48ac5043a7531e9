//! How the npm package dotenv reads (`lib/main.js`): one regular expression, fitted again and again.
//!
//! ```text
//! /^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)
//!   (\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$/mg
//! ```

use super::{Binding, closings, line_end, skip};

/// `\s` of JavaScript, which has the byte order mark and lacks U+0085.
fn is_space(character: char) -> bool {
    character == '\u{feff}' || (character.is_whitespace() && character != '\u{85}')
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-')
}

pub(super) fn bindings(text: &str) -> Vec<Binding<'_>> {
    let (mut found, mut at) = (Vec::new(), 0);
    // It fits at the beginning of a line only.
    while at < text.len() {
        let end = match binding(text, at) {
            Some((binding, end)) => {
                found.push(binding);
                end
            }
            None => at,
        };
        at = line_end(text, end) + 1;
    }
    found
}

/// The assignment that begins with this line, and where it ends.
fn binding(text: &str, line: usize) -> Option<(Binding<'_>, usize)> {
    let start = skip(text, line, is_space);
    let exported = text[start..]
        .strip_prefix("export")
        .filter(|after| after.starts_with(is_space))
        .and_then(|_| assignment(text, skip(text, start + "export".len(), is_space)));
    let (name, value_start) = exported.or_else(|| assignment(text, start))?;
    let (value, end) = value(text, value_start);
    Some((Binding { name, value, start }, end))
}

/// A name with its `=` or `: `, and where its value begins.
fn assignment(text: &str, start: usize) -> Option<(&str, usize)> {
    let end = skip(text, start, is_name);
    let name = &text[start..end];
    if name.is_empty() {
        return None;
    }
    let equals = skip(text, end, is_space);
    if text[equals..].starts_with('=') {
        return Some((name, equals + 1));
    }
    let after_colon = text[end..].strip_prefix(':')?;
    let blank = after_colon.chars().next().filter(|first| is_space(*first))?;
    Some((name, end + 1 + blank.len_utf8()))
}

fn value(text: &str, start: usize) -> (&str, usize) {
    let opening = skip(text, start, is_space);
    if let Some(&quote @ (b'\'' | b'"' | b'`')) = text.as_bytes().get(opening) {
        for closing in closings(text, opening + 1, quote) {
            if let Some(end) = tail(text, closing + 1) {
                return (&text[opening + 1..closing], end);
            }
        }
    }
    let line = line_end(text, start);
    let end = text[start..line].find('#').map_or(line, |hash| start + hash);
    // A value in quotes whose line went on behind them keeps them.
    (text[start..end].trim_matches(is_space), line)
}

/// The end of `\s*(?:#.*)?$`.
fn tail(text: &str, start: usize) -> Option<usize> {
    let after = skip(text, start, is_space);
    if text[after..].starts_with('#') {
        return Some(line_end(text, after));
    }
    let has_line_end = after == text.len() || text[start..after].contains(['\n', '\r']);
    has_line_end.then(|| line_end(text, start))
}
