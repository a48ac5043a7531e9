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
        let mut rest = self.0;
        let trimmed = rest.trim_start();
        // The runner trims a line before it looks, so spaces before the colons protect nobody.
        if trimmed.starts_with("::") {
            formatter.write_str(&rest[..rest.len() - trimmed.len()])?;
            formatter.write_str("\\u{3a}")?;
            rest = &trimmed[1..];
        }
        let mut previous = '\0';
        for character in rest.chars() {
            match character {
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
            ("##[error]x", "#\\u{23}[error]x"),
            ("###", "#\\u{23}\\u{23}"),
        ] {
            assert_eq!(safe(text), expected, "{text:?}");
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
