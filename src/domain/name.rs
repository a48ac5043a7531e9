//! Names people give: what a key or a workspace may be called.
//!
//! This module never prints a name; `domain::sanitize` does, because a store may hold names that no rule let in.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::error::{Error, Kind};

/// The longest name, in characters (the limit of scrapewise's page).
pub const MAXIMUM_LENGTH: usize = 64;

/// A checked name: 1 to 64 characters in Unicode's form NFC (UAX #15), none of them invisible or blank but spaces, and those
/// not at the edges.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes the names of a bulk mint: `NAME-1` to `NAME-count`, or the name alone for one.
    ///
    /// # Errors
    /// `invalid_name` when the longest of them is too long.
    pub fn numbered(&self, count: u32) -> Result<Vec<Self>, Error> {
        if count == 1 {
            return Ok(vec![self.clone()]);
        }
        (1..=count).map(|number| format!("{}-{number}", self.0).parse()).collect()
    }
}

impl FromStr for Name {
    type Err = Error;

    /// Reads a name; other forms than NFC are composed.
    fn from_str(text: &str) -> Result<Self, Error> {
        let text = &composed(text);
        let length = text.chars().count();
        if length == 0 {
            return Err(Error::new(Kind::InvalidName, "the name is empty"));
        }
        if length > MAXIMUM_LENGTH {
            return Err(Error::new(Kind::InvalidName, format!("the name has {length} characters"))
                .hinted(format!("a name has at most {MAXIMUM_LENGTH}")));
        }
        if let Some(character) = text.chars().find(|character| is_invisible(*character)) {
            return Err(Error::new(
                Kind::InvalidName,
                format!("the name contains the invisible character U+{:04X}", u32::from(character)),
            )
            .hinted("names have no control, bidirectional or zero-width characters"));
        }
        if let Some(character) = text.chars().find(|character| is_blank(*character)) {
            return Err(Error::new(
                Kind::InvalidName,
                format!("the name contains the blank character U+{:04X}", u32::from(character)),
            )
            .hinted("the only blank character in names is the space, U+0020"));
        }
        if text.trim() != *text {
            return Err(Error::new(Kind::InvalidName, "the name begins or ends with a space"));
        }
        Ok(Self(text.clone().into_owned()))
    }
}

/// A text in the form that names have.
pub fn composed(text: &str) -> Cow<'_, str> {
    if is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// The ways in which a store may have a name, the one that was typed first: older keywards took names in any form.
pub fn spellings(text: &str) -> Vec<Cow<'_, str>> {
    let mut spellings = vec![Cow::Borrowed(text)];
    if !text.is_ascii() {
        for other in [composed(text), Cow::Owned(text.nfd().collect())] {
            if !spellings.contains(&other) {
                spellings.push(other);
            }
        }
    }
    spellings
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Whether a character could change how a line looks without being seen itself.
///
/// Control characters (General_Category Cc), the line and paragraph separators (Zl, Zp), Bidi_Control, and
/// Default_Ignorable_Code_Point (Unicode 16, DerivedCoreProperties.txt): joiners, fillers, the soft hyphen, variation
/// selectors, the byte order mark and tags. Besides, what has no such property and shows nothing all the same: interlinear
/// marks, the object replacement character, the blank Braille pattern and note head, Egyptian joiners and blanks, and the
/// Khitan filler.
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}' | '\u{13430}'..='\u{1343f}' | '\u{13441}' | '\u{13442}' | '\u{16fe4}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character is white space (White_Space, Unicode 16, PropList.txt) that looks like a space but is not one.
fn is_blank(character: char) -> bool {
    character.is_whitespace() && character != ' '
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_up_to_64_characters_in_any_script_are_taken() {
        for name in ["ci", "ci pipeline", "übergabe-ключ-鍵", &"é".repeat(64)] {
            assert!(name.parse::<Name>().is_ok(), "{name}");
        }
    }

    #[test]
    fn names_that_could_mislead_are_refused() {
        let long = "n".repeat(65);
        for name in [
            "",
            " ci",
            "ci ",
            "a\nb",
            "a\u{1b}[2Jb",
            "a\u{9b}b",
            "a\u{202e}b",
            "a\u{200b}b",
            "\u{feff}a",
            &long,
            "a\u{2066}b",
            "a\u{7f}",
            "a\u{e0041}b",
            "\u{a0}a",
            "a\u{a0}b",
            "a\u{3000}b",
            "\u{2800}",
            "a\u{2800}b",
            "a\u{3164}b",
            "\u{115f}\u{1160}",
            "a\u{ffa0}",
            "a\u{ad}b",
            "a\u{1d159}b",
            "a\u{13441}b",
        ] {
            assert_eq!(name.parse::<Name>().expect_err(name).kind(), Kind::InvalidName);
        }
    }

    #[test]
    fn names_in_other_forms_are_composed() {
        for (text, name) in [
            ("cafe\u{301}", "caf\u{e9}"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            ("\u{212b}", "\u{c5}"),
            (&"e\u{301}".repeat(64), &"\u{e9}".repeat(64)),
        ] {
            assert_eq!(text.parse::<Name>().expect(text).as_str(), name);
            assert!(spellings(name).contains(&text.nfd().collect::<String>().into()));
            assert!(spellings(text).contains(&name.into()));
        }
        assert_eq!(spellings("ci"), ["ci"]);
    }

    #[test]
    fn bulk_names_are_numbered_from_one() {
        let name: Name = "ci".parse().expect("fine");
        let names: Vec<String> =
            name.numbered(3).expect("short").iter().map(Name::to_string).collect();
        assert_eq!(names, ["ci-1", "ci-2", "ci-3"]);
        assert_eq!(name.numbered(1).expect("short"), [name]);
    }
}
