//! zip (PKWARE's APPNOTE 6.3.10), by its central directory.

use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;

use super::directory::{Directory, Entry, Member, damaged, member, short};
use super::packed;
use crate::domain::scan::Location;
use crate::error::Result;
use crate::search::Search;
use crate::search::source::Whole;

/// The largest zip that is not a file of its own, in bytes: it has to be held in memory.
const LARGEST: u64 = 64 << 20;
/// How much is held so at once, by archives inside each other.
const MOST_HELD: u64 = 2 * LARGEST;

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
        let directory = Directory::find(&mut source);
        let directory = directory.and_then(|found| found.ok_or_else(damaged));
        let entries = match directory.and_then(|found| found.entries(&mut source)) {
            Ok(entries) => entries,
            Err(error) => {
                self.lacks(location, &format!("zip: {error}"));
                return Ok(());
            }
        };
        for Entry { header, record, .. } in entries {
            let found = source.seek(SeekFrom::Start(record)).and_then(|_| member(&mut source));
            match found {
                Ok(member) => self.zip_member(&mut *source, &member, header, location)?,
                Err(error) => self.lacks(location, &format!("zip: {error}")),
            }
        }
        Ok(())
    }

    fn zip_member(
        &mut self,
        source: &mut dyn Seekable,
        member: &Member,
        header: u64,
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
        if let Err(error) = begin(source, header) {
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

/// Goes to the content behind a member's own header.
fn begin(source: &mut dyn Seekable, place: u64) -> io::Result<()> {
    let mut header = [0; 30];
    source.seek(SeekFrom::Start(place))?;
    source.read_exact(&mut header)?;
    if header[..4] != *b"PK\x03\x04" {
        return Err(damaged());
    }
    let more = i64::from(short(&header, 26)) + i64::from(short(&header, 28));
    source.seek(SeekFrom::Current(more)).map(drop)
}
