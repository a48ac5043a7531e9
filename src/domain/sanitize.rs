//! The one escaper: nothing that came from outside is shown as text without it.
//!
//! This module never judges a name. A store may hold what no rule let in, and paths, owners and labels come from
//! outside too; a terminal must not obey them, and a CI runner must not take them for its own commands.

use std::fmt::{self, Write};
use std::path::Path;

use crate::domain::name::is_invisible;

/// Shows a text with every character that could mislead escaped, in the form Rust and JavaScript write it.
///
/// Escaped are control, bidirectional and zero-width characters, the backslash itself, a `::` at the beginning (a
/// GitHub Actions command) and every second `#` in a row (`##[` and `##vso[` are Azure's).
pub struct Safe<'a>(pub &'a str);

impl fmt::Display for Safe<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The runner trims a line before it looks, so white space before the colons protects nobody.
        let command = self.0.trim_start().starts_with("::").then(|| self.0.find(':')).flatten();
        escape(self.0, command, formatter)
    }
}

/// Shows a text in quotation marks. Two colons at its beginning are then not a runner's command, so an address keeps
/// them.
pub struct Named<'a>(pub &'a str);

impl fmt::Display for Named<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_char('"')?;
        escape(self.0, None, formatter)?;
        formatter.write_char('"')
    }
}

/// Writes a text escaped, with the colon of a command at this place.
fn escape(text: &str, command: Option<usize>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut previous = '\0';
    for (at, character) in text.char_indices() {
        match character {
            ':' if command == Some(at) => formatter.write_str("\\u{3a}")?,
            '\\' => formatter.write_str("\\\\")?,
            '\t' => formatter.write_str("\\t")?,
            '\n' => formatter.write_str("\\n")?,
            '\r' => formatter.write_str("\\r")?,
            '#' if previous == '#' => formatter.write_str("\\u{23}")?,
            _ if is_invisible(character) || character == char::REPLACEMENT_CHARACTER => {
                write!(formatter, "\\u{{{:x}}}", u32::from(character))?;
            }
            _ => formatter.write_char(character)?,
        }
        previous = character;
    }
    Ok(())
}

/// Shows a path as [`Safe`] shows a text, and a byte that is not part of any character as `\xNN`. No other path is shown the
/// same way, because a backslash of its own is doubled.
pub struct SafePath<'a>(pub &'a Path);

impl fmt::Display for SafePath<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.as_os_str().as_encoded_bytes().utf8_chunks() {
            write!(formatter, "{}", Safe(chunk.valid()))?;
            for byte in chunk.invalid() {
                write!(formatter, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// A path as data: itself where it is text, otherwise as [`SafePath`] shows it.
pub fn path_text(path: &Path) -> String {
    path.to_str().map_or_else(|| SafePath(path).to_string(), str::to_owned)
}

/// Shows a text as one word of a shell's command line, quoted if necessary. Characters that cannot be typed stay
/// escaped as in [`Safe`].
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain =
            |character: char| character.is_ascii_alphanumeric() || "/._-+:@%,".contains(character);
        let may_begin = !self.0.is_empty() && !self.0.starts_with(':');
        if may_begin && self.0.chars().all(plain) {
            return formatter.write_str(self.0);
        }
        formatter.write_char('\'')?;
        let mut previous = '\0';
        for character in self.0.chars() {
            match character {
                // A single quote cannot be inside single quotes, so it is put inside double quotes.
                '\'' => formatter.write_str(r#"'"'"'"#)?,
                '#' if previous == '#' => formatter.write_str("''#")?,
                _ if is_invisible(character) || character == char::REPLACEMENT_CHARACTER => {
                    write!(formatter, "{}", Safe(character.encode_utf8(&mut [0; 4])))?;
                }
                _ => formatter.write_char(character)?,
            }
            previous = character;
        }
        formatter.write_char('\'')
    }
}

/// Shows a path as one word of a shell's command line; one that is not text in the form `$'…'`, which bash, zsh and POSIX
/// (2024, 2.2.4) read.
pub struct QuotedPath<'a>(pub &'a Path);

impl fmt::Display for QuotedPath<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.to_str() {
            Some(text) => Quoted(text).fmt(formatter),
            None => {
                let escaped = SafePath(self.0).to_string();
                write!(formatter, "$'{}'", escaped.replace('\'', "\\'"))
            }
        }
    }
}

/// The last check of everything written to stderr. A message with escaped parts is not changed; in any other (clap's
/// own, for example) nothing can act as a command. Line feeds stay.
pub fn harmless(message: &str) -> String {
    let mut shown = String::with_capacity(message.len());
    let mut previous = '\0';
    for character in message.chars() {
        match character {
            '#' if previous == '#' => shown.push_str("\\u{23}"),
            '\n' => shown.push('\n'),
            _ if is_invisible(character) => {
                shown.push_str(&format!("\\u{{{:x}}}", u32::from(character)))
            }
            _ => shown.push(character),
        }
        previous = character;
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;

    fn safe(text: &str) -> String {
        Safe(text).to_string()
    }

    #[test]
    fn what_could_mislead_is_escaped() {
        for (text, expected) in [
            ("plain übergabe 鍵", "plain übergabe 鍵"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("a\u{200b}b", "a\\u{200b}b"),
            ("a\u{9b}b", "a\\u{9b}b"),
            ("a\tb\nc\r", "a\\tb\\nc\\r"),
            ("a\\tb", "a\\\\tb"),
            ("::add-mask::x", "\\u{3a}:add-mask::x"),
            ("  ::warning::", "  \\u{3a}:warning::"),
            ("\t\n::x", "\\t\\n\\u{3a}:x"),
            ("##[error]x", "#\\u{23}[error]x"),
            ("###", "#\\u{23}\\u{23}"),
        ] {
            assert_eq!(safe(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_last_net_changes_nothing_that_was_escaped() {
        for text in ["a\u{1b}[2J\u{202e}", "##[error]", "a\\b\nc"] {
            let line = safe(text);
            assert_eq!(harmless(&line), line);
            assert!(
                !harmless(text)
                    .chars()
                    .any(|character| character != '\n' && is_invisible(character))
            );
        }
    }

    #[test]
    fn paths_that_are_no_text_are_shown_by_their_bytes() {
        let path = |bytes: &'static [u8]| Path::new(std::ffi::OsStr::from_bytes(bytes));
        for (bytes, safe, quoted) in [
            (&b"/a b/x"[..], "/a b/x", "'/a b/x'"),
            (b"caf\xe9.key", "caf\\xe9.key", "$'caf\\xe9.key'"),
            (b"it's\xff\x1b", "it's\\xff\\u{1b}", "$'it\\'s\\xff\\u{1b}'"),
            (b"caf\\xe9", "caf\\\\xe9", "'caf\\xe9'"),
        ] {
            assert_eq!(SafePath(path(bytes)).to_string(), safe);
            assert_eq!(QuotedPath(path(bytes)).to_string(), quoted);
        }
        assert_eq!(path_text(path(b"caf\\xe9")), "caf\\xe9");
        assert_eq!(path_text(path(b"caf\xe9")), "caf\\xe9");
    }

    proptest! {
        #[test]
        fn no_text_misleads_and_none_are_confused(one in any::<String>(), other in any::<String>()) {
            let shown = safe(&one);
            prop_assert!(!shown.chars().any(is_invisible));
            prop_assert!(!shown.trim_start().starts_with("::"));
            prop_assert!(!shown.contains("##"));
            prop_assert_eq!(shown == safe(&other), one == other);
        }
    }
}
