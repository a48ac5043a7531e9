//! Making a token and recognising one: the format a policy defines, put to work.

use rand::TryCryptoRng;
use zeroize::Zeroize;

use crate::domain::alphabet::Alphabet;
use crate::domain::secret::Secret;
use crate::domain::template::{Part, Template};
use crate::error::{Error, Kind, Result};

/// How many of the secret's last characters are shown as the hint.
pub const HINT_LENGTH: usize = 4;
/// Secret bits that must remain when the hint is known (OWASP ASVS 5.0, 7.2.3 and 11.5.1 ask for 128).
pub const MINIMUM_BITS: f64 = 128.0;

/// How many characters that every token has make one known for a token.
const DISTINCTIVE: usize = 3;

/// Everything that decides what a policy's tokens look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFormat {
    pub template: Template,
    /// What the random parts and the checksum are written in.
    pub alphabet: Alphabet,
    /// The text for `{prefix}`.
    pub prefix: String,
    /// The texts for `{env}`.
    pub environments: Vec<String>,
}

/// How long a token is, and where its hint begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    pub length: usize,
    pub hint: usize,
}

/// A fresh token with its public parts.
#[derive(Debug)]
pub struct MintedToken {
    pub secret: Secret,
    /// The public front: everything up to the secret part, trailing separators left off.
    pub prefix: String,
    /// The random part of the front alone; empty when the template has none.
    pub short: String,
    /// The last characters of the secret part.
    pub hint: String,
}

impl TokenFormat {
    /// Random bits that stay secret once the hint is shown.
    pub fn secret_bits(&self) -> f64 {
        let hidden = self.template.secret_length().saturating_sub(HINT_LENGTH);
        hidden as f64 * self.alphabet.bits_per_character()
    }

    /// Makes a token for an environment.
    ///
    /// Random characters are drawn again until one of them is a digit, because scanners' generic rules pass over words
    /// without one (gitleaks ignores `^[a-zA-Z_.-]+$`). A generator that fails ends it: no weaker source is tried.
    pub fn mint<R: TryCryptoRng>(&self, environment: &str, rng: &mut R) -> Result<MintedToken> {
        let short_length = self.template.parts().iter().find_map(|part| match part {
            Part::Short(length) => Some(*length),
            _ => None,
        });
        let short_length = short_length.unwrap_or(0);
        let mut random = self.draw(short_length + self.template.secret_length(), rng)?;
        let minted = self.assemble(environment, &random[..short_length], &random[short_length..]);
        random.zeroize();
        Ok(minted)
    }

    /// Whether a text of this format is hardly anything else: it has a checksum, or enough that is the same in every token.
    pub fn is_distinctive(&self) -> bool {
        let fixed = self.template.parts().iter().map(|part| match part {
            Part::Literal(text) => text.len(),
            Part::Prefix => self.prefix.len(),
            Part::Checksum => DISTINCTIVE,
            Part::Environment | Part::Short(_) | Part::Secret(_) => 0,
        });
        fixed.sum::<usize>() >= DISTINCTIVE
    }

    /// Whether the text has this format: its length, literals, environment, alphabet and checksum.
    pub fn recognises(&self, token: &str) -> bool {
        self.short_of(token).is_some()
    }

