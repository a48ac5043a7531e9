//! Tokens that other systems minted: of no known form, so every word that could be one is hashed.

use std::collections::BTreeSet;
use std::ops::Range;

use super::runs::{Class, class, whole};
use crate::domain::form::HashForm;
use crate::domain::secret::SecretHash;

/// The shortest token, in characters.
pub(super) const SHORTEST: usize = 16;
/// The longest.
pub(super) const LONGEST: usize = 256;
/// How long the longest run of letters and digits is in one at least: in a UUID it is twelve.
const SHORTEST_RUN: usize = 12;
/// How long it is in a token that has no digit.
const SHORTEST_LETTERS: usize = 20;
/// How many characters that are neither letters nor digits one has at most.
const MOST_SEPARATORS: usize = 6;

/// The keys that came from elsewhere.
pub struct Foreign {
    /// The first half of what the store knows each by, for each form. Who is found by it is looked up by the whole.
    known: Vec<(HashForm, BTreeSet<u64>)>,
    pub(super) class: Class,
}

impl Default for Foreign {
    fn default() -> Self {
        let letters = (0..=u8::MAX).filter(u8::is_ascii_alphanumeric);
        Self { known: Vec::new(), class: class(letters.chain(*b"_-.|~")) }
    }
}

fn half(hash: &[u8; 32]) -> u64 {
    hash.iter().take(8).fold(0, |half, byte| half << 8 | u64::from(*byte))
}

impl Foreign {
    /// Adds what a key is known by, and the form that this has.
    pub fn add(&mut self, form: HashForm, hash: &SecretHash) {
        let half = half(hash.as_bytes());
        match self.known.iter_mut().find(|(known, _)| *known == form) {
            Some((_, halves)) => drop(halves.insert(half)),
            None => self.known.push((form, BTreeSet::from([half]))),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Calls the closure with every part of a text that is one of these tokens.
    pub(super) fn find(&self, text: &[u8], body: &mut dyn FnMut(Range<usize>)) {
        whole(text, &self.class, SHORTEST, |run| self.within(text, run, body));
    }

    fn within(&self, text: &[u8], run: Range<usize>, body: &mut dyn FnMut(Range<usize>)) {
        let is_letter = |at: usize| text[at].is_ascii_alphanumeric();
        let is_edge = |at: &usize| *at == run.start || is_letter(*at) != is_letter(at - 1);
        let starts = run.clone().filter(is_edge).filter(|at| is_letter(*at));
        let mut least = run.start;
        for start in starts {
            self.from(text, start..run.end, &mut |part| {
                // What of another one is hashed may be hashed of this one too; the first has all of it.
                if part.end > least {
                    least = part.end;
                    body(part);
                }
            });
        }
    }

    /// The tokens that begin here: each ends where letters and digits end.
    fn from(&self, text: &[u8], rest: Range<usize>, body: &mut dyn FnMut(Range<usize>)) {
        let (mut separators, mut longest, mut length, mut has_digit) = (0, 0, 0, false);
        for at in rest.clone().take(LONGEST) {
            if text[at].is_ascii_alphanumeric() {
                length += 1;
                has_digit |= text[at].is_ascii_digit();
            } else {
                separators += 1;
                length = 0;
            }
            longest = longest.max(length);
            if separators > MOST_SEPARATORS {
                return;
            }
            let ends = at + 1 == rest.end || !text[at + 1].is_ascii_alphanumeric();
            let needed = if has_digit { SHORTEST_RUN } else { SHORTEST_LETTERS };
            let part = rest.start..at + 1;
            if ends && length > 0 && longest >= needed && part.len() >= SHORTEST {
                self.judge(text, part, body);
            }
        }
    }

    fn judge(&self, text: &[u8], part: Range<usize>, body: &mut dyn FnMut(Range<usize>)) {
        let token = &text[part.clone()];
        for (form, known) in &self.known {
            if is_likely(*form, token)
                && let Some(hash) = form.hash(token)
                && known.contains(&half(hash.as_bytes()))
            {
                body(part.clone());
            }
        }
    }
}

/// Whether a token of this form could begin and end so. What comes before the part that was hashed is in no hash, so it is taken for
/// as little as the systems write there.
fn is_likely(form: HashForm, token: &[u8]) -> bool {
    let is_letters = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_alphanumeric);
    match form {
        HashForm::Sha256 | HashForm::Sha512 => true,
        // A row's number.
        HashForm::AfterBar => token.split(|byte| *byte == b'|').next().is_some_and(is_letters),
        // A prefix and a public part.
        HashForm::AfterUnderscore => {
            let parts: Vec<_> = token.split(|byte| *byte == b'_').collect();
            (2..=3).contains(&parts.len()) && parts.into_iter().all(is_letters)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(form: HashForm, token: &str, text: &str) -> Vec<String> {
        let mut foreign = Foreign::default();
        foreign.add(form, &form.hash(token.as_bytes()).expect("it has the form"));
        let mut found = Vec::new();
        foreign.find(text.as_bytes(), &mut |part| found.push(text[part].to_owned()));
        found
    }

    #[test]
    fn a_token_of_any_form_is_found_between_other_words() {
        for (form, token) in [
            (HashForm::Sha256, "123e4567-e89b-12d3-a456-426614174000"),
            (HashForm::Sha256, "prod_RDFOxEzf5FJtRBZRAJyu5B"),
            (HashForm::Sha256, "TztssGpNkuBTLVnIshbWwFhxKHCycfPrnreoihegFYbarwtfGUesQAkhcVvoQZgH"),
            (HashForm::Sha512, "JJwvfuUi.yu7aECO2Fax25lP7AdhZdcq8yyDyJ3iY"),
            (HashForm::AfterBar, "1|WiL9dv4wtfUQ1VQ3OZRkt4aQng5VP2pv9O5yqeZ19b249369"),
            (HashForm::AfterUnderscore, "acme_LmQ8V3FS_NTAaGhWKiGKJEVKx4uzoEPJf"),
        ] {
            for (before, after) in [("", ""), ("key=", "&x=1"), ("a.b.", ".c"), ("\"", "\",")] {
                let text = format!("{before}{token}{after}");
                assert_eq!(found(form, token, &text), [token], "{text}");
            }
            assert_eq!(found(form, token, &format!("{}x", &token[..token.len() - 1])), [""; 0]);
        }
    }
}
