//! zip (PKWARE's APPNOTE 6.3.10), by its central directory.

use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;

use super::{MOST_MEMBERS, packed};
use crate::domain::scan::Location;
use crate::error::Result;
use crate::search::Search;
use crate::search::source::Whole;

/// The largest zip that is not a file of its own, in bytes: it has to be held in memory.
const LARGEST: u64 = 64 << 20;
/// The size of the end record, and of the longest comment behind it.
const END: u64 = 22;
const COMMENT: u64 = 65_535;

/// How much is held so at once, by archives inside each other.
const MOST_HELD: u64 = 2 * LARGEST;

/// A member as the directory has it.
struct Member {
    name: Vec<u8>,
    method: u16,
    is_encrypted: bool,
    packed: u64,
    /// Where its own header begins.
    header: u64,
}

/// Where a member is: what is kept of it until its turn. A directory can be larger than memory.
struct Entry {
    header: u64,
    packed: u64,
    /// Where the directory has it.
    record: u64,
}

trait Seekable: Read + Seek {}
impl<T: Read + Seek> Seekable for T {}

impl Search<'_> {
    pub(super) fn zip(&mut self, mut whole: Whole<'_>, location: &Location) -> Result<()> {
        let held = self.held;
        let searched = self.held_zip(&mut whole, location);
        self.held = held;
        searched
    }

    fn held_zip(&mut self, whole: &mut Whole<'_>, location: &Location) -> Result<()> {
        let mut source: Box<dyn Seekable> = match whole.rest.file() {
            Ok(Some(file)) => Box::new(BufReader::new(file)),
            Ok(None) => match super::all(whole, LARGEST.min(MOST_HELD - self.held)) {
                Ok(Some(bytes)) => {
                    self.held += bytes.len() as u64;
                    Box::new(Cursor::new(Bytes(bytes)))
                }
                Ok(None) => {
                    self.lacks(location, "a zip archive of more than 64 MiB has to be a file");
                    return Ok(());
                }
                Err(error) => {
                    self.lacks(location, &error.to_string());
                    return Ok(());
                }
            },
            Err(error) => {
                self.lacks(location, &error.to_string());
                return Ok(());
            }
        };
        let entries = match directory(&mut *source) {
            Ok(entries) => entries,
            Err(error) => {
                self.lacks(location, &format!("zip: {error}"));
                return Ok(());
            }
        };
        for Entry { record, .. } in entries {
            let found = source.seek(SeekFrom::Start(record)).and_then(|_| member(&mut source));
            match found {
                Ok(member) => self.zip_member(&mut *source, &member, location)?,
                Err(error) => self.lacks(location, &format!("zip: {error}")),
            }
        }
        Ok(())
    }

    fn zip_member(
        &mut self,
        source: &mut dyn Seekable,
        member: &Member,
        location: &Location,
    ) -> Result<()> {
        let name = &member.name;
        if name.ends_with(b"/") && member.packed == 0 {
            return self.member_location(name, location).map(drop);
        }
        if member.is_encrypted {
            let location = self.member_location(name, location)?;
            self.lacks(&location, "it is encrypted");
            return Ok(());
        }
        if let Err(error) = begin(source, member) {
            let location = self.member_location(name, location)?;
            self.lacks(&location, &format!("zip: {error}"));
            return Ok(());
        }
        let mut content = source.take(member.packed);
        match member.method {
            0 => self.member(&mut content, name, location),
            8 => self.member(&mut DeflateDecoder::new(content), name, location),
            93 => self.member(&mut packed::zstd(BufReader::new(content)), name, location),
            method => {
                let location = self.member_location(name, location)?;
                self.lacks(&location, &format!("zip: its method {method} is not supported"));
                Ok(())
            }
        }
    }
}

