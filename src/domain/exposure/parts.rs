//! The parts of a text that could be a whole secret, for a look at the hashes of a store.
//!
//! An imported key's secret has any form: a UUID, 22 characters of base58, letters alone, Base64. So a part is the text
//! between any two characters that a secret may or may not contain.
//!
//! This module never guesses: what it leaves out is too short, or nothing that anybody could have separated from the rest.

/// The shortest part, in bytes.
pub const SHORTEST: usize = 12;
/// The longest, in bytes: no longer secret is hashed anywhere.
const LONGEST: usize = crate::domain::secret::MAXIMUM_LENGTH;
/// How many separators a part in the middle of a longer word has at most. A UUID has four, a JSON Web Token some ten.
const MOST_SEPARATORS: usize = 16;

/// Every part of a text that is long enough to be a secret, each once.
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
