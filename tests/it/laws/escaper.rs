//! The escaper: what it shows misleads nobody, and says what was there.
//!
//! An input is a text.

use keyward::domain::sanitize::{Quoted, Safe, harmless};
use keyward::output::json;

use super::shown::{assert_harmless, misleads};

/// Holds the escaper to its laws.
pub fn hold(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    is_shown_safely(&text);
    is_one_word_of_a_shell(&text);
    is_caught_by_the_last_net(&text);
    is_plain_json(&text);
}

/// Nothing is obeyed, nothing is lost, and what needs no escape has none.
fn is_shown_safely(text: &str) {
    let shown = Safe(text).to_string();
    assert_harmless(&shown);
    assert_eq!(unescaped(&shown), text);
    assert_eq!(harmless(&shown), shown);
    let is_plain = |character: char| {
        !misleads(character) && !matches!(character, '\\' | '#' | ':' | char::REPLACEMENT_CHARACTER)
    };
    assert!(!text.chars().all(is_plain) || shown == text);
}

/// Reads `\t \n \r \\` and `\u{…}` as Rust does.
fn unescaped(shown: &str) -> String {
    let mut text = String::new();
    let mut characters = shown.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        text.push(match characters.next() {
            Some('t') => '\t',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('\\') => '\\',
            Some('u') => {
                let rest = characters.as_str().strip_prefix('{').expect("a brace");
                let (digits, rest) = rest.split_once('}').expect("its end");
                characters = rest.chars();
                let code = u32::from_str_radix(digits, 16).expect("a number");
                char::from_u32(code).expect("a character")
            }
            other => panic!("{other:?} is escaped in {shown:?}"),
        });
    }
    text
}

/// A shell reads the quoted text as one word: the text itself, but that what nobody can type stays escaped.
fn is_one_word_of_a_shell(text: &str) {
    let quoted = Quoted(text).to_string();
    assert_harmless(&quoted);
    let is_typed =
        |character: char| !misleads(character) && character != char::REPLACEMENT_CHARACTER;
    let expected: String = text
        .chars()
        .map(|character| match is_typed(character) {
            true => character.to_string(),
            false => Safe(character.encode_utf8(&mut [0; 4])).to_string(),
        })
        .collect();
    assert_eq!(word(&quoted), expected, "{quoted}");
}

/// The only word of a command line, by the rules of POSIX's shell (2.2 Quoting). Outside of quotes there is nothing that any
/// shell takes for more than itself.
fn word(line: &str) -> String {
    let mut word = String::new();
    let mut quote = None;
    let mut is_there = false;
    for character in line.chars() {
        match (quote, character) {
            (None, '\'' | '"') => (quote, is_there) = (Some(character), true),
            (Some(open), _) if open == character => quote = None,
            (Some('"'), '$' | '`' | '\\' | '!') => panic!("{character} is obeyed in {line}"),
            (Some(_), _) => word.push(character),
            (None, _) => {
                let is_itself =
                    character.is_ascii_alphanumeric() || "/._-+:@%,".contains(character);
                assert!(is_itself, "{character} is not quoted in {line}");
                is_there = true;
                word.push(character);
            }
        }
    }
    assert!(quote.is_none() && is_there, "no word: {line}");
    word
}

/// The last net keeps line feeds, lets nothing else through that misleads, and changes nothing twice.
fn is_caught_by_the_last_net(text: &str) {
    let caught = harmless(text);
    for line in caught.split('\n') {
        assert!(!line.chars().any(misleads), "{caught:?}");
        assert!(!line.contains("##"), "{caught:?}");
    }
    assert_eq!(harmless(&caught), caught);
    assert_eq!(caught.matches('\n').count(), text.matches('\n').count());
}

/// As JSON it is printable ASCII, and comes back.
fn is_plain_json(text: &str) {
    let shown = json::to_string(&text);
    assert!(shown.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    assert_harmless(&shown);
    let back: String = serde_json::from_str(&shown).expect(&shown);
    assert_eq!(back, text);
}
