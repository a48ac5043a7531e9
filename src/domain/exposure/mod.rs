//! Telling a secret from an ordinary word: arguments are visible to every process of a machine, so a secret among them
//! is refused before anything is done with it.
//!
//! This module never says where a secret is, only that there is one.

mod parts;

pub use parts::{SHORTEST, parts};

/// Runs of letters and digits this long appear in tokens and hardly anywhere else: 128 bits and a hint are 26
/// characters of base62.
const LONG_RUN: usize = 24;
/// The presets' opaque tokens have 43 characters; no ordinary word is nearly as long.
const OPAQUE_RUN: usize = 40;

/// Whether a word looks like a whole token, of a preset or of a policy of the operator's own.
///
/// That is a long run of letters and digits, a digit among them, behind a prefix and its underscore; one of digits and
/// letters of both cases behind a prefix and its dash or dot; or such a one as long as an opaque token. A token has a digit
/// somewhere, but not always in its long run: there, letters of both cases are enough behind a dot, and behind the others
/// if they are mixed as chance does it. Commit ids, UUIDs and checksums, which names and labels lawfully hold, have one
/// case and no underscore before them.
pub fn looks_like_secret(argument: &str) -> bool {
    if argument.len() < LONG_RUN {
        return false;
    }
    words(argument).any(|word| {
        let after = |separator: &[char]| word.split_once(separator).map(|(_, rest)| rest);
        let has = |rest: Option<&str>, wanted: fn(&str) -> bool| {
            rest.is_some_and(|rest| runs(rest).any(wanted))
        };
        let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
        has(after(&['_']), is_long_run)
            || has(after(&['-', '.']), is_mixed_run)
            || (has_digit && has(after(&['.']), is_of_both_cases))
            || (has_digit && has(after(&['_', '-']), is_random))
            || runs(word).any(|run| run.len() >= OPAQUE_RUN && is_mixed_run(run))
    })
}

/// The words of an argument that could be a token: every run of a token's characters, also without an option's dashes
/// and without a short option's letter, which may come directly before its value.
pub fn words(argument: &str) -> impl Iterator<Item = &str> {
    let is_token = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
    argument.split(move |character: char| !is_token(character)).flat_map(|word| {
        let bare = word.trim_start_matches('-');
        let after_letter = bare.get(1..).filter(|_| word.starts_with('-'));
        [Some(word), Some(bare), after_letter].into_iter().flatten()
    })
}

/// Whether a word has a run as long as a token's, of whatever letters and digits.
pub fn has_run(word: &str) -> bool {
    runs(word).any(|run| run.len() >= LONG_RUN)
}

/// Whether a word has a run of letters and digits that long, a digit among them, prefixed or not.
pub fn has_long_run(word: &str) -> bool {
    runs(word).any(is_long_run)
}

/// Whether a word has such a run with letters of both cases: hardly a name, and no checksum.
pub fn has_mixed_run(word: &str) -> bool {
    runs(word).any(is_mixed_run)
}

/// Whether a word is not short, and has what people's words hardly have: a digit, or letters without end.
pub fn could_be_secret(word: &str) -> bool {
    const SHORT: usize = 20;
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    word.len() >= SHORT && (has_digit || runs(word).any(|run| run.len() >= SHORT))
}

/// The texts of a TOML document that are written with escapes somewhere, as they are meant.
pub fn unescaped(document: &str) -> Vec<String> {
    fn walk(value: toml::Value, texts: &mut Vec<String>) {
        match value {
            toml::Value::String(text) => texts.push(text),
            toml::Value::Array(values) => values.into_iter().for_each(|value| walk(value, texts)),
            toml::Value::Table(table) => {
                for (name, value) in table {
                    texts.push(name);
                    walk(value, texts);
                }
            }
            _ => {}
        }
    }
    let mut texts = Vec::new();
    if document.contains('\\')
        && let Ok(table) = toml::from_str(document)
    {
        walk(toml::Value::Table(table), &mut texts);
    }
    texts
}

fn runs(word: &str) -> impl Iterator<Item = &str> {
    word.split(|character: char| !character.is_ascii_alphanumeric())
}

fn is_long_run(run: &str) -> bool {
    run.len() >= LONG_RUN && run.bytes().any(|byte| byte.is_ascii_digit())
}

fn is_mixed_run(run: &str) -> bool {
    is_long_run(run) && is_of_both_cases(run)
}

fn is_of_both_cases(run: &str) -> bool {
    let has = |wanted: fn(&u8) -> bool| run.bytes().any(|byte| wanted(&byte));
    run.len() >= LONG_RUN && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)
}

/// Whether at least a third of a long run are capitals and a third small letters. Words that are joined with capitals have
/// one in five.
fn is_random(run: &str) -> bool {
    let count = |wanted: fn(&u8) -> bool| run.bytes().filter(wanted).count();
    let (capital, small) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    run.len() >= LONG_RUN && 3 * capital.min(small) >= run.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::preset;
    use crate::random::SystemRandom;

    #[test]
    fn tokens_of_every_preset_are_seen_wherever_they_stand() {
        for policy in preset::all() {
            let format = policy.token_format().expect("a preset");
            for environment in &policy.environments {
                let token = format.mint(environment, &mut SystemRandom).expect("random");
                let token = token.secret.expose();
                for argument in
                    [token.to_owned(), format!("--name={token}"), format!("https://x/?k={token}&a")]
                {
                    assert!(looks_like_secret(&argument), "{argument}");
                }
            }
        }
    }

    #[test]
    fn of_three_thousand_dotted_tokens_all_are_seen() {
        let policy = preset::load("scrapewise").expect("a preset");
        let format = policy.token_format().expect("a format");
        for _ in 0..3_000 {
            let token = format.mint("live", &mut SystemRandom).expect("random");
            let token = token.secret.expose();
            assert!(looks_like_secret(token), "{token}");
        }
    }

    #[test]
    fn a_token_whose_long_run_has_no_digit_is_seen_too() {
        let run = "AbCdEfghIJklmnOPqrStuVWxyzABcdEFghijKLmn";
        for front in ["sw_live_ab3defg.", "acme-live-Tq0x4k9P-", "acme_Tq0x4k9P_"] {
            assert!(looks_like_secret(&format!("{front}{run}")), "{front}");
        }
    }

    #[test]
    fn ordinary_words_are_not_taken_for_secrets() {
        for word in [
            "ci-pipeline",
            "key_0123456789abcdef",
            "kw_live_Tq0x4k9Pd8Mn",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "deploy-da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "123e4567-e89b-12d3-a456-426614174000",
            "/nix/store/0c1r2n3s4k5q6w7x8y9z0a1b2c3d4f5g-keyward",
            "{prefix}_{env}_{short:12}{secret:32}{crc}",
            &"n".repeat(64),
            "2027-01-31T12:00:00Z",
            "v2-ReleaseCandidateForProductionUse",
            "com.example.ReleaseCandidateForProductionUse",
        ] {
            assert!(!looks_like_secret(word), "{word}");
        }
    }
}
