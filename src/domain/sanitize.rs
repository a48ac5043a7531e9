//! The one escaper: nothing that came from outside is shown as text without it.
//!
//! This module never judges a name. A store may hold what no rule let in, and paths, owners and labels come from
//! outside too; a terminal must not obey them, and a CI runner must not take them for its own commands.

use std::fmt::{self, Write};

use crate::domain::name::is_invisible;

/// Shows a text with every character that could mislead escaped, in the form Rust and JavaScript write it.
///
/// Escaped are control, bidirectional and zero-width characters, the backslash itself, a `::` at the beginning (a
/// GitHub Actions command) and every second `#` in a row (`##[` and `##vso[` are Azure's).
pub struct Safe<'a>(pub &'a str);

impl fmt::Display for Safe<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The runner trims a line before it looks, so white space before the colons protects nobody.
        let command = self
            .0
            .trim_start()
            .starts_with("::")
            .then(|| self.0.find(':'))
            .flatten();
        let mut previous = '\0';
        for (at, character) in self.0.char_indices() {
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
}

/// Shows a text as one word of a shell's command line: as it is where that needs no quotes. What nobody can type stays
/// escaped as [`Safe`] does it.
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
                // A quote cannot stand between single quotes, so it stands between double ones for itself.
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

/// The last net under everything said on stderr: a message whose parts were escaped comes through as it is, and of one
/// that was not (clap's own, say) nothing is obeyed. Line feeds stay.
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
