//! Tokens without a front, however they are written: runs of letters and digits whose length and hint are those of a key, and
//! words with the hash of another system's.

use std::ops::Range;

use super::Encoding;
use super::foreign::{self, Foreign};
use super::runs::{self, Class, Wanted, class};
use super::view::{Reading, View};
use super::wide;
use crate::domain::digest::sextet;
use crate::domain::token::TokenFormat;

/// The longest run in which every place is tried, in characters. Tokens are glued to a few letters; a longer run is an image.
const LONGEST_RUN: usize = 256;
/// How often one encoding is looked for in another.
const DEEPEST: usize = 2;

/// The hints of the keys whose tokens have no front: a bit for each four letters or digits.
pub struct Hints(Vec<u64>);

impl Default for Hints {
    fn default() -> Self {
        Self(vec![0; (62_usize.pow(4)).div_ceil(64)])
    }
}

impl Hints {
    /// Adds a key's hint. One of other characters, which only an imported key has, finds nothing.
    pub fn add(&mut self, hint: &[u8]) {
        if let Some(place) = place(hint) {
            self.0[place / 64] |= 1 << (place % 64);
        }
    }

    fn has(&self, hint: &[u8]) -> bool {
        place(hint).is_some_and(|place| self.0[place / 64] >> (place % 64) & 1 == 1)
    }
}

fn place(hint: &[u8]) -> Option<usize> {
    if hint.len() != 4 {
        return None;
    }
    hint.iter().try_fold(0, |place, byte| {
        Some(place * 62 + DIGITS[usize::from(*byte)] as usize)
            .filter(|_| DIGITS[usize::from(*byte)] != NONE)
    })
}

/// What [`DIGITS`] has for a character that is none.
const NONE: u8 = 255;

/// The value of each letter and digit.
const DIGITS: [u8; 256] = {
    let mut digits = [NONE; 256];
    let all = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut at = 0;
    while at < all.len() {
        digits[all[at] as usize] = at as u8;
        at += 1;
    }
    digits
};

/// A format without a front, for one of its environments.
struct Shape {
    format: TokenFormat,
    environment: String,
    length: usize,
    /// Where its hint begins.
    hint: usize,
}

/// What is searched for in runs.
pub(super) struct Opaque {
    shapes: Vec<Shape>,
    /// Which bytes may be part of one of these tokens.
    class: Class,
    /// Which may be part of anything that a token is encoded in.
    digits: Class,
    shortest: usize,
    longest: usize,
    /// The hints, or nothing where a checksum has to do.
    hints: Option<Hints>,
    foreign: Foreign,
}

/// What is one of these tokens as far as can be seen.
pub(super) struct Found<'a> {
    /// Where it stands in the window.
    pub span: Range<usize>,
    /// The token as it reads.
    pub token: &'a [u8],
    /// Nothing for a token of another system.
    pub format: Option<&'a TokenFormat>,
    pub encodings: &'a [Encoding],
}

