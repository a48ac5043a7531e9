//! A token format that keys of a store have or once had, by which a scan finds them.

use crate::domain::alphabet::Alphabet;
use crate::domain::key::Key;
use crate::domain::policy::Policy;
use crate::domain::token::TokenFormat;
use crate::error::Result;

/// A format, as a store keeps it for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownFormat {
    /// What a policy's keys look like.
    Minted(TokenFormat),
    /// What tokens of imported keys begin with, of which nothing else is known.
    Front(String),
}

/// The shortest front that distinguishes tokens from other text, in bytes.
pub const SHORTEST_FRONT: usize = 4;

impl KnownFormat {
    /// Puts a format together from its parts. Without a template, the prefix is all that is known of it.
    pub fn new(
        template: &str,
        alphabet: &str,
        prefix: &str,
        environments: Vec<String>,
    ) -> Result<Self> {
        if template.is_empty() {
            return Ok(Self::Front(prefix.to_owned()));
        }
        let policy = Policy {
            token: template.to_owned(),
            alphabet: Alphabet::of(alphabet).unwrap_or(Alphabet::Base62),
            prefix: prefix.to_owned(),
            environments,
            ..Policy::default()
        };
        policy.check()?;
        policy.token_format().map(Self::Minted)
    }

    /// The template, the alphabet's word, the prefix and the environments, which are what [`Self::new`] takes.
    pub fn parts(&self) -> (String, &'static str, &str, &[String]) {
        match self {
            Self::Minted(format) => (
                format.template.to_string(),
                format.alphabet.word(),
                &format.prefix,
                &format.environments,
            ),
            Self::Front(front) => (String::new(), "", front, &[]),
        }
    }

    /// What the token of a key begins with, where that could be the beginning of others.
    pub fn front_of(key: &Key) -> Option<&str> {
        let front = key.prefix.strip_suffix(key.short.as_str())?;
        (front.len() >= SHORTEST_FRONT).then_some(front)
    }

    /// Whether tokens of this format begin so. The separator that follows a front is not part of a key's prefix.
    pub fn begins(&self, front: &str) -> bool {
        let separators = ['_', '.', '-'];
        match self {
            Self::Front(own) => own == front,
            Self::Minted(format) => {
                format.fronts().any(|own| own == front || own.trim_end_matches(separators) == front)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::tests::sample;
    use crate::domain::preset;

    #[test]
    fn a_format_is_put_together_again_from_its_parts() {
        for policy in preset::all() {
            let format = KnownFormat::Minted(policy.token_format().expect("a format"));
            let (template, alphabet, prefix, environments) = format.parts();
            let again = KnownFormat::new(&template, alphabet, prefix, environments.to_vec());
            assert_eq!(again.expect("the same"), format);
        }
        let front = KnownFormat::Front("sk_live_".to_owned());
        let (template, alphabet, prefix, environments) = front.parts();
        let again = KnownFormat::new(&template, alphabet, prefix, environments.to_vec());
        assert_eq!(again.expect("the same"), front);
    }

    #[test]
    fn the_front_of_a_key_is_known_where_a_format_has_it() {
        let policy = preset::load("scrapewise").expect("a preset");
        let format = KnownFormat::Minted(policy.token_format().expect("a format"));
        let mut key = sample();
        for (prefix, short, front, is_known) in [
            ("sw_live_abc1234", "abc1234", Some("sw_live_"), true),
            ("sw_live", "", Some("sw_live"), true),
            ("sk_live_ab", "ab", Some("sk_live_"), false),
            ("", "", None, false),
            ("sk_ab", "ab", None, false),
        ] {
            (key.prefix, key.short) = (prefix.to_owned(), short.to_owned());
            assert_eq!(KnownFormat::front_of(&key), front);
            assert_eq!(front.is_some_and(|front| format.begins(front)), is_known, "{prefix}");
        }
    }
}
