//! tar: ustar (POSIX.1-1988), pax (POSIX.1-2001) and GNU's long names.

use std::io::{self, Read};

use super::MOST_MEMBERS;
use crate::domain::scan::Location;
use crate::error::Result;
use crate::search::Search;
use crate::search::source::Whole;

/// The size of a header, and what content is filled up to.
pub(super) const BLOCK: usize = 512;
/// The longest name, and the longest pax header, in bytes.
const LONGEST: u64 = 1 << 20;

/// Whether a block is a header: its checksum is the sum of its bytes, with blanks in the checksum's own place.
pub(super) fn is_header(block: &[u8]) -> bool {
    let sum: u64 = (0..BLOCK)
        .map(|at| if (148..156).contains(&at) { u64::from(b' ') } else { u64::from(block[at]) })
        .sum();
    block[0] != 0 && octal(&block[148..156]) == Some(sum)
}

/// A number of a header: octal digits, or binary where the first bit is set.
fn octal(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let bytes = field.iter().skip(field.len().saturating_sub(8));
        return Some(
            bytes.fold(0, |value, byte| value << 8 | u64::from(*byte)) & (i64::MAX as u64),
        );
    }
    let text: Vec<u8> = field
        .iter()
        .copied()
        .skip_while(|byte| *byte == b' ')
        .take_while(|byte| !matches!(byte, 0 | b' '))
        .collect();
    let text = std::str::from_utf8(&text).ok()?;
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn name(block: &[u8]) -> Vec<u8> {
    let (name, front) = (text(&block[..100]), text(&block[345..500]));
    match block[257..262] == *b"ustar" && !front.is_empty() {
        true => [front, b"/", name].concat(),
        false => name.to_vec(),
    }
}

/// Fills a block. Says whether there was a whole one.
fn fill(source: &mut dyn Read, block: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < block.len() {
        match source.read(&mut block[filled..]) {
            Ok(0) => return if filled == 0 { Ok(false) } else { Err(short()) },
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

fn short() -> io::Error {
    io::Error::other("the archive ends too early")
}

/// What headers said of the next member.
#[derive(Default)]
struct Said {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Search<'_> {
    pub(super) fn tar(&mut self, source: &mut Whole<'_>, location: &Location) -> Result<()> {
        let mut members = 0;
        let mut said = Said::default();
        loop {
            match self.tar_member(source, &mut said, location)? {
                Ok(true) if members == MOST_MEMBERS => {
                    self.lacks(location, "the archive has too many members");
                    return Ok(());
                }
                Ok(true) => members += 1,
                Ok(false) => return Ok(()),
                Err(error) => {
                    self.lacks(location, &error.to_string());
                    return Ok(());
                }
            }
        }
    }

    /// Searches the next member. Says whether there was one.
    fn tar_member(
        &mut self,
        source: &mut Whole<'_>,
        said: &mut Said,
        location: &Location,
    ) -> Result<io::Result<bool>> {
        let mut block = [0; BLOCK];
        let mut has_ended = false;
        loop {
            match fill(source, &mut block) {
                // The end, unless another archive follows.
                Ok(true) if block.iter().all(|byte| *byte == 0) => has_ended = true,
                Ok(true) if is_header(&block) => break,
                Ok(false) => return Ok(Ok(false)),
                _ if has_ended => {
                    return Ok(Err(io::Error::other("something else follows the archive")));
                }
                Ok(true) => return Ok(Err(io::Error::other("the archive is damaged"))),
                Err(error) => return Ok(Err(error)),
            }
        }
        let Some(size) = said.size.take().or_else(|| octal(&block[124..136])) else {
            return Ok(Err(io::Error::other("the archive is damaged")));
        };
        let padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
        let mut content = source.by_ref().take(size);
        match block[156] {
            b'L' | b'K' | b'x' | b'g' => {
                let more = match super::all(&mut content, LONGEST) {
                    Ok(Some(more)) => more,
                    Ok(None) => return Ok(Err(io::Error::other("a name in it is too long"))),
                    Err(error) => return Ok(Err(error)),
                };
                match block[156] {
                    b'L' => said.name = Some(text(&more).to_vec()),
                    b'x' => pax(&more, said),
                    // The target of a link, or what is said of all members: text like any other.
                    _ => self.text(&more, location)?,
                }
            }
            kind => {
                let name = said.name.take().unwrap_or_else(|| name(&block));
                match kind {
                    b'1' | b'2' => {
                        let location = self.member_location(&name, location)?;
                        self.text(text(&block[157..257]), &location)?;
                    }
                    b'3' | b'4' | b'5' | b'6' => drop(self.member_location(&name, location)?),
                    _ => self.member(&mut content, &name, location)?,
                }
            }
        }
        // What a member's own reader has left.
        let left = content.limit();
        let rest = io::copy(&mut content, &mut io::sink());
        let rest = rest.and_then(|count| if count < left { Err(short()) } else { Ok(()) });
        Ok(rest.and_then(|()| {
            let skipped = io::copy(&mut source.by_ref().take(padding), &mut io::sink())?;
            if skipped < padding { Err(short()) } else { Ok(true) }
        }))
    }
}

/// Reads the records of a pax header: `LENGTH NAME=VALUE`, a line each.
fn pax(mut records: &[u8], said: &mut Said) {
    while let Some(space) = records.iter().position(|byte| *byte == b' ') {
        let length = std::str::from_utf8(&records[..space]).ok().and_then(|text| text.parse().ok());
        let Some(record) = length.and_then(|length: usize| records.get(space + 1..length)) else {
            return;
        };
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        if let Some(path) = record.strip_prefix(b"path=") {
            said.name = Some(path.to_vec());
        }
        if let Some(size) = record.strip_prefix(b"size=") {
            said.size = std::str::from_utf8(size).ok().and_then(|text| text.parse().ok());
        }
        records = records.get(length.unwrap_or(records.len())..).unwrap_or_default();
    }
}
