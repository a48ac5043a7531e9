//! The central directory of a zip archive (PKWARE's APPNOTE 6.3.10): where it is, and what it lists.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::MOST_MEMBERS;

/// The size of the end record, and of the longest comment behind it.
const END: usize = 22;
const COMMENT: usize = 65_535;
/// The sizes of what is before it in a large archive: a locator, and before that usually its record.
const LOCATOR: usize = 20;
const WIDE_END: usize = 56;

/// A member as the directory has it.
pub(super) struct Member {
    pub name: Vec<u8>,
    pub method: u16,
    pub is_encrypted: bool,
    pub packed: u64,
    /// Where its own header begins.
    header: u64,
}

/// Where a member is: what is kept of it until its turn. A directory can be larger than memory.
pub(super) struct Entry {
    /// Where its own header begins.
    pub header: u64,
    packed: u64,
    /// Where the directory has it.
    pub record: u64,
}

pub(super) struct Directory {
    count: u64,
    length: u64,
    start: u64,
    /// How many bytes come before the archive, which the archive does not know of.
    before: u64,
}

/// Whether a text could end with an archive.
pub(super) fn may_end(text: &[u8]) -> bool {
    end(&text[text.len().saturating_sub(END + COMMENT)..]).is_some()
}

/// Where the end record begins.
fn end(tail: &[u8]) -> Option<usize> {
    memchr::memmem::rfind(tail, b"PK\x05\x06").filter(|at| at + END <= tail.len())
}

impl Directory {
    /// The directory that a file ends with, if it does.
    pub(super) fn find(source: &mut (impl Read + Seek)) -> io::Result<Option<Self>> {
        let size = source.seek(SeekFrom::End(0))?;
        let mut tail = Vec::new();
        source.seek(SeekFrom::Start(size.saturating_sub((END + COMMENT) as u64)))?;
        source.by_ref().take((END + COMMENT) as u64).read_to_end(&mut tail)?;
        let Some(at) = end(&tail) else {
            return Ok(None);
        };
        let mut ends = size.saturating_sub((tail.len() - at) as u64);
        let record = &tail[at..];
        let (mut count, mut length, mut start) = (
            u64::from(short(record, 10)),
            u64::from(long(record, 12)),
            u64::from(long(record, 16)),
        );
        if let Some(locator) = at.checked_sub(LOCATOR).map(|from| &tail[from..at])
            && locator[..4] == *b"PK\x06\x07"
        {
            let nearest = ends.checked_sub((LOCATOR + WIDE_END) as u64);
            for place in [Some(double(locator, 8)), nearest].into_iter().flatten() {
                let record: [u8; WIDE_END] = at_place(source, place)?;
                if record[..4] == *b"PK\x06\x06" {
                    (count, length, start) =
                        (double(&record, 32), double(&record, 40), double(&record, 48));
                    ends = place;
                    break;
                }
            }
        }
        if count > MOST_MEMBERS || length > size || start > size {
            return Ok(None);
        }
        // It is where the record says, or, where other bytes come before the archive, right before the record.
        let behind = ends.checked_sub(length).and_then(|at| at.checked_sub(start));
        for before in [Some(0), behind].into_iter().flatten() {
            let first: [u8; 4] = at_place(source, before + start)?;
            if count == 0 || first == *b"PK\x01\x02" {
                return Ok(Some(Self { count, length, start: before + start, before }));
            }
        }
        Ok(None)
    }

    /// The members in the order they stand in. Two that share bytes are refused: a few kilobytes can unpack to petabytes so.
    pub(super) fn entries(&self, source: &mut (impl Read + Seek)) -> io::Result<Vec<Entry>> {
        source.seek(SeekFrom::Start(self.start))?;
        let mut source = BufReader::new(source.take(self.length));
        let mut entries = Vec::new();
        for _ in 0..self.count {
            // What is not in the buffer any more was read before this record.
            let left = source.get_ref().limit() + source.buffer().len() as u64;
            let Member { header, packed, .. } = member(&mut source)?;
            let header = header.saturating_add(self.before);
            entries.push(Entry { header, packed, record: self.start + (self.length - left) });
        }
        entries.sort_unstable_by_key(|entry| entry.header);
        let overlaps = entries.windows(2).any(|pair| {
            pair[0].header.saturating_add(30).saturating_add(pair[0].packed) > pair[1].header
        });
        if overlaps { Err(io::Error::other("members overlap")) } else { Ok(entries) }
    }
}

/// The bytes at a place; zeros where there are none.
fn at_place<const LENGTH: usize>(
    source: &mut (impl Read + Seek),
    place: u64,
) -> io::Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    // No file has more, and some systems refuse to seek there.
    if i64::try_from(place).is_err() {
        return Ok(bytes);
    }
    source.seek(SeekFrom::Start(place))?;
    match source.read_exact(&mut bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok([0; LENGTH]),
        read => read.map(|()| bytes),
    }
}

pub(super) fn member(source: &mut impl Read) -> io::Result<Member> {
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

pub(super) fn damaged() -> io::Error {
    io::Error::other("the archive is damaged")
}

pub(super) fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from(short(bytes, at)) | u32::from(short(bytes, at + 2)) << 16
}

fn double(bytes: &[u8], at: usize) -> u64 {
    u64::from(long(bytes, at)) | u64::from(long(bytes, at + 4)) << 32
}
