//! Finding tokens in bytes: by their fronts in every encoding, or by their length and hint where they have none.
//!
//! This module never decides that something is a key. What it finds has the form, and the checksum where the format has one; only
//! the hash in a store proves more. It reads nothing but what it is given, so it can be fuzzed.

mod escape;
mod follow;
mod foreign;
mod ignore;
mod join;
mod needles;
mod opaque;
mod place;
mod plain;
mod runs;
mod search;
mod text;
mod view;
mod watch;
mod wide;

use std::ops::Range;

use crate::domain::known_format::{KnownFormat, SHORTEST_FRONT};
use crate::domain::secret::Secret;
use crate::domain::template::Part;
use crate::domain::token::TokenFormat;
use needles::Needle;
use opaque::Opaque;
use plain::{Plain, Text};
use search::Search;
use text::decoded;

pub use foreign::Foreign;
pub use ignore::{Exceptions, Standing};
pub use needles::Encoding;
pub use opaque::Hints;
pub use place::{Coverage, Location, Place, Position, Sink, Spot, escaped, shown};
pub use watch::{WatchList, WatchedKey};

/// How many bytes a token takes at most, however it is written: 500 characters as `\u0061` with the longest joins. What begins
/// this far before the end of a window that goes on is found in the next one.
pub const LONGEST: usize = 8 * 1024;
/// How many bytes before a place decide about it.
pub const CONTEXT: usize = 512;

/// What could be a token.
#[derive(Debug)]
pub struct Candidate {
    /// The token as it reads.
    pub secret: Secret,
    /// Where it stands in the window.
    pub span: Range<usize>,
    /// How it was written, the outermost first.
    pub encodings: Vec<Encoding>,
    /// Its public front and its environment, where a checksum proves its form.
    pub checked: Option<Checked>,
}

/// What a right checksum says of a token that no store has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The public front.
    pub prefix: String,
    /// The environment, where the format has it in its tokens.
    pub environment: Option<String>,
}

/// What is read where a front was seen.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    /// A token of this format and environment.
    Minted(Box<TokenFormat>, String),
    /// Anything.
    Free,
}

struct Front {
    text: String,
    forms: Vec<Form>,
}

/// Finds tokens of some formats.
pub struct Hunter {
    fronts: Vec<Front>,
    search: Search,
    opaque: Opaque,
}

/// Which hints a hunter for these formats wants: of keys without a public random part, and of the others.
pub fn wanted_hints(formats: &[KnownFormat]) -> [bool; 2] {
    let is_opaque = |format: &&TokenFormat| is_opaque(format);
    let minted = formats.iter().filter_map(|format| match format {
        KnownFormat::Minted(format) => Some(format),
        KnownFormat::Front(_) => None,
    });
    let mut wanted = [false; 2];
    for format in minted.filter(is_opaque) {
        let has_short = format.template.parts().iter().any(|part| matches!(part, Part::Short(_)));
        wanted[usize::from(has_short)] = true;
    }
    wanted
}

/// Whether tokens of a format begin with nothing that could be searched for.
pub fn is_opaque(format: &TokenFormat) -> bool {
    format.fronts().any(|front| front.len() < SHORTEST_FRONT)
}

