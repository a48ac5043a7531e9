//! Enums whose every variant has one word, which scripts, the store and the trail use for it; numbers with their nouns; and
//! the word that was probably meant by a misspelled one.

use std::fmt;

/// A number with its noun: "1 key", "2 keys".
pub fn counted(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// How far a long job has come: so many of so many things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// What was done to them.
    pub verb: &'static str,
    /// How many it was done to.
    pub done: u64,
    /// How many there are.
    pub of: u64,
    /// What they are, in the plural.
    pub unit: &'static str,
}

/// `checked 120000 of 1000000 keys`.
impl fmt::Display for Reached {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, done, of, unit } = self;
        write!(formatter, "{verb} {done} of {of} {unit}")
    }
}

/// Declares such an enum: each variant with its word. It gets `word`, `ALL` and `of`, and is serialised as its word.
macro_rules! words {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $($(#[$about:meta])* $variant:ident = $word:literal,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$about])* $variant,)*
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            pub fn of(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }

        #[cfg(feature = "cli")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "enum": [$($word),*] })
            }
        }
    };
}

pub(crate) use words;

/// The word that is nearest to what was typed, if one is near enough: a letter or two that are wrong, missing, too many or
/// changed about.
pub fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = typed.to_lowercase();
    let length = folded.chars().count();
    let enough = match length {
        0 | 1 => 0,
        2..=5 => 1,
        _ => 2,
    };
    let near = words.into_iter().filter_map(|word| {
        let distance = strsim::osa_distance(&folded, &word.to_lowercase());
        (distance <= enough).then_some((distance, word))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_near_and_another_word_is_not() {
        let words = ["default", "staging", "live", "test"];
        for (typed, meant) in [
            ("defalt", "default"),
            ("deafult", "default"),
            ("Default", "default"),
            ("stagingg", "staging"),
            ("lvie", "live"),
            ("tset", "test"),
        ] {
            assert_eq!(nearest(typed, words), Some(meant), "{typed}");
        }
        for typed in ["", "l", "production", "prod", "vile!", "xx"] {
            assert_eq!(nearest(typed, words), None, "{typed}");
        }
    }
}
