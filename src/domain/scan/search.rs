//! Where any of the needles stands, whole or cut by a join.

use aho_corasick::packed::{Config, MatchKind, Searcher as Packed};
use aho_corasick::{AhoCorasick, Input};

use super::escape::escaped;
use super::join;
use super::needles::{Encoding, Needle};
use super::plain::Plain;

/// How many patterns a packed searcher takes. With one more, its SIMD is given up for an automaton that is eight times slower.
const MOST_PACKED: usize = 64;
/// How many packed searchers are run one after another before an automaton is faster.
const MOST_SEARCHERS: usize = 6;

/// How many bytes behind a join decide; the next join may follow soon.
const CERTAIN: usize = 4;

enum Searcher {
    Packed(Packed),
    Automaton(Box<AhoCorasick>),
}

impl Searcher {
    fn find(&self, haystack: &[u8], from: usize) -> Option<usize> {
        match self {
            Self::Packed(packed) => {
                packed.find_in(haystack, (from..haystack.len()).into()).map(|found| found.start())
            }
            Self::Automaton(automaton) => {
                automaton.find(Input::new(haystack).range(from..)).map(|found| found.start())
            }
        }
    }
}

/// All needles together.
pub(super) struct Search {
    pub needles: Vec<Needle>,
    searchers: Vec<Searcher>,
    /// The needles by the bytes on the two sides of each place where they can be cut: the needle, and where.
    cuts: Vec<Vec<(u32, u8)>>,
    /// Which pairs have any.
    is_cut: Vec<u64>,
    /// The fronts by their first characters that somebody may write as an escape: the front, and where in it that is.
    written: Vec<Vec<(usize, usize)>>,
    /// Each front as an escape of this kind.
    escaped: Vec<Vec<Needle>>,
}

/// What begins an escape, and what the encoding is called.
const ESCAPES: [(u8, Encoding); 4] = [
    (b'%', Encoding::Percent),
    (b'=', Encoding::QuotedPrintable),
    (b'\\', Encoding::Escaped),
    (b'&', Encoding::Html),
];

impl Search {
    pub(super) fn new(needles: Vec<Needle>, fronts: &[&str]) -> Self {
        let mut cuts = vec![Vec::new(); if needles.is_empty() { 0 } else { 1 << 16 }];
        let mut is_cut = vec![0_u64; 1 << 10];
        for (number, needle) in (0..).zip(&needles) {
            for (nth, pair) in (1..).zip(needle.bytes.windows(2)) {
                let pair = pair_of(pair[0], pair[1]);
                cuts[pair].push((number, nth));
                is_cut[pair / 64] |= 1 << (pair % 64);
            }
        }
        let mut written = vec![Vec::new(); 1 << 8];
        for (front, text) in fronts.iter().enumerate() {
            // Somebody writes every character so, or those that are neither letters nor digits.
            let special = text.bytes().position(|byte| !byte.is_ascii_alphanumeric());
            for at in [Some(0), special.filter(|at| *at > 0)].into_iter().flatten() {
                let byte = text.as_bytes().get(at).copied();
                byte.into_iter().for_each(|byte| written[usize::from(byte)].push((front, at)));
            }
        }
        let of = |(_, encoding): (u8, Encoding)| {
            let fronts = fronts.iter().enumerate();
            fronts.map(|(nth, text)| Needle::escaped(text, nth, encoding)).collect()
        };
        let escaped = ESCAPES.map(of).into();
        Self { searchers: searchers(&needles), needles, cuts, is_cut, written, escaped }
    }

    /// Calls the closure with each place and needle where one begins, in no order.
    pub(super) fn whole(&self, window: &[u8], mut body: impl FnMut(usize, &Needle)) {
        for searcher in &self.searchers {
            let mut from = 0;
            while let Some(at) = searcher.find(window, from) {
                // Another may begin at the same place, and others begin inside this one.
                for needle in &self.needles {
                    if window[at..].starts_with(&needle.bytes) {
                        body(at, needle);
                    }
                }
                from = at + 1;
            }
        }
    }

