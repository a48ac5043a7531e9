//! What came instead of a secret: the usual slips in copying one.
//!
//! This module never repeats a part of what came.

use crate::domain::secret::Secret;

/// What is wrong with a text that has no token's form, if it is one of the usual slips.
pub fn slip(secret: &Secret) -> Option<&'static str> {
    let text = secret.expose();
    let begins = |front: &str| {
        let start = text.get(..front.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(front))
    };
    let is_quoted = |quote: char| text.starts_with(quote) || text.ends_with(quote);
    let assigned = text.split_once('=').map(|(name, _)| name);
    let is_name = |name: &str| {
        let name = name.strip_prefix("export ").unwrap_or(name);
        let mut characters = name.chars();
        characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && characters.all(|other| other.is_ascii_alphanumeric() || other == '_')
    };
    if text.is_empty() {
        Some("the input is empty, is not text, or is too long for a secret")
    } else if text.trim_end().contains('\n') {
        Some("the input has several lines: send only the line of the secret")
    } else if begins("authorization:") || begins("bearer ") {
        Some("the input is a header: send only what follows \"Bearer \"")
    } else if assigned.is_some_and(is_name) {
        Some(
            "the input is an assignment (NAME=value): send only the value, or name the variable with --env NAME",
        )
    } else if ['"', '\'', '`'].into_iter().any(is_quoted) {
        Some("the input has quotes: send the secret without them")
    } else if text.trim() != text {
        Some("the input has spaces or line ends around the secret: send it without them")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slip_is_named_and_a_plain_word_is_none() {
        let slip = |text: &str| slip(&Secret::new(text.to_owned())).unwrap_or_default();
        for (text, said) in [
            ("", "empty"),
            ("a\nb", "several lines"),
            ("Bearer abc", "a header"),
            ("bearer abc", "a header"),
            ("Authorization: Bearer abc", "a header"),
            ("\"abc\"", "quotes"),
            ("'abc'", "quotes"),
            ("abc\"", "quotes"),
            ("ACME_KEY=abc", "an assignment"),
            ("export KEY=abc", "an assignment"),
            ("KEY=\"abc\"", "an assignment"),
            ("abc ", "spaces"),
            (" abc", "spaces"),
            ("abc\n", "spaces"),
        ] {
            assert!(slip(text).contains(said), "{text:?}: {}", slip(text));
        }
        for text in ["abc", "a-b=c", "Bearerabc", "é"] {
            assert_eq!(slip(text), "", "{text:?}");
        }
    }
}