/// Bytes that are wiped.
struct Bytes(zeroize::Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The content's first byte.
fn begin(source: &mut dyn Seekable, member: &Member) -> io::Result<()> {
    let mut header = [0; 30];
    source.seek(SeekFrom::Start(member.header))?;
    source.read_exact(&mut header)?;
    if header[..4] != *b"PK\x03\x04" {
        return Err(damaged());
    }
    let more = i64::from(short(&header, 26)) + i64::from(short(&header, 28));
    source.seek(SeekFrom::Current(more)).map(drop)
}

/// The members in the order they stand in. Two that share bytes are refused: a few kilobytes can unpack to petabytes so.
fn directory(source: &mut dyn Seekable) -> io::Result<Vec<Entry>> {
    let size = source.seek(SeekFrom::End(0))?;
    let tail = size.min(END + COMMENT);
    let mut end = vec![0; usize::try_from(tail).map_err(io::Error::other)?];
    source.seek(SeekFrom::Start(size - tail))?;
    source.read_exact(&mut end)?;
    let at = memchr::memmem::rfind(&end, b"PK\x05\x06").ok_or_else(damaged)?;
    let record = end.get(at..at + END as usize).ok_or_else(damaged)?;
    let (mut count, mut length, mut start) =
        (u64::from(short(record, 10)), u64::from(long(record, 12)), u64::from(long(record, 16)));
    if let Some(locator) = at.checked_sub(20).map(|from| &end[from..at])
        && locator[..4] == *b"PK\x06\x07"
    {
        let mut record = [0; 56];
        source.seek(SeekFrom::Start(double(locator, 8)))?;
        source.read_exact(&mut record)?;
        (count, length, start) = (double(&record, 32), double(&record, 40), double(&record, 48));
    }
    if count > MOST_MEMBERS || length > size || start > size {
        return Err(damaged());
    }
    source.seek(SeekFrom::Start(start))?;
    let mut source = BufReader::new(source.take(length));
    let mut entries = Vec::new();
    for _ in 0..count {
        // What is not in the buffer any more was read before this record.
        let left = source.get_ref().limit() + source.buffer().len() as u64;
        let Member { header, packed, .. } = member(&mut source)?;
        entries.push(Entry { header, packed, record: start + (length - left) });
    }
    entries.sort_unstable_by_key(|entry| entry.header);
    let overlaps = entries.windows(2).any(|pair| {
        pair[0].header.saturating_add(30).saturating_add(pair[0].packed) > pair[1].header
    });
    match overlaps {
        true => Err(io::Error::other("members overlap")),
        false => Ok(entries),
    }
}

fn member(source: &mut impl Read) -> io::Result<Member> {
    let mut record = [0; 46];
    source.read_exact(&mut record)?;
    if record[..4] != *b"PK\x01\x02" {
        return Err(damaged());
    }
    let read = |source: &mut dyn Read, length: u16| {
        let mut bytes = vec![0; usize::from(length)];
        source.read_exact(&mut bytes).map(|()| bytes)
    };
    let name = read(source, short(&record, 28))?;
    let extra = read(source, short(&record, 30))?;
    read(source, short(&record, 32))?;
    let (unpacked, mut packed, mut header) =
        (long(&record, 24), u64::from(long(&record, 20)), u64::from(long(&record, 42)));
    // What does not fit stands in an extra field, those of the values that do not, one after another.
    let mut wide = extra_field(&extra, 1).unwrap_or_default().chunks_exact(8);
    let mut next = || wide.next().map(|bytes| double(bytes, 0)).ok_or_else(damaged);
    if unpacked == u32::MAX {
        next()?;
    }
    if packed == u64::from(u32::MAX) {
        packed = next()?;
    }
    if header == u64::from(u32::MAX) {
        header = next()?;
    }
    let is_encrypted = short(&record, 8) & 1 == 1;
    Ok(Member { name, method: short(&record, 10), is_encrypted, packed, header })
}

fn extra_field(mut extra: &[u8], wanted: u16) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let (kind, length) = (short(extra, 0), usize::from(short(extra, 2)));
        let content = extra.get(4..4 + length)?;
        if kind == wanted {
            return Some(content);
        }
        extra = &extra[4 + length..];
    }
    None
}

fn damaged() -> io::Error {
    io::Error::other("the archive is damaged")
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from(short(bytes, at)) | u32::from(short(bytes, at + 2)) << 16
}

fn double(bytes: &[u8], at: usize) -> u64 {
    u64::from(long(bytes, at)) | u64::from(long(bytes, at + 4)) << 32
}
