//! How Node.js reads with `--env-file` (`src/node_dotenv.cc`). Version 20 differs from what came after it.

use super::{Binding, skip};

/// A parser of Node.js.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// It looks for the next `=` in any line and takes all before it for the name, and trims spaces alone.
    V20,
    /// 22 and later.
    V22,
}

impl Version {
    /// What is trimmed. CR counts, because Node.js takes every CR out before it reads.
    fn trims(self, character: char) -> bool {
        match self {
            Self::V20 => matches!(character, ' ' | '\r'),
            Self::V22 => matches!(character, ' ' | '\t' | '\n' | '\r'),
        }
    }
}

pub(super) fn bindings(text: &str, version: Version) -> Vec<Binding<'_>> {
    let trims = |character| version.trims(character);
    let mut found = Vec::new();
    let mut at = skip(text, 0, trims);
    while at < text.len() {
        let line = line_end(text, at);
        let front = text[at..].trim_start_matches('\r');
        if front.starts_with(['\n', '#']) || front.is_empty() {
            at = (line + 1).min(text.len());
            continue;
        }
        let end = match version {
            Version::V20 => text.len(),
            Version::V22 => line,
        };
        let Some(equals) = text[at..end].find('=').map(|length| at + length) else {
            at = skip(text, (end + 1).min(text.len()), trims);
            continue;
        };
        let start = at;
        let name = text[at..equals].trim_matches(trims);
        match version {
            Version::V20 if at == equals => break,
            Version::V22 if name.is_empty() => {
                at = skip(text, equals + 1, trims);
                continue;
            }
            _ => {}
        }
        let name = name.strip_prefix("export ").unwrap_or(name);
        let name = match version {
            Version::V20 => name,
            Version::V22 => name.trim_matches(trims),
        };
        let (value, end) = value(text, equals + 1, version);
        found.push(Binding { name, value, start });
        at = match version {
            Version::V20 => end,
            Version::V22 => skip(text, end, trims),
        };
    }
    found
}

/// The value that begins here, and the end of its line.
fn value(text: &str, start: usize, version: Version) -> (&str, usize) {
    let trims = |character| version.trims(character);
    let is_empty = text[start..].trim_start_matches('\r').starts_with('\n');
    let start = match version {
        Version::V20 => start,
        Version::V22 if is_empty => start,
        // After a blank this continues on the next line.
        Version::V22 => skip(text, start, trims),
    };
    let line = line_end(text, start);
    let quote = text.as_bytes().get(start);
    if let Some(quote @ (b'\'' | b'"' | b'`')) = quote {
        if let Some(length) = text[start + 1..].find(char::from(*quote)) {
            // Whatever follows on its line is passed over.
            let closing = start + 1 + length;
            return (&text[start + 1..closing], line_end(text, closing));
        }
        return (&text[start..line], line);
    }
    let value = &text[start..line];
    let value = &value[..value.find('#').unwrap_or(value.len())];
    (value.trim_matches(trims), line)
}

fn line_end(text: &str, start: usize) -> usize {
    text[start..].find('\n').map_or(text.len(), |length| start + length)
}