    /// The random public part of a text that has this format; empty when the format has none.
    pub fn short_of<'t>(&self, token: &'t str) -> Option<&'t str> {
        let mut environments = self.environments.iter();
        environments.find_map(|environment| self.fit(token, environment))
    }

    /// What tokens of each environment begin with, up to the first random part.
    pub fn fronts(&self) -> impl Iterator<Item = String> {
        self.environments.iter().map(|environment| self.front(environment))
    }

    /// How long a token of an environment is, and where in it its hint begins, in characters.
    pub fn measure(&self, environment: &str) -> Measure {
        let (mut length, mut hint) = (0, 0);
        for part in self.template.parts() {
            length += match part {
                Part::Literal(text) => text.len(),
                Part::Prefix => self.prefix.len(),
                Part::Environment => environment.len(),
                Part::Short(length) | Part::Secret(length) => *length,
                Part::Checksum => self.alphabet.checksum_width(),
            };
            if matches!(part, Part::Secret(_)) {
                hint = length - HINT_LENGTH;
            }
        }
        Measure { length, hint }
    }

    /// Every character that a token of this format may have, some of them several times.
    pub fn characters(&self) -> impl Iterator<Item = u8> {
        let literals = self.template.parts().iter().filter_map(|part| match part {
            Part::Literal(text) => Some(text.as_str()),
            Part::Prefix => Some(&self.prefix),
            _ => None,
        });
        let environments = self.environments.iter().map(String::as_str);
        let fixed = literals.chain(environments).flat_map(str::bytes);
        self.alphabet.characters().iter().copied().chain(fixed)
    }

    /// The public front of a text that has this format, and its environment.
    pub fn public_parts(&self, token: &str) -> Option<(String, &str)> {
        let mut environments = self.environments.iter();
        let environment =
            environments.find(|environment| self.recognises_in(token, environment))?;
        let secret = self.measure(environment).hint + HINT_LENGTH - self.template.secret_length();
        let front = token[..secret].trim_end_matches(['_', '.', '-']);
        Some((front.to_owned(), environment))
    }

    pub fn recognises_in(&self, token: &str, environment: &str) -> bool {
        self.fit(token, environment).is_some()
    }

    fn front(&self, environment: &str) -> String {
        let parts = self.template.parts().iter().map_while(|part| match part {
            Part::Literal(text) => Some(text.as_str()),
            Part::Prefix => Some(&self.prefix),
            Part::Environment => Some(environment),
            Part::Short(_) | Part::Secret(_) | Part::Checksum => None,
        });
        parts.collect()
    }

    fn fit<'t>(&self, token: &'t str, environment: &str) -> Option<&'t str> {
        let (mut rest, mut short) = (token, "");
        for part in self.template.parts() {
            let after = match part {
                Part::Literal(text) => rest.strip_prefix(text.as_str()),
                Part::Prefix => rest.strip_prefix(self.prefix.as_str()),
                Part::Environment => rest.strip_prefix(environment),
                Part::Short(length) | Part::Secret(length) => self.strip_random(rest, *length),
                Part::Checksum => {
                    let front = &token[..token.len() - rest.len()];
                    rest.strip_prefix(self.alphabet.checksum(front).as_str())
                }
            };
            let after = after?;
            if let Part::Short(length) = part {
                short = rest.get(..*length)?;
            }
            rest = after;
        }
        rest.is_empty().then_some(short)
    }

    fn strip_random<'a>(&self, text: &'a str, length: usize) -> Option<&'a str> {
        let (random, rest) = text.split_at_checked(length)?;
        self.alphabet.holds(random.as_bytes()).then_some(rest)
    }

    fn assemble(&self, environment: &str, short: &str, secret: &str) -> MintedToken {
        // SECURITY: the buffer gets its final capacity at once, so that growing it leaves no copy behind.
        let capacity = self.prefix.len() + environment.len() + short.len() + secret.len() + 256;
        let mut token = String::with_capacity(capacity);
        let mut prefix = String::new();
        for part in self.template.parts() {
            match part {
                Part::Literal(text) => token.push_str(text),
                Part::Prefix => token.push_str(&self.prefix),
                Part::Environment => token.push_str(environment),
                Part::Short(_) => token.push_str(short),
                Part::Secret(_) => {
                    prefix = token.trim_end_matches(['_', '.', '-']).to_owned();
                    token.push_str(secret);
                }
                Part::Checksum => token.push_str(&self.alphabet.checksum(&token)),
            }
        }
        MintedToken {
            secret: Secret::new(token),
            prefix,
            short: short.to_owned(),
            hint: secret[secret.len().saturating_sub(HINT_LENGTH)..].to_owned(),
        }
    }

    fn draw<R: TryCryptoRng>(&self, length: usize, rng: &mut R) -> Result<String> {
        loop {
            let mut random = String::with_capacity(length);
            let mut bytes = [0u8; 64];
            while random.len() < length {
                rng.try_fill_bytes(&mut bytes).map_err(|error| {
                    Error::new(
                        Kind::Internal,
                        format!("the system's random generator failed: {error}"),
                    )
                })?;
                let wanted = length - random.len();
                let picked = bytes.iter().filter_map(|byte| self.alphabet.pick(*byte));
                random.extend(picked.take(wanted).map(char::from));
            }
            bytes.zeroize();
            if random.bytes().any(|byte| byte.is_ascii_digit()) {
                return Ok(random);
            }
            random.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::SystemRandom;

    fn format(template: &str, alphabet: Alphabet) -> TokenFormat {
        TokenFormat {
            template: template.parse().expect(template),
            alphabet,
            prefix: "acme".to_owned(),
            environments: vec!["live".to_owned(), "test".to_owned()],
        }
    }

    #[test]
    fn a_minted_token_shows_its_front_and_its_hint() {
        let format = format("{prefix}_{env}_{short:12}{secret:32}{crc}", Alphabet::Base62);
        let minted = format.mint("live", &mut SystemRandom).expect("random");
        let token = minted.secret.expose();
        assert_eq!(token.len(), "acme_live_".len() + 12 + 32 + 6);
        assert_eq!(minted.prefix, format!("acme_live_{}", minted.short));
        assert!(token.starts_with(&minted.prefix));
        assert_eq!(&token[token.len() - 10..token.len() - 6], minted.hint);
    }

    #[test]
    fn every_change_of_one_character_is_a_typo() {
        let format = format("{prefix}_{env}_{short:12}{secret:32}{crc}", Alphabet::Base62);
        let token =
            format.mint("test", &mut SystemRandom).expect("random").secret.expose().to_owned();
        assert!(format.recognises(&token));
        for at in 0..token.len() {
            for replacement in ["0", "a", "Z", "_"] {
                let mut changed = token.clone();
                changed.replace_range(at..=at, replacement);
                assert_eq!(format.recognises(&changed), changed == token, "{changed}");
            }
        }
    }

    #[test]
    fn a_generator_that_fails_ends_the_minting() {
        struct Broken;
        impl rand::TryRng for Broken {
            type Error = std::fmt::Error;
            fn try_next_u32(&mut self) -> std::result::Result<u32, Self::Error> {
                Err(std::fmt::Error)
            }
            fn try_next_u64(&mut self) -> std::result::Result<u64, Self::Error> {
                Err(std::fmt::Error)
            }
            fn try_fill_bytes(&mut self, _: &mut [u8]) -> std::result::Result<(), Self::Error> {
                Err(std::fmt::Error)
            }
        }
        impl TryCryptoRng for Broken {}
        let format = format("{secret:32}", Alphabet::Base62);
        assert_eq!(
            format.mint("live", &mut Broken).expect_err("no randomness").kind(),
            Kind::Internal
        );
    }

    fn alphabets() -> impl Strategy<Value = Alphabet> {
        prop_oneof![
            Just(Alphabet::Base62),
            Just(Alphabet::Base58),
            Just(Alphabet::Base36),
            Just(Alphabet::Hex)
        ]
    }

    proptest! {
        #[test]
        fn what_is_minted_is_recognised_and_holds_a_digit(
            alphabet in alphabets(),
            short in 1usize..20,
            secret in 4usize..60,
            checked in any::<bool>(),
            live in any::<bool>(),
        ) {
            let crc = if checked { "{crc}" } else { "" };
            let template = format!("{{prefix}}-{{env}}.{{short:{short}}}_{{secret:{secret}}}{crc}");
            let format = format(&template, alphabet);
            let minted = format.mint(if live { "live" } else { "test" }, &mut SystemRandom).expect("random");
            prop_assert!(format.recognises(minted.secret.expose()));
            prop_assert!(minted.secret.expose().bytes().any(|byte| byte.is_ascii_digit()));
            let longer = format!("{}0", minted.secret.expose());
            prop_assert!(!format.recognises(&longer));
        }

        #[test]
        fn no_input_upsets_recognition(token in "\\PC{0,80}") {
            let format = format("{prefix}_{env}_{short:12}{secret:32}{crc}", Alphabet::Base62);
            prop_assert!(!format.recognises(&token));
        }
    }
}
