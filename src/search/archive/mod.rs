//! Archives, by what they begin with and not by their names: gzip, zstd, tar and zip, inside each other.
//!
//! This module never writes what it unpacks anywhere, and never unpacks more than it may: a name is only shown, and every byte is
//! counted before it is looked at.

mod directory;
mod packed;
mod tar;
mod zip;

use std::cell::Cell;
use std::io::{self, BufReader, Cursor, Read};
use std::rc::Rc;

use zeroize::Zeroizing;

use super::Search;
use super::source::{Reading, Source, Whole};
use crate::domain::scan::Location;
use crate::error::Result;
use directory::Directory;

/// How many members an archive may have.
const MOST_MEMBERS: u64 = 1_000_000;

/// What is said of an archive inside too many others.
pub(super) const TOO_DEEP: &str = "archives are nested deeper than --max-depth allows";

/// What a text begins like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Gzip,
    Zstd,
    Tar,
    Zip,
}

/// What an archive begins so, if it is one as far as its beginning shows.
pub(super) fn kind(head: &[u8]) -> Option<Kind> {
    let begins = |magic: &[u8]| head.starts_with(magic);
    match () {
        () if begins(b"\x1f\x8b\x08") && packed::is_gzip(head) => Some(Kind::Gzip),
        () if begins(b"\x28\xb5\x2f\xfd") => Some(Kind::Zstd),
        () if begins(b"PK\x03\x04") || begins(b"PK\x05\x06") => Some(Kind::Zip),
        () if head.len() >= tar::BLOCK && tar::is_header(&head[..tar::BLOCK]) => Some(Kind::Tar),
        () => None,
    }
}

/// How many bytes archives may still come to.
#[derive(Debug, Clone, Default)]
pub(super) struct Allowance(Rc<Cell<u64>>);

impl Allowance {
    pub(super) fn set(&self, bytes: u64) {
        self.0.set(bytes);
    }
}

/// What comes out of an archive, counted.
struct Counted<R> {
    inner: R,
    left: Allowance,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.0.get();
        if left == 0 {
            return Err(io::Error::other("it unpacks to more bytes than --max-bytes allows"));
        }
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = self.inner.read(&mut buffer[..most])?;
        self.left.0.set(left - count as u64);
        Ok(count)
    }
}

impl Search<'_> {
    pub(super) fn archive(
        &mut self,
        kind: Kind,
        mut whole: Whole<'_>,
        location: &Location,
    ) -> Result<()> {
        if self.depth == 0 {
            self.allowance.set(self.limits.bytes);
        }
        self.depth += 1;
        let searched = match kind {
            Kind::Gzip => self.unpacked(packed::gzip(BufReader::new(whole)), location),
            Kind::Zstd => self.unpacked(packed::zstd(BufReader::new(whole)), location),
            Kind::Tar => self.tar(&mut whole, location),
            Kind::Zip => self.zip(whole, location),
        };
        self.depth -= 1;
        searched
    }

    /// Searches the zip archive that a text ends with, if it does: in a program that unpacks itself. `text` is the end of it, or
    /// all.
    pub(super) fn behind(
        &mut self,
        text: &[u8],
        is_all: bool,
        rest: &mut dyn Source,
        location: &Location,
    ) -> Result<()> {
        if is_all && !directory::may_end(text) {
            return Ok(());
        }
        let (found, head) = match rest.file() {
            Ok(Some(file)) => (Directory::find(&mut BufReader::new(file)), &[][..]),
            _ if is_all => (Directory::find(&mut Cursor::new(text)), text),
            _ => return Ok(()),
        };
        match found {
            Ok(Some(_)) if self.depth == self.limits.depth => self.lacks(location, TOO_DEEP),
            Ok(Some(_)) => {
                return self.archive(Kind::Zip, Whole { head, rest, zeros: 0 }, location);
            }
            Ok(None) => {}
            Err(error) => self.lacks(location, &error.to_string()),
        }
        Ok(())
    }

    fn unpacked(&mut self, inner: impl Read, location: &Location) -> Result<()> {
        let counted = Counted { inner, left: self.allowance.clone() };
        self.stream(&mut Reading(counted), location)
    }

    /// Searches a member. What is left of it was not read.
    fn member(&mut self, content: &mut dyn Read, name: &[u8], location: &Location) -> Result<()> {
        let location = self.member_location(name, location)?;
        let counted = Counted { inner: content, left: self.allowance.clone() };
        self.stream(&mut Reading(counted), &location)
    }

    fn member_location(&mut self, name: &[u8], location: &Location) -> Result<Location> {
        let within = |name: Vec<u8>| {
            let mut location = location.clone();
            location.inside.push(name);
            location
        };
        let name = self.name(name, within)?;
        Ok(within(name))
    }
}

/// By how much a buffer grows, in bytes.
const GROWTH: u64 = 1 << 20;

/// Everything that a reader has, if that is no more than this.
fn all(reader: &mut dyn Read, most: u64) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    // By little at a time: a buffer that doubles has twice what it needs, and all of it is wiped in the end.
    while bytes.len() as u64 <= most {
        let count = GROWTH.min(most + 1 - bytes.len() as u64);
        bytes.reserve_exact(usize::try_from(count).map_err(io::Error::other)? + 64);
        if reader.take(count).read_to_end(&mut bytes)? == 0 {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}
