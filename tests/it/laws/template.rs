//! Templates: a template is printed as it was read, and what is minted after it has its shape and is recognised.
//!
//! An input is a template's line; the words of an alphabet, a prefix and environments in the second; and whatever is left
//! is where randomness begins.

use keyward::domain::alphabet::Alphabet;
use keyward::domain::secret::MAXIMUM_LENGTH;
use keyward::domain::template::{MAXIMUM_PART, Part, Template};
use keyward::domain::token::{HINT_LENGTH, TokenFormat};
use keyward::error::Kind;

use super::reference;
use super::repeatable::Repeatable;
use super::shown::assert_presentable;

/// Holds templates to their laws.
pub fn hold(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (line, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let (words, seed) = rest.split_once('\n').unwrap_or((rest, ""));
    match line.parse::<Template>() {
        Ok(template) => {
            is_as_it_was_written(line, &template);
            let format = format(template, words);
            for environment in &format.environments {
                is_minted_and_recognised(&format, environment, seed);
            }
        }
        Err(error) => {
            assert_eq!(error.kind(), Kind::InvalidPolicy);
            assert_presentable(&error);
        }
    }
}

/// A template is its own text, and is arranged so that its tokens can be read back.
fn is_as_it_was_written(line: &str, template: &Template) {
    assert!(line.len() <= 200 && line.is_ascii());
    let printed = template.to_string();
    assert_eq!(&printed.parse::<Template>().expect(&printed), template);
    // Only a number can be written in several ways.
    let unpadded = |text: &str| text.replace(['+', '0'], "");
    assert_eq!(unpadded(&printed), unpadded(line));
    let secret = printed.find("{secret:").expect("a secret");
    for (name, count) in [("{secret:", 1..=1), ("{short:", 0..=1), ("{prefix}", 0..=1)] {
        assert!(count.contains(&printed.matches(name).count()), "{printed}");
    }
    for public in ["{short:", "{prefix}", "{env}"] {
        assert!(printed.rfind(public).is_none_or(|at| at < secret));
    }
    assert!(printed.find("{crc}").is_none_or(|at| at == printed.len() - 5));
    let parts = template.parts();
    let are_literals = |pair: &[Part]| matches!(pair, [Part::Literal(_), Part::Literal(_)]);
    assert!(!parts.windows(2).any(are_literals));
    for part in parts {
        if let Part::Short(length) | Part::Secret(length) = part {
            assert!((1..=MAXIMUM_PART).contains(length));
        }
        assert!(template.has(part));
    }
}

/// A format as a policy could have it.
fn format(template: Template, words: &str) -> TokenFormat {
    let mut words = words.split(' ');
    let alphabet = match words.next() {
        Some("base58") => Alphabet::Base58,
        Some("base36") => Alphabet::Base36,
        Some("hex") => Alphabet::Hex,
        _ => Alphabet::Base62,
    };
    let is_prefix = |word: &&str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        (1..=16).contains(&word.len()) && word.bytes().all(allowed)
    };
    let is_environment = |word: &&str| {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        (1..=16).contains(&word.len()) && word.bytes().all(allowed)
    };
    let prefix = words.next().filter(is_prefix).unwrap_or("kw").to_owned();
    let mut environments: Vec<String> =
        words.filter(is_environment).map(str::to_owned).take(4).collect();
    environments.sort();
    environments.dedup();
    if environments.is_empty() {
        environments = vec!["live".to_owned(), "test".to_owned()];
    }
    if !template.has(&Part::Environment) {
        environments.truncate(1);
    }
    TokenFormat { template, alphabet, prefix, environments }
}

fn is_minted_and_recognised(format: &TokenFormat, environment: &str, seed: &str) {
    let mut random = Repeatable::from(seed.as_bytes());
    let minted = format.mint(environment, &mut random).expect("random");
    let token = minted.secret.expose();
    assert!(token.is_ascii() && token.len() <= MAXIMUM_LENGTH);
    assert_eq!(token.len(), reference::length(format, environment));
    assert!(reference::recognises(format, token.as_bytes()), "{token}");
    assert!(format.recognises(token), "{token}");

    // Its public parts are the front of it, and the hint the end of its secret part.
    assert!(token.starts_with(&minted.prefix));
    assert!(!minted.prefix.ends_with(['_', '.', '-']));
    let mut rest = token;
    for part in format.template.parts() {
        let length = match part {
            Part::Literal(text) => text.len(),
            Part::Prefix => format.prefix.len(),
            Part::Environment => environment.len(),
            Part::Short(length) | Part::Secret(length) => *length,
            Part::Checksum => rest.len(),
        };
        let (here, after) = rest.split_at(length);
        match part {
            Part::Short(_) => assert_eq!(here, minted.short),
            Part::Secret(length) => {
                assert!(here.ends_with(&minted.hint));
                assert_eq!(minted.hint.len(), HINT_LENGTH.min(*length));
                // What is shown tells nothing of what is secret.
                let public = token.len() - rest.len();
                assert!(minted.prefix.len() <= public);
                let drawn = format!("{}{here}", minted.short);
                assert!(drawn.bytes().any(|byte| byte.is_ascii_digit()));
            }
            _ => {}
        }
        rest = after;
    }

    // A token of one environment is none of the others.
    let mut others = format.clone();
    others.environments.retain(|other| other != environment);
    assert!(!others.recognises(token), "{token}");

    let secret = format.secret_bits();
    let hidden = format.template.secret_length().saturating_sub(HINT_LENGTH);
    let bits = (format.alphabet.characters().len() as f64).log2() * hidden as f64;
    assert!((secret - bits).abs() < 1e-6);
}