type Body<'b> = &'b mut dyn FnMut(Found<'_>);

impl Opaque {
    pub(super) fn new(formats: Vec<TokenFormat>, hints: Option<Hints>, foreign: Foreign) -> Self {
        let characters = formats.iter().flat_map(TokenFormat::characters);
        let class = class(characters);
        let shapes: Vec<Shape> = formats
            .iter()
            .flat_map(|format| format.environments.iter().map(move |one| (format, one)))
            .map(|(format, environment)| {
                let measure = format.measure(environment);
                let environment = environment.clone();
                let (length, hint) = (measure.length, measure.hint);
                Shape { format: format.clone(), environment, length, hint }
            })
            .collect();
        let lengths = || shapes.iter().map(|shape| shape.length);
        let of_foreign = Some(foreign::SHORTEST).filter(|_| !foreign.is_empty());
        let shortest = lengths().chain(of_foreign).min().unwrap_or(0);
        let of_foreign = Some(foreign::LONGEST).filter(|_| !foreign.is_empty());
        let longest = lengths().chain(of_foreign).max().unwrap_or(0);
        let digits = runs::class((0..=u8::MAX).filter(|byte| sextet(*byte).is_some()));
        Self { shapes, class, digits, shortest, longest, hints, foreign }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shapes.is_empty() && self.foreign.is_empty()
    }

    /// Calls the closure with everything in a window that could be a token.
    pub(super) fn find(&self, window: &[u8], body: Body<'_>) {
        self.look(&View::of_window(window), body);
    }

    /// Looks through a text, and through what it reads as.
    fn look(&self, view: &View<'_>, body: Body<'_>) {
        self.read(view, false, body);
        let mut classes = Vec::new();
        if !self.shapes.is_empty() {
            classes.push((&self.class, self.shortest, true));
        }
        if !self.foreign.is_empty() {
            classes.push((&self.foreign.class, self.shortest, true));
        }
        if view.depth < DEEPEST {
            classes.push((&self.digits, self.shortest * 4 / 3, false));
        }
        for (class, shortest, is_token) in classes {
            let wanted = Wanted { class, shortest, longest: self.longest };
            runs::broken(view, &wanted, |reading| {
                let broken = reading.view(view.encodings, view.depth);
                match is_token {
                    true => self.read(&broken, true, body),
                    false => self.undo(&broken, 0..broken.text.len(), body),
                }
            });
        }
        if view.depth < DEEPEST {
            wide::find(view, self.shortest, self.longest, |reading| {
                self.inside(view, Encoding::Utf16, reading, body);
            });
        }
    }

    /// Looks at the runs of a text, and at what each is decoded to.
    fn read(&self, view: &View<'_>, is_broken: bool, body: Body<'_>) {
        if !self.shapes.is_empty() {
            runs::whole(view.text, &self.class, self.shortest, |run| {
                self.judge(view, run, is_broken, body);
            });
        }
        if !self.foreign.is_empty() {
            self.foreign.find(view.text, &mut |part| {
                let (span, token) = (view.span(part.clone()), &view.text[part]);
                body(Found { span, token, format: None, encodings: view.encodings });
            });
        }
        if view.depth < DEEPEST {
            let shortest = self.shortest * 4 / 3;
            runs::whole(view.text, &self.digits, shortest, |run| self.undo(view, run, body));
        }
    }

    /// Looks at what a run is decoded to.
    fn undo(&self, view: &View<'_>, run: Range<usize>, body: Body<'_>) {
        view.base64(run.clone(), &mut |reading| {
            self.inside(view, Encoding::Base64, reading, body);
        });
        let is_digit = |at: &usize| view.text[*at].is_ascii_hexdigit();
        let mut start = run.start;
        while start < run.end {
            let end = (start..run.end).find(|at| !is_digit(at)).unwrap_or(run.end);
            if end - start >= self.shortest * 2 {
                view.hexadecimal(start..end, &mut |reading| {
                    self.inside(view, Encoding::Hex, reading, body);
                });
            }
            start = end + 1;
        }
    }

    fn inside(&self, view: &View<'_>, encoding: Encoding, reading: &Reading, body: Body<'_>) {
        let encodings = [view.encodings, &[encoding]].concat();
        self.look(&reading.view(&encodings, view.depth + 1), body);
    }

    fn judge(&self, view: &View<'_>, run: Range<usize>, is_broken: bool, body: Body<'_>) {
        for shape in &self.shapes {
            let Some(slack) = run.len().checked_sub(shape.length) else {
                continue;
            };
            let mut test = |at: usize| {
                let token = &view.text[at..at + shape.length];
                let has_hint = || {
                    let hint = &token[shape.hint..shape.hint + 4];
                    self.hints.as_ref().is_none_or(|hints| hints.has(hint))
                };
                if has_hint() && is_of(shape, token) {
                    let span = view.span(at..at + shape.length);
                    let (format, encodings) = (Some(&shape.format), view.encodings);
                    // What stands there uninterrupted was seen already.
                    if !is_broken || span.len() > shape.length {
                        body(Found { span, token, format, encodings });
                    }
                }
            };
            if is_broken || run.len() <= LONGEST_RUN {
                (run.start..=run.start + slack).for_each(test);
            } else {
                // Where the run begins and ends, whatever it is.
                test(run.start);
                test(run.start + slack);
            }
        }
    }
}

fn is_of(shape: &Shape, token: &[u8]) -> bool {
    std::str::from_utf8(token)
        .is_ok_and(|token| shape.format.recognises_in(token, &shape.environment))
}
