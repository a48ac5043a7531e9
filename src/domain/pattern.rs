//! Regular expressions for a store's tokens, for scanners that cannot prove anything.
//!
//! They have no look-around, no flags and no group that captures, so RE2, Hyperscan, PCRE, Rust, Python and JavaScript read them
//! alike. Only `.` is escaped: with the flag `u`, JavaScript refuses to escape what needs none.

use crate::domain::alphabet::Alphabet;
use crate::domain::scan::is_opaque;
use crate::domain::template::Part;
use crate::domain::token::TokenFormat;

/// A rule for the tokens of one format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// `keyward-` and a word that distinguishes it from the others.
    pub id: String,
    pub regex: String,
    /// What every token begins with, one for each environment.
    pub keywords: Vec<String>,
    /// What looks like a token, and whose checksum is wrong.
    pub example: String,
}

impl Pattern {
    /// The rule for a format; nothing where tokens have neither a front nor a checksum, because it would match anything.
    pub fn of(format: &TokenFormat, id: String) -> Option<Self> {
        if is_opaque(format) && !format.template.has(&Part::Checksum) {
            return None;
        }
        Some(Self {
            id,
            regex: regex(format),
            keywords: format.fronts().filter(|front| !front.is_empty()).collect(),
            example: example(format)?,
        })
    }
}

fn regex(format: &TokenFormat) -> String {
    let (mut regex, mut random) = (String::new(), 0);
    let class = match format.alphabet {
        Alphabet::Base62 => "[0-9A-Za-z]",
        Alphabet::Base58 => "[1-9A-HJ-NP-Za-km-z]",
        Alphabet::Base36 => "[0-9a-z]",
        Alphabet::Hex => "[0-9a-f]",
    };
    let literal = |regex: &mut String, random: &mut usize, text: &str| {
        if *random > 0 {
            *regex += &format!("{class}{{{random}}}");
            *random = 0;
        }
        *regex += text;
    };
    for part in format.template.parts() {
        match part {
            Part::Literal(text) => literal(&mut regex, &mut random, &escaped(text)),
            Part::Prefix => literal(&mut regex, &mut random, &escaped(&format.prefix)),
            Part::Environment => {
                let environments: Vec<String> =
                    format.environments.iter().map(|one| escaped(one)).collect();
                let alternatives = match &environments[..] {
                    [one] => one.clone(),
                    several => format!("(?:{})", several.join("|")),
                };
                literal(&mut regex, &mut random, &alternatives);
            }
            Part::Short(length) | Part::Secret(length) => random += length,
            Part::Checksum => random += format.alphabet.checksum_width(),
        }
    }
    literal(&mut regex, &mut random, "");
    regex
}

fn escaped(text: &str) -> String {
    text.replace('.', "\\.")
}

/// A text of the format that nobody was ever given: its random parts count up, and its checksum is wrong.
fn example(format: &TokenFormat) -> Option<String> {
    let environment = format.environments.first()?;
    let characters = format.alphabet.characters();
    let mut counting = characters.iter().cycle().copied().map(char::from);
    let mut token = String::new();
    for part in format.template.parts() {
        match part {
            Part::Literal(text) => token += text,
            Part::Prefix => token += &format.prefix,
            Part::Environment => token += environment,
            Part::Short(length) | Part::Secret(length) => {
                token.extend(counting.by_ref().take(*length));
            }
            Part::Checksum => {
                let mut checksum = format.alphabet.checksum(&token).into_bytes();
                let last = checksum.last_mut()?;
                *last = *characters.iter().find(|character| *character != last)?;
                token += std::str::from_utf8(&checksum).ok()?;
            }
        }
    }
    Some(token)
}

/// A workspace's name as part of an id.
pub fn slug(name: &str) -> String {
    let plain = |character: char| match character.is_ascii_alphanumeric() {
        true => character.to_ascii_lowercase(),
        false => '-',
    };
    let slug: String = name.chars().map(plain).collect();
    slug.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::preset;

    #[test]
    fn each_preset_has_the_rule_that_its_tokens_match() {
        for (name, expected) in [
            ("default", Some("kw_(?:live|test)_[0-9A-Za-z]{50}")),
            ("scrapewise", Some("sw_live_[0-9A-Za-z]{7}\\.[0-9A-Za-z]{40}")),
            ("azscraper", None),
            ("audioscrape", None),
        ] {
            let format = preset::load(name).expect(name).token_format().expect(name);
            let pattern = Pattern::of(&format, format!("keyward-{name}"));
            assert_eq!(pattern.as_ref().map(|pattern| pattern.regex.as_str()), expected, "{name}");
            if let Some(pattern) = pattern {
                let has_checksum = format.template.has(&Part::Checksum);
                assert_eq!(format.recognises(&pattern.example), !has_checksum, "{name}");
            }
        }
    }

    #[test]
    fn a_name_becomes_part_of_an_id() {
        assert_eq!(slug("Acme Corp."), "acme-corp");
        assert_eq!(slug("鍵"), "");
    }
}
