//! Tokens without a front: runs of letters and digits whose length and hint are those of a key.

use super::text::{nibble, sextet};
use crate::domain::token::TokenFormat;

/// The longest run in which every place is tried, in characters. Tokens are glued to a few letters; a longer run is an image.
const LONGEST_RUN: usize = 256;
/// The longest run that is decoded, in characters.
const LONGEST_ENCODED: usize = 4096;
/// How often one encoding is looked for in another.
const DEEPEST: usize = 2;
/// How many characters decide about a run before all of it is decoded.
const TASTE: usize = 12;

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
    /// Whether a byte may be part of one of these tokens.
    class: [bool; 256],
    shortest: usize,
    /// The hints, or nothing where a checksum has to do.
    hints: Option<Hints>,
}

/// A run that is one of these tokens as far as can be seen.
pub(super) struct Found<'a> {
    /// Where it stands in the window.
    pub start: usize,
    pub end: usize,
    /// The token as it reads.
    pub token: &'a [u8],
    pub format: &'a TokenFormat,
    /// How often it was encoded, and whether in hexadecimal.
    pub depth: usize,
    pub is_hex: bool,
}

impl Opaque {
    pub(super) fn new(formats: Vec<TokenFormat>, hints: Option<Hints>) -> Self {
        let mut class = [false; 256];
        let mut shapes = Vec::new();
        for format in formats {
            for environment in &format.environments {
                let measure = format.measure(environment);
                shapes.push(Shape {
                    environment: environment.clone(),
                    length: measure.length,
                    hint: measure.hint,
                    format: format.clone(),
                });
            }
            format.characters().for_each(|byte| class[usize::from(byte)] = true);
        }
        let shortest = shapes.iter().map(|shape| shape.length).min().unwrap_or(0);
        Self { shapes, class, shortest, hints }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    /// Calls the closure with every run that could be a token.
    pub(super) fn find(&self, window: &[u8], body: &mut dyn FnMut(Found<'_>)) {
        self.find_runs(window, &mut |start, end| {
            self.judge(window, start, end, body);
            if end - start >= self.shortest.saturating_mul(4) / 3 {
                self.decode(window, start, end, body);
            }
        });
    }

    /// Calls the closure with every run that is long enough. Only every so manieth byte is looked at.
    fn find_runs(&self, window: &[u8], body: &mut dyn FnMut(usize, usize)) {
        let is_part = |at: usize| self.class[usize::from(window[at])];
        let (mut least, mut at) = (0, self.shortest.saturating_sub(1));
        while at < window.len() {
            if !is_part(at) {
                least = at + 1;
                at += self.shortest;
                continue;
            }
            let mut start = at;
            while start > least && is_part(start - 1) {
                start -= 1;
            }
            let mut end = at + 1;
            while end < window.len() && is_part(end) {
                end += 1;
            }
            if end - start >= self.shortest {
                body(start, end);
            }
            least = end;
            at = end + self.shortest;
        }
    }

    fn judge(&self, window: &[u8], start: usize, end: usize, body: &mut dyn FnMut(Found<'_>)) {
        let length = end - start;
        for shape in &self.shapes {
            let Some(slack) = length.checked_sub(shape.length) else {
                continue;
            };
            let mut test = |at: usize| {
                let token = &window[at..at + shape.length];
                if self.fits(shape, token) {
                    let (start, end) = (at, at + shape.length);
                    body(Found {
                        start,
                        end,
                        token,
                        format: &shape.format,
                        depth: 0,
                        is_hex: false,
                    });
                }
            };
            match slack {
                0 => test(start),
                _ if length <= LONGEST_RUN => (start..=start + slack).for_each(test),
                _ => {
                    // Where the run begins and ends, whatever it is.
                    test(start);
                    test(start + slack);
                }
            }
        }
    }

    fn fits(&self, shape: &Shape, token: &[u8]) -> bool {
        let hint = &token[shape.hint..shape.hint + 4];
        self.hints.as_ref().is_none_or(|hints| hints.has(hint))
            && std::str::from_utf8(token)
                .is_ok_and(|token| shape.format.recognises_in(token, &shape.environment))
    }

    /// Decodes a run, and looks for exact runs in what that gives.
    fn decode(&self, window: &[u8], start: usize, end: usize, body: &mut dyn FnMut(Found<'_>)) {
        let (mut from, mut to) = (start, end);
        while from > 0 && end - from < LONGEST_ENCODED && sextet(window[from - 1]).is_some() {
            from -= 1;
        }
        while to < window.len() && to - from < LONGEST_ENCODED && sextet(window[to]).is_some() {
            to += 1;
        }
        if to - from >= LONGEST_ENCODED {
            return;
        }
        for shift in 0..4.min(to - from) {
            let run = &window[from + shift..to];
            self.decoded(run, 1, &|at| from + shift + at, body);
        }
        if (end - start).is_multiple_of(2) && window[start..end].iter().all(u8::is_ascii_hexdigit) {
            let pairs = window[start..end].chunks_exact(2);
            let bytes: Vec<u8> = pairs
                .map(|pair| nibble(pair[0]).unwrap_or(0) << 4 | nibble(pair[1]).unwrap_or(0))
                .collect();
            self.exact(&zeroize::Zeroizing::new(bytes), &mut |text, from, to| {
                self.tell(text, from, to, 1, true, start + 2 * from..start + 2 * to, body);
            });
        }
    }

    /// The same of Base64 that stands at this depth; `place` says where a character of it stands in the window.
    fn decoded(
        &self,
        run: &[u8],
        depth: usize,
        place: &dyn Fn(usize) -> usize,
        body: &mut dyn FnMut(Found<'_>),
    ) {
        let is_text = |byte: &u8| matches!(*byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
        if run.len() < TASTE || !base64(&run[..TASTE]).iter().all(is_text) {
            return;
        }
        let text = zeroize::Zeroizing::new(base64(run));
        let character = |at: usize| at * 8 / 6;
        self.exact(&text, &mut |text, from, to| {
            let span = place(character(from))..place((to * 8).div_ceil(6) - 1) + 1;
            self.tell(text, from, to, depth, false, span, body);
        });
        if depth < DEEPEST {
            self.find_runs(&text, &mut |start, end| {
                if (self.shortest * 4 / 3..LONGEST_ENCODED).contains(&(end - start)) {
                    let place = |at: usize| place(character(start + at));
                    self.decoded(&text[start..end], depth + 1, &place, body);
                }
            });
        }
    }

    /// Calls the closure with every run of exactly the length of a token.
    fn exact(&self, text: &[u8], body: &mut dyn FnMut(&[u8], usize, usize)) {
        self.find_runs(text, &mut |start, end| body(text, start, end));
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "where a run stands, twice, and how it was written"
    )]
    fn tell(
        &self,
        text: &[u8],
        from: usize,
        to: usize,
        depth: usize,
        is_hex: bool,
        span: std::ops::Range<usize>,
        body: &mut dyn FnMut(Found<'_>),
    ) {
        for shape in self.shapes.iter().filter(|shape| shape.length == to - from) {
            let token = &text[from..to];
            if self.fits(shape, token) {
                let (start, end, format) = (span.start, span.end, &shape.format);
                body(Found { start, end, token, format, depth, is_hex });
            }
        }
    }
}

/// Whole bytes of Base64 without padding.
fn base64(run: &[u8]) -> Vec<u8> {
    let (mut bits, mut count) = (0_u32, 0);
    let mut bytes = Vec::with_capacity(run.len() * 3 / 4);
    for value in run.iter().filter_map(|byte| sextet(*byte)) {
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes
}
