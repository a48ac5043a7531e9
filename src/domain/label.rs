//! Owners and labels: free words an operator keeps beside a key.

use std::str::FromStr;

use crate::domain::name::is_invisible;
use crate::error::{Error, Kind};

/// The longest owner and label value, in characters.
const MAXIMUM_LENGTH: usize = 256;
/// The longest label name, in characters.
const MAXIMUM_KEY: usize = 63;

/// A `K=V` pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The part before the first `=`.
    pub name: String,
    /// The part after it; may be empty.
    pub value: String,
}

impl FromStr for Label {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| Error::usage("a label has the form NAME=VALUE"))?;
        let allowed =
            |character: char| character.is_ascii_alphanumeric() || "._/-".contains(character);
        if name.is_empty() || name.len() > MAXIMUM_KEY || !name.chars().all(allowed) {
            return Err(Error::usage(format!(
                "a label's name has 1 to {MAXIMUM_KEY} characters of A-Z a-z 0-9 . _ / -"
            )));
        }
        check_text("label's value", value)?;
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

/// The owner of a key: a person, a team, a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner(pub String);

impl FromStr for Owner {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.trim() != text || text.is_empty() {
            return Err(Error::new(Kind::Usage, "the owner is empty or has a space at its edge")
                .hinted("pass --clear-owner to `keyward set` to remove an owner"));
        }
        check_text("owner", text)?;
        Ok(Self(text.to_owned()))
    }
}

/// Refuses a text that is too long or holds invisible characters.
pub fn check_text(what: &str, text: &str) -> Result<(), Error> {
    if text.chars().count() > MAXIMUM_LENGTH {
        return Err(Error::usage(format!("the {what} is longer than {MAXIMUM_LENGTH} characters")));
    }
    match text.chars().find(|character| is_invisible(*character)) {
        Some(character) => Err(Error::usage(format!(
            "the {what} contains the invisible character U+{:04X}",
            u32::from(character)
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_splits_at_its_first_equals_sign() {
        let label: Label = "team=core=1".parse().expect("fine");
        assert_eq!((label.name.as_str(), label.value.as_str()), ("team", "core=1"));
    }

    #[test]
    fn labels_and_owners_that_could_mislead_are_refused() {
        for text in ["team", "=core", "a b=c", "a=\u{202e}"] {
            assert_eq!(text.parse::<Label>().expect_err(text).kind(), Kind::Usage);
        }
        for text in ["", " a", "a\n"] {
            assert_eq!(text.parse::<Owner>().expect_err(text).kind(), Kind::Usage);
        }
    }
}