impl Hunter {
    /// Makes a hunter for these formats. Without hints, tokens without a front are found by their checksum.
    pub fn new(formats: &[KnownFormat], hints: Option<Hints>, foreign: Foreign) -> Self {
        let mut fronts: Vec<Front> = Vec::new();
        let mut opaque = Vec::new();
        let mut add = |text: &str, form: Form| {
            let known = fronts.iter().position(|front| front.text == text);
            let place = known.unwrap_or_else(|| {
                fronts.push(Front { text: text.to_owned(), forms: Vec::new() });
                fronts.len() - 1
            });
            if !fronts[place].forms.contains(&form) {
                fronts[place].forms.push(form);
            }
        };
        for format in formats {
            match format {
                KnownFormat::Front(front) if front.len() >= SHORTEST_FRONT => {
                    add(front, Form::Free);
                }
                KnownFormat::Front(_) => {}
                KnownFormat::Minted(format) if is_opaque(format) => opaque.push(format.clone()),
                KnownFormat::Minted(format) => {
                    for (front, environment) in format.fronts().zip(&format.environments) {
                        // The environments of a policy are not part of what one token looks like.
                        let environments = vec![environment.clone()];
                        let one = TokenFormat { environments, ..format.clone() };
                        add(&front, Form::Minted(Box::new(one), environment.clone()));
                    }
                }
            }
        }
        let needles = (0..).zip(&fronts);
        let needles = needles.flat_map(|(nth, front)| needles::of_front(&front.text, nth));
        let texts: Vec<&str> = fronts.iter().map(|front| front.text.as_str()).collect();
        let search = Search::new(needles.collect(), &texts);
        Self { fronts, search, opaque: Opaque::new(opaque, hints, foreign) }
    }

    pub fn needles(&self) -> usize {
        self.search.needles.len()
    }

    /// Calls the closure with every candidate that begins in this part of the window. Of a token that begins before it, and
    /// ends in it, nothing is said.
    pub fn hunt(&self, window: &[u8], part: Range<usize>, found: &mut dyn FnMut(Candidate)) {
        let mut judge = |at: usize, needle: &Needle| {
            // Where the upper half of a character comes first, the token begins with it.
            let is_wide = needle.encodings.first() == Some(&Encoding::Utf16);
            let shift = usize::from(is_wide && wide::is_big_endian(window, at));
            if let Some(start) = at.checked_sub(needle.before + shift)
                && part.contains(&start)
            {
                self.follow(window, at, start, needle, found);
            }
        };
        self.search.whole(window, &mut judge);
        self.search.broken(window, &mut judge);
        if self.opaque.is_empty() {
            return;
        }
        self.opaque.find(window, &mut |token| {
            if part.contains(&token.span.start)
                && let Ok(text) = std::str::from_utf8(token.token)
            {
                found(Candidate {
                    checked: token.format.and_then(|format| checked(format, text)),
                    secret: Secret::new(text.to_owned()),
                    span: token.span,
                    encodings: token.encodings.to_vec(),
                });
            }
        });
    }

    /// Reads what stands at a needle.
    fn follow(
        &self,
        window: &[u8],
        at: usize,
        start: usize,
        needle: &Needle,
        found: &mut dyn FnMut(Candidate),
    ) {
        let rest = &window[at..window.len().min(at + LONGEST)];
        let front = &self.fronts[needle.front];
        for form in &front.forms {
            let plain: Box<dyn Text + '_> = Box::new(Plain(rest));
            let mut text = needle.layers.iter().fold(plain, |text, layer| decoded(text, *layer));
            let read = match form {
                Form::Minted(format, environment) => {
                    follow::token(&mut *text, format, environment).into_iter().collect()
                }
                Form::Free => follow::free(&mut *text, &front.text),
            };
            for token in read {
                found(Candidate {
                    checked: match form {
                        Form::Minted(format, _) => checked(format, token.secret.expose()),
                        Form::Free => None,
                    },
                    secret: token.secret,
                    span: start..at.min(start + needle.before) + text.extent(token.length),
                    encodings: needle.encodings.clone(),
                });
            }
        }
    }
}

/// What a token's checksum proves of it, which has the form.
fn checked(format: &TokenFormat, token: &str) -> Option<Checked> {
    if !format.template.has(&Part::Checksum) {
        return None;
    }
    let has_environment = format.template.has(&Part::Environment);
    format.public_parts(token).map(|(prefix, environment)| Checked {
        prefix,
        environment: has_environment.then(|| environment.to_owned()),
    })
}

#[cfg(test)]
mod tests;