    /// The same of fronts that are written with escapes, and of needles with a join in them.
    pub(super) fn broken(&self, window: &[u8], mut body: impl FnMut(usize, &Needle)) {
        if self.needles.is_empty() {
            return;
        }
        let breaks = memchr::memchr3_iter(b'\n', b'"', b'\'', window);
        let invisible = memchr::memchr3_iter(0x1b, 0xe2, b'\\', window);
        let markup = memchr::memchr3_iter(b'<', 0xc2, 0xef, window);
        let escapes = memchr::memchr3_iter(b'%', b'=', b'&', window);
        for at in breaks.chain(invisible).chain(markup).chain(escapes) {
            let (byte, Some(next)) = (window[at], window.get(at + 1).copied()) else {
                continue;
            };
            if matches!(byte, b'%' | b'=' | b'&' | b'\\') {
                self.escaped_at(window, at, &mut body);
            }
            let may_join = match byte {
                b'\n' => true,
                b'"' | b'\'' => b" \t+.&\"'".contains(&next),
                0x1b => next == b'[',
                // The first bytes of characters without a width: U+200B and others.
                0xe2 => matches!(next, 0x80 | 0x81),
                0xc2 => next == 0xad,
                0xef => next == 0xbb,
                b'\\' => matches!(next, b'n' | b'r' | b'u'),
                b'&' => matches!(next, b's' | b'#'),
                b'<' => matches!(next, b'w' | b'b'),
                _ => false,
            };
            if !may_join {
                continue;
            }
            let left = if byte == b'\n' { line_end(window, at) } else { at };
            let Some(last) = left.checked_sub(1).map(|last| window[last]) else {
                continue;
            };
            // Most line breaks are followed by what no needle goes on with.
            let is_decided = byte == b'\n' && next.is_ascii_alphanumeric();
            if self.continues(last) && (!is_decided || self.has_cut(last, next)) {
                self.cut_at(window, left, last, &mut body);
            }
        }
    }

    fn escaped_at(&self, window: &[u8], at: usize, body: &mut impl FnMut(usize, &Needle)) {
        let rest = &window[at..];
        let Some((byte, _)) = escaped(&mut Plain(rest), 0, rest[0]) else {
            return;
        };
        let kind = ESCAPES.iter().position(|(first, _)| *first == rest[0]);
        for (front, nth) in &self.written[usize::from(byte)] {
            let needle = kind.map(|kind| &self.escaped[kind][*front]);
            if let Some(needle) = needle
                && window[..at].ends_with(&needle.bytes[..*nth])
            {
                body(at - nth, needle);
            }
        }
    }

    fn cut_at(&self, window: &[u8], left: usize, last: u8, body: &mut impl FnMut(usize, &Needle)) {
        let rest = &window[left..];
        let joined = join::at(&mut Plain(rest), 0, |byte| self.has_cut(last, byte));
        let Some(right) = joined.map(|length| &rest[length..]) else {
            return;
        };
        for (number, nth) in &self.cuts[pair_of(last, right[0])] {
            let needle = &self.needles[*number as usize];
            let (front, back) = needle.bytes.split_at(usize::from(*nth));
            let back = &back[..back.len().min(CERTAIN)];
            if window[..left].ends_with(front) && right.starts_with(back) {
                body(left - front.len(), needle);
            }
        }
    }

    /// Whether any needle goes on after this byte.
    fn continues(&self, last: u8) -> bool {
        let pairs = pair_of(last, 0) / 64;
        self.is_cut[pairs..pairs + 4].iter().any(|bits| *bits != 0)
    }

    fn has_cut(&self, last: u8, next: u8) -> bool {
        let pair = pair_of(last, next);
        self.is_cut[pair / 64] >> (pair % 64) & 1 == 1
    }
}

fn pair_of(last: u8, next: u8) -> usize {
    usize::from(last) << 8 | usize::from(next)
}

/// Where the text of a line ends that is broken at this place.
pub(super) fn line_end(window: &[u8], at: usize) -> usize {
    let mut end = at;
    while let Some(before) = end.checked_sub(1)
        && matches!(window[before], b'\r' | b' ' | b'\t' | b'\\' | b'=' | b'"' | b'\'' | b'+')
        && at - end < 16
    {
        end = before;
    }
    end
}

fn searchers(needles: &[Needle]) -> Vec<Searcher> {
    let mut patterns: Vec<&[u8]> = needles.iter().map(|needle| needle.bytes.as_slice()).collect();
    patterns.sort_unstable();
    patterns.dedup();
    let packed = |patterns: &[&[u8]]| {
        let mut config = Config::new();
        config.match_kind(MatchKind::LeftmostFirst);
        config.builder().extend(patterns).build().map(Searcher::Packed)
    };
    if patterns.is_empty() {
        return Vec::new();
    }
    if patterns.len() <= MOST_PACKED * MOST_SEARCHERS {
        let all: Option<Vec<_>> = patterns.chunks(MOST_PACKED).map(packed).collect();
        if let Some(all) = all {
            return all;
        }
    }
    let automaton = AhoCorasick::builder()
        .match_kind(aho_corasick::MatchKind::LeftmostFirst)
        .build(&patterns)
        .expect("some thousand short patterns fit an automaton");
    vec![Searcher::Automaton(Box::new(automaton))]
}
