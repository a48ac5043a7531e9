//! Text of two bytes for each character, in either order (UTF-16).

use std::ops::Range;

use super::view::{PIECE, Reading, View};

/// How many characters in a row tell such text from other bytes.
const CERTAIN: usize = 4;
/// How far from a character is looked for where such a text begins and ends, in bytes.
const REACH: usize = 1024;

/// Whether a byte is the lower half of a character that texts with tokens have; the upper one is zero. The last two are those of the
/// mark that says which comes first.
fn is_lower(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b | b' '..=b'~' | 0x80..=0xfd)
}

/// Whether a character's lower half is here and its upper half behind it, or the next character's upper half.
fn is_pair(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(|byte| is_lower(*byte))
        && text.get(at + 1).is_none_or(|zero| *zero == 0)
}

/// Whether the upper half of the characters around this one, whose lower half is here, comes first.
///
/// Within such a text nothing tells: it is where it begins or ends that does, or else the place's number.
pub(super) fn is_big_endian(text: &[u8], at: usize) -> bool {
    let stretch = stretch(text, at, REACH);
    let is_zero = |at: usize| text.get(at).is_some_and(|byte| *byte == 0);
    let has_before = stretch.start.checked_sub(1).is_some_and(is_zero);
    let has_behind = is_zero(stretch.end + 1);
    has_before && (!has_behind || stretch.start % 2 == 1)
}

/// The lower halves of the first and the last character of the text around the one at this place, at most so far to each side.
fn stretch(text: &[u8], at: usize, most: usize) -> Range<usize> {
    let (mut start, mut end) = (at, at);
    while start >= 2 && at - start < most && is_pair(text, start - 2) {
        start -= 2;
    }
    while end - at < most && is_pair(text, end) && end + 2 < text.len() && is_lower(text[end + 2]) {
        end += 2;
    }
    start..end
}

/// Calls the closure with every such text of at least so many characters, as it reads in bytes.
pub(super) fn find(
    view: &View<'_>,
    shortest: usize,
    overlap: usize,
    mut body: impl FnMut(&Reading),
) {
    let text = view.text;
    let step = 2 * shortest.saturating_sub(CERTAIN).max(1);
    let mut at = 0;
    while at < text.len() {
        let begins = [at, at + 1].into_iter().find(|at| {
            (0..CERTAIN).all(|nth| at + 2 * nth < text.len() && is_pair(text, at + 2 * nth))
        });
        let Some(begins) = begins else {
            at += step;
            continue;
        };
        let stretch = stretch(text, begins, text.len());
        let shift = usize::from(is_big_endian(text, begins));
        let lower: Vec<usize> = (stretch.start..=stretch.end).step_by(2).collect();
        if lower.len() >= shortest {
            for first in (0..lower.len()).step_by(PIECE - overlap) {
                let piece = &lower[first..lower.len().min(first + PIECE)];
                let mut reading = Reading::with_room(piece.len());
                for at in piece {
                    let first = at.saturating_sub(shift);
                    reading.push(text[*at], view.span(first..text.len().min(first + 2)));
                }
                body(&reading);
            }
        }
        at = (stretch.end + 2).max(at + step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<(String, Range<usize>)> {
        let mut found = Vec::new();
        find(&View::of_window(text), 8, 16, |reading| {
            let text = String::from_utf8_lossy(&reading.text).into_owned();
            found.push((text, reading.spans[0].clone()));
        });
        found
    }

    #[test]
    fn either_order_is_read_from_its_first_byte_on() {
        let text = "some text\n";
        let little: Vec<u8> = text.bytes().flat_map(|byte| [byte, 0]).collect();
        let big: Vec<u8> = text.bytes().flat_map(|byte| [0, byte]).collect();
        assert_eq!(read(&little), [(text.to_owned(), 0..2)]);
        assert_eq!(read(&big), [(text.to_owned(), 0..2)]);
        assert_eq!(read(&[b"\xff\xfe", &little[..]].concat()), [(text.to_owned(), 2..4)]);
        assert_eq!(read(&[b"\xfe\xff", &big[..]].concat()), [(text.to_owned(), 2..4)]);
        assert_eq!(read(text.repeat(9).as_bytes()), []);
        assert_eq!(read(&[0; 99]), []);
    }
}
