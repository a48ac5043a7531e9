//! Telling a secret from an ordinary word: arguments are visible to every process of a machine, so a secret among them
//! is refused before anything is done with it. And the parts of a text that could be a whole secret, for a look at the hashes
//! of a store.
//!
//! This module never says where a secret is, only that there is one.

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

/// The shortest part, in bytes.
pub const SHORTEST: usize = 12;
/// The longest, in bytes: no longer secret is hashed anywhere.
const LONGEST: usize = crate::domain::secret::MAXIMUM_LENGTH;
/// How many separators a part in the middle of a longer word has at most. A UUID has four, a JSON Web Token some ten.
const MOST_SEPARATORS: usize = 16;

/// Every part of a text that is long enough to be a secret, each once.
///
/// An imported key's secret has any form: a UUID, 22 characters of base58, letters alone, Base64. So a part is the text
/// between any two characters that a secret may or may not contain. What is left out is too short, or nothing that anybody
/// could have separated from the rest.
pub fn parts(text: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    if text.len() < SHORTEST {
        return found;
    }
    found.push(text);
    found.extend(values(text));
    for word in text.split(u8::is_ascii_whitespace) {
        found.push(word);
        for run in word.split(|byte| ends_a_run(*byte)) {
            within(run, &mut found);
        }
    }
    found.retain(|part| (SHORTEST..=LONGEST).contains(&part.len()));
    found.sort_unstable();
    found.dedup();
    found
}

/// What an option may have as its value: what follows an equals sign, or the letters of short options.
fn values(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let equals = text.iter().position(|byte| *byte == b'=');
    let is_short = text.len() > 2 && text[0] == b'-' && text[1] != b'-';
    let letters = text.iter().skip(1).take_while(|byte| byte.is_ascii_alphabetic());
    // Several short options can be combined, and the last of them takes the value.
    let after_letters = 2..=if is_short { (1 + letters.count()).min(8) } else { 0 };
    let starts = equals.map(|at| at + 1).into_iter().chain(after_letters);
    starts.map(|start| &text[start..])
}

/// Characters that no token contains: they always separate words.
fn ends_a_run(byte: u8) -> bool {
    !byte.is_ascii_graphic() || b"\"'`<>(){}[],;&?#\\!*^".contains(&byte)
}

/// The parts of a run, between any two of its separators.
fn within<'a>(run: &'a [u8], found: &mut Vec<&'a [u8]>) {
    let is_separator = |at: usize| !run[at].is_ascii_alphanumeric();
    let is_edge =
        |at: usize| at == 0 || at == run.len() || is_separator(at - 1) || is_separator(at);
    let edges: Vec<usize> = (0..=run.len()).filter(|at| is_edge(*at)).collect();
    for (nth, start) in edges.iter().enumerate() {
        let (mut kinds, mut counted) = (Kinds::default(), *start);
        for (distance, end) in edges[nth + 1..].iter().enumerate() {
            let length = end - start;
            // There is at most one edge on each side of a separator.
            let is_far = distance > 2 * MOST_SEPARATORS;
            if length > LONGEST || (is_far && run.len() - start > LONGEST) {
                break;
            }
            run[counted..*end].iter().for_each(|byte| kinds.count(*byte));
            counted = *end;
            if length >= SHORTEST && (!is_far || *end == run.len()) && kinds.are_likely() {
                found.push(&run[*start..*end]);
            }
        }
    }
}

/// How many bytes of each kind a part in the middle of a word has.
#[derive(Default)]
struct Kinds {
    digits: usize,
    small: usize,
    capital: usize,
    slashes: usize,
    others: usize,
}

impl Kinds {
    fn count(&mut self, byte: u8) {
        let kind = match byte {
            b'0'..=b'9' => &mut self.digits,
            b'a'..=b'z' => &mut self.small,
            b'A'..=b'Z' => &mut self.capital,
            b'/' => &mut self.slashes,
            _ => &mut self.others,
        };
        *kind += 1;
    }

    /// Whether it could be a secret: mostly letters and digits, and, where it has slashes as Base64 has one in 64, few of
    /// them and something of all three kinds. A path is not.
    fn are_likely(&self) -> bool {
        let token = self.digits + self.small + self.capital;
        let is_mixed = self.digits.min(self.small).min(self.capital) > 0;
        let is_path = self.slashes > 0 && (!is_mixed || 10 * self.slashes > token);
        token > self.slashes + self.others && !is_path
    }
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

    const SECRETS: [&str; 8] = [
        "123e4567-e89b-12d3-a456-426614174000",
        "7YWHMfk9JZe0LM0g1ZauHu",
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl",
        "12|laravel1sanctum2token3of4forty5letters6ab",
        "QUJD/REVGR0hJ+SktMTU5PUFFSU1RVVldY+Q==",
        "sw_live_abcdefg.AbcdefghAbcdefghAbcdefghAbcdefghAbcdefgh",
        "aaaabbbbcccc",
        "eyJhbGciOi-J9.eyJzdWIiOiIx_MjM0.SflKxwRJSMeKKF2QT4-fwpMeJf36",
    ];

    #[test]
    fn a_secret_is_found_wherever_it_stands() {
        for secret in SECRETS {
            for text in [
                secret.to_owned(),
                format!("--owner={secret}"),
                format!("-e{secret}"),
                format!("-qye{secret}"),
                format!("team={secret}"),
                format!("leaked: {secret}, sorry"),
                format!("'{secret}'"),
                format!("Bearer {secret}\n"),
                format!("https://example.com/v1?key={secret}&page=1"),
                format!("https://example.com/v1?key={secret}"),
                format!("/var/tmp/{secret}.key"),
                format!("user:{secret}@example.com"),
                format!("ci-{secret}"),
            ] {
                assert!(parts(text.as_bytes()).contains(&secret.as_bytes()), "{text}");
            }
        }
    }

    #[test]
    fn an_ordinary_command_line_has_few_parts() {
        for (text, most) in [
            ("verify", 0),
            ("--no-record", 0),
            ("--rotate-if-missing", 4),
            ("/var/lib/keyward/keyward.db", 1),
            ("--store=/var/lib/keyward/keyward.db", 3),
            ("/home/Alice1/.local/share/keyward/keyward.db", 2),
            ("key_0123456789abcdef", 3),
        ] {
            let found = parts(text.as_bytes()).len();
            assert!(found <= most, "{text} has {found}");
        }
    }

    #[test]
    fn a_long_text_has_parts_in_proportion_to_its_length() {
        for unit in ["-", "a-", "word ", "/a", "aB3/", "=", "\u{9375}"] {
            let text = unit.repeat(1_000);
            let found = parts(text.as_bytes()).len();
            assert!(found <= 40 * text.len(), "{unit} has {found}");
        }
    }
}
