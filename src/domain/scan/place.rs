//! Where a token was found.

use super::{Candidate, Encoding};
use crate::domain::sanitize::SafePath;
use crate::error::Result;

/// Which text a token stands in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Location {
    /// The file, as bytes; of an object of git what it is called in a commit, if it is in one.
    pub path: Option<Vec<u8>>,
    /// The members of archives on the way to it, the outermost first.
    pub inside: Vec<Vec<u8>>,
    /// The object of git.
    pub object: Option<String>,
    pub commit: Option<String>,
}

/// A text's place as messages show it.
pub fn shown(location: &Location) -> String {
    let mut shown = String::new();
    if let Some(commit) = &location.commit {
        shown += commit.get(..12).unwrap_or(commit);
        shown.push(':');
    }
    match (&location.path, &location.object) {
        (Some(path), _) => shown += &escaped(path),
        (None, Some(object)) => shown += &format!("object {object}"),
        (None, None) => {}
    }
    for member in &location.inside {
        shown.push('!');
        shown += &escaped(member);
    }
    shown
}

/// A name as it is shown: no terminal and no runner takes it for a command.
pub fn escaped(name: &[u8]) -> String {
    use std::os::unix::ffi::OsStrExt;
    SafePath(std::path::Path::new(std::ffi::OsStr::from_bytes(name))).to_string()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// From 1.
    pub line: u64,
    /// In bytes, from 1.
    pub column: u64,
    /// In bytes, from 0.
    pub offset: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub location: Location,
    /// Nothing where the token is in a name.
    pub spot: Option<Spot>,
    pub encodings: Vec<Encoding>,
}

/// Who decides what candidates are, and keeps where they were.
pub trait Sink {
    /// Which finding each of these is, by a number; nothing for a token that no key has.
    fn judge(&mut self, candidates: &[Candidate]) -> Result<Vec<Option<usize>>>;

    /// Keeps where a finding of this number was.
    fn add(&mut self, finding: usize, place: Place);

    /// Lets somebody add what is known of kept places only later.
    fn learn(&mut self, learn: &mut dyn FnMut(&mut Location));

    /// Receives how much has been read so far.
    fn reached(&mut self, coverage: &Coverage);
}

/// How much was looked at, and what was not.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    pub files: u64,
    pub objects: u64,
    pub bytes: u64,
    /// What could not be read, a sentence each.
    pub incomplete: Vec<String>,
    /// How many more such sentences there would be.
    pub more: u64,
}

impl Coverage {
    /// How many things that were not read are named.
    const NAMED: usize = 100;

    /// Notes that something was not read, so nobody may call what was read clean.
    pub fn lacks(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if self.incomplete.contains(&sentence) {
            return;
        }
        match self.incomplete.len() < Self::NAMED {
            true => self.incomplete.push(sentence),
            false => self.more += 1,
        }
    }

    pub fn is_complete(&self) -> bool {
        self.incomplete.is_empty()
    }
}

/// How many lines there are before a place in a text, and how long the last of them is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Position {
    offset: u64,
    lines: u64,
    column: u64,
}

impl Position {
    /// The place behind these bytes.
    #[must_use]
    pub fn after(self, bytes: &[u8]) -> Self {
        let lines = memchr::memchr_iter(b'\n', bytes).count() as u64;
        let column = match memchr::memrchr(b'\n', bytes) {
            Some(last) => (bytes.len() - last - 1) as u64,
            None => self.column + bytes.len() as u64,
        };
        let offset = self.offset + bytes.len() as u64;
        Self { offset, lines: self.lines + lines, column }
    }

    /// The place behind so many bytes that are all zero.
    #[must_use]
    pub fn after_zeros(self, count: u64) -> Self {
        Self { offset: self.offset + count, column: self.column + count, ..self }
    }

    /// As people count.
    pub fn spot(self) -> Spot {
        Spot { line: self.lines + 1, column: self.column + 1, offset: self.offset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_counted_from_one_across_pieces() {
        let text = b"ab\ncd\n\nefg";
        for split in 0..=text.len() {
            let position = Position::default().after(&text[..split]).after(&text[split..]);
            assert_eq!(position.spot(), Spot { line: 4, column: 4, offset: 10 });
        }
        let position = Position::default().after(b"\nx").after_zeros(5);
        assert_eq!(position.spot(), Spot { line: 2, column: 7, offset: 7 });
    }
}
