//! A text of which every byte's place in the window is known: the window itself, or what a piece of it reads as.

use std::ops::Range;

use zeroize::Zeroizing;

use super::Encoding;
use crate::domain::digest::{nibble, sextet};

/// How much of a text is decoded at once, in characters.
pub(super) const PIECE: usize = 4096;
/// How much of two pieces is the same: more than a token takes, however it is written in what is decoded.
const OVERLAP: usize = 1024;
/// How much is decoded of a text to see whether it reads as anything, in bytes.
const TASTE: usize = 36;

/// A text, and where it stands.
pub(super) struct View<'a> {
    pub text: &'a [u8],
    /// Where each byte stands in the window, if it does not stand there as it is.
    spans: Option<&'a [Range<usize>]>,
    pub encodings: &'a [Encoding],
    /// How many encodings were undone, one inside the other.
    pub depth: usize,
}

/// What a piece of a text reads as.
#[derive(Default)]
pub(super) struct Reading {
    /// SECURITY: of secrets, so it is wiped. It is made with room for all of it, so that growing leaves no copy behind.
    pub text: Zeroizing<Vec<u8>>,
    pub spans: Vec<Range<usize>>,
}

impl Reading {
    pub(super) fn with_room(bytes: usize) -> Self {
        let text = Zeroizing::new(Vec::with_capacity(bytes));
        Self { text, spans: Vec::with_capacity(bytes) }
    }

    pub(super) fn push(&mut self, byte: u8, span: Range<usize>) {
        self.text.push(byte);
        self.spans.push(span);
    }

    /// Leaves its last bytes alone.
    pub(super) fn keep_last(&mut self, count: usize) {
        let rest = self.text.len().saturating_sub(count);
        self.text.drain(..rest);
        self.spans.drain(..rest);
    }

    /// It as a text of its own.
    pub(super) fn view<'a>(&'a self, encodings: &'a [Encoding], depth: usize) -> View<'a> {
        View { text: &self.text, spans: Some(&self.spans), encodings, depth }
    }
}

impl<'a> View<'a> {
    pub(super) fn of_window(window: &'a [u8]) -> Self {
        Self { text: window, spans: None, encodings: &[], depth: 0 }
    }

    /// Where a part of the text stands in the window.
    pub(super) fn span(&self, part: Range<usize>) -> Range<usize> {
        match self.spans {
            None => part,
            Some(spans) => spans[part.start].start..spans[part.end - 1].end,
        }
    }

    /// Calls the closure with what this part reads as in Base64, piece by piece and wherever a group of four characters may begin.
    pub(super) fn base64(&self, part: Range<usize>, body: &mut dyn FnMut(&Reading)) {
        for piece in pieces(part) {
            for shift in 0..4 {
                let digits = piece.end.min(piece.start + shift)..piece.end;
                self.read(digits, 6, sextet, body);
            }
        }
    }

    /// The same in hexadecimal.
    pub(super) fn hexadecimal(&self, part: Range<usize>, body: &mut dyn FnMut(&Reading)) {
        for piece in pieces(part) {
            for shift in 0..2 {
                let digits = piece.end.min(piece.start + shift)..piece.end;
                self.read(digits, 4, nibble, body);
            }
        }
    }

    /// Reads digits that have so many bits each, if that gives a text.
    fn read(
        &self,
        part: Range<usize>,
        width: usize,
        digit: fn(u8) -> Option<u8>,
        body: &mut dyn FnMut(&Reading),
    ) {
        let count = part.len() * width / 8;
        if count == 0 || !is_text(self.text, part.start, count, width, digit) {
            return;
        }
        let mut reading = Reading::with_room(count);
        for nth in 0..count {
            let first = part.start + nth * 8 / width;
            let last = part.start + (nth * 8 + 7) / width;
            let byte = byte(self.text, part.start, nth, width, digit);
            reading.push(byte, self.span(first..last + 1));
        }
        body(&reading);
    }
}

/// The part in pieces that are not too long.
fn pieces(part: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let starts = (part.start..part.end).step_by(PIECE - OVERLAP);
    // What the piece before has too is none of its own.
    let starts = starts.filter(move |start| *start == part.start || part.end - start > OVERLAP);
    starts.map(move |start| start..part.end.min(start + PIECE))
}

fn byte(text: &[u8], start: usize, nth: usize, width: usize, digit: fn(u8) -> Option<u8>) -> u8 {
    let (from, to) = (nth * 8 / width, (nth * 8 + 7) / width);
    let value = (from..=to)
        .fold(0_u32, |value, at| value << width | u32::from(digit(text[start + at]).unwrap_or(0)));
    // The last of the bits that are not this byte's.
    let rest = (to + 1) * width - (nth + 1) * 8;
    (value >> rest & 0xff) as u8
}

/// Whether the first bytes could be text, of two bytes for each character too: neither control characters nor zeros in a row.
fn is_text(
    text: &[u8],
    start: usize,
    count: usize,
    width: usize,
    digit: fn(u8) -> Option<u8>,
) -> bool {
    let mut was_zero = false;
    (0..count.min(TASTE)).all(|nth| {
        let byte = byte(text, start, nth, width, digit);
        let is_text = matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b | b' '..=b'~' | 0x80..);
        let is_zero = byte == 0;
        let is_fine = is_text || (is_zero && !was_zero);
        was_zero = is_zero;
        is_fine
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(text: &[u8], is_hex: bool) -> Vec<(String, Vec<Range<usize>>)> {
        let mut all = Vec::new();
        let view = View::of_window(text);
        let mut take = |reading: &Reading| {
            let text = String::from_utf8_lossy(&reading.text).into_owned();
            all.push((text, reading.spans.clone()));
        };
        match is_hex {
            true => view.hexadecimal(0..text.len(), &mut take),
            false => view.base64(0..text.len(), &mut take),
        }
        all
    }

    #[test]
    fn a_text_is_decoded_with_the_place_of_each_byte() {
        let long = b"a3dfbGl2ZV8wMTIzNDU2Nzg5YWJjZGVmZ2hpamtsbW5vcHFyc3R1";
        let (text, spans) = readings(long, false).swap_remove(0);
        assert_eq!(text, "kw_live_0123456789abcdefghijklmnopqrstu");
        assert_eq!(spans[..4], [0..2, 1..3, 2..4, 4..6]);
        let hex: String = text.bytes().map(|byte| format!("{byte:02X}")).collect();
        let (read, spans) = readings(hex.as_bytes(), true).swap_remove(0);
        assert_eq!((read, spans[1].clone()), (text, 2..4));
    }

    #[test]
    fn what_is_no_text_is_not_decoded_further() {
        let binary: Vec<u8> = (0..400).map(|nth| b"AQCADE"[nth % 6]).collect();
        assert_eq!(readings(&binary, false), []);
    }

    #[test]
    fn every_part_of_a_long_text_is_in_a_piece_with_what_follows() {
        for length in [1, PIECE, PIECE + 1, 3 * PIECE - 7] {
            let all: Vec<_> = pieces(5..5 + length).collect();
            assert_eq!((all[0].start, all[all.len() - 1].end), (5, 5 + length));
            for pair in all.windows(2) {
                assert!(pair[0].end >= pair[1].start + OVERLAP, "{all:?}");
            }
        }
    }
}
