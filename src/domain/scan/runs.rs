//! Runs of bytes of a kind: uninterrupted, or with joins and escapes in between.

use std::ops::Range;

use super::escape::escaped;
use super::join;
use super::plain::Plain;
use super::search::line_end;
use super::view::{PIECE, Reading, View};

/// Which bytes a run may have.
pub(super) type Class = [bool; 256];

pub(super) fn class(bytes: impl Iterator<Item = u8>) -> Class {
    let mut class = [false; 256];
    bytes.for_each(|byte| class[usize::from(byte)] = true);
    class
}

/// Calls the closure with every run that is long enough. Only every so manieth byte is looked at.
pub(super) fn whole(
    text: &[u8],
    class: &Class,
    shortest: usize,
    mut body: impl FnMut(Range<usize>),
) {
    let is_part = |at: usize| class[usize::from(text[at])];
    let (mut least, mut at) = (0, shortest.saturating_sub(1));
    while at < text.len() {
        if !is_part(at) {
            least = at + 1;
            at += shortest;
            continue;
        }
        let mut start = at;
        while start > least && is_part(start - 1) {
            start -= 1;
        }
        let mut end = at + 1;
        while end < text.len() && is_part(end) {
            end += 1;
        }
        if end - start >= shortest {
            body(start..end);
        }
        least = end;
        at = end + shortest;
    }
}

/// What is read of runs that are not whole.
pub(super) struct Wanted<'a> {
    pub class: &'a Class,
    /// The shortest run, in characters.
    pub shortest: usize,
    /// How many characters of a very long one are looked at twice.
    pub longest: usize,
}

/// Calls the closure with every run that joins or escapes interrupt, as it reads without them.
pub(super) fn broken(view: &View<'_>, wanted: &Wanted<'_>, mut body: impl FnMut(&Reading)) {
    let text = view.text;
    // Each of these searches is done at the machine's speed, and each finds a run wherever it first looks into it.
    let mut done = [0; 4];
    for at in memchr::memchr3_iter(b'\n', b'"', b'\'', text) {
        done[0] = read_at(view, wanted, at, done[0], &mut body);
    }
    for at in memchr::memchr3_iter(b'\\', 0xe2, 0x1b, text) {
        done[1] = read_at(view, wanted, at, done[1], &mut body);
    }
    for at in memchr::memchr3_iter(b'%', b'&', b'<', text) {
        done[2] = read_at(view, wanted, at, done[2], &mut body);
    }
    for at in memchr::memchr3_iter(b'=', 0xc2, 0xef, text) {
        done[3] = read_at(view, wanted, at, done[3], &mut body);
    }
}

/// Reads the run that may be interrupted at this place. Returns where it ends.
fn read_at(
    view: &View<'_>,
    wanted: &Wanted<'_>,
    at: usize,
    done: usize,
    body: &mut impl FnMut(&Reading),
) -> usize {
    let text = view.text;
    if at < done {
        return done;
    }
    let is_part = |byte: u8| wanted.class[usize::from(byte)];
    let left = if text[at] == b'\n' { line_end(text, at) } else { at };
    let has_left = left.checked_sub(1).is_some_and(|last| is_part(text[last]));
    if step(text, left, &is_part, has_left).is_none() {
        return done;
    }
    let mut start = left;
    while start > 0 && left - start < PIECE && is_part(text[start - 1]) {
        start -= 1;
    }
    let mut rest = Rest { text, next: start, start, is_part: &is_part };
    if rest.by_ref().filter(Step::is_byte).take(wanted.shortest).count() < wanted.shortest {
        return rest.next.max(at + 1);
    }
    rest.next = start;
    let (mut reading, mut is_read) = (Reading::with_room(PIECE), false);
    while let Some(step) = rest.next() {
        if let Step::Byte(byte, length) = step {
            reading.push(byte, view.span(rest.next - length..rest.next));
        }
        if reading.text.len() == PIECE {
            body(&reading);
            reading.keep_last(wanted.longest);
            is_read = true;
        }
    }
    if !is_read || reading.text.len() > wanted.longest {
        body(&reading);
    }
    rest.next.max(at + 1)
}

/// What follows in a run, a step at a time.
struct Rest<'a, F> {
    text: &'a [u8],
    next: usize,
    start: usize,
    is_part: &'a F,
}

impl<F: Fn(u8) -> bool> Iterator for Rest<'_, F> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let step = step(self.text, self.next, self.is_part, self.next > self.start)?;
        self.next += match step {
            Step::Byte(_, length) | Step::Join(length) => length,
        };
        Some(step)
    }
}

enum Step {
    /// A character of the run, and how long it is written.
    Byte(u8, usize),
    /// A join of this length, with a character of the run behind it.
    Join(usize),
}

impl Step {
    fn is_byte(&self) -> bool {
        matches!(self, Self::Byte(..))
    }
}

/// What is next in a run.
fn step(text: &[u8], at: usize, is_part: &impl Fn(u8) -> bool, may_join: bool) -> Option<Step> {
    let first = *text.get(at)?;
    if is_part(first) {
        return Some(Step::Byte(first, 1));
    }
    let mut rest = Plain(&text[at..]);
    if let Some((byte, length)) = escaped(&mut rest, 0, first)
        && is_part(byte)
    {
        return Some(Step::Byte(byte, length));
    }
    if !may_join {
        return None;
    }
    join::escaped(&mut rest, 0, is_part).map(Step::Join)
}
