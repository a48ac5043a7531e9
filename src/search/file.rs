//! A regular file that was opened.
//!
//! This module never reads a file twice under two of its names.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use rustix::fs::{Dev, FileType, SeekFrom, Stat, fstat, seek};
use rustix::io::Errno;

use super::Search;
use super::source::Source;
use super::walk::why;
use crate::domain::scan::Location;
use crate::error::Result;

impl Search<'_> {
    /// Searches a file that was opened, or notes why it was not.
    pub(super) fn opened(
        &mut self,
        opened: rustix::io::Result<OwnedFd>,
        location: Location,
        seen: &mut BTreeSet<(Dev, u64)>,
    ) -> Result<()> {
        let (file, found) = match opened.and_then(|file| fstat(&file).map(|found| (file, found))) {
            Ok(opened) => opened,
            // It was replaced by a link, or removed, since its folder was read.
            Err(Errno::LOOP | Errno::NOENT) => return Ok(()),
            Err(error) => {
                self.lacks(&location, &why(error));
                return Ok(());
            }
        };
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Ok(());
        }
        let identity = (found.st_dev, found.st_ino);
        if found.st_nlink > 1 && !seen.insert(identity) {
            return Ok(());
        }
        self.coverage.files += 1;
        if self.coverage.files.is_multiple_of(256) {
            self.sink.reached(&self.coverage);
        }
        let mut source = FileSource::new(File::from(file), &found);
        self.stream(&mut source, &location)
    }

    /// Notes that something at this place was not read.
    pub(super) fn lacks(&mut self, location: &Location, why: &str) {
        let place = crate::domain::scan::shown(location);
        self.coverage.lacks(format!("cannot read {place}: {why}"));
    }
}

/// A regular file. Where it has holes, they are left out.
struct FileSource {
    file: File,
    /// How many bytes it had when it was opened; 0 is unknown.
    size: u64,
    done: u64,
    /// Where the next hole begins, in a file that has some.
    hole: Option<u64>,
}

impl FileSource {
    fn new(file: File, found: &Stat) -> Self {
        let size = u64::try_from(found.st_size).unwrap_or(0);
        let stored = u64::try_from(found.st_blocks).unwrap_or(0) * 512;
        let has_holes = stored + 64 * 1024 < size;
        Self { file, size, done: 0, hole: has_holes.then_some(0) }
    }
}

impl Read for FileSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = match self.hole {
            Some(hole) => usize::try_from(hole - self.done).unwrap_or(usize::MAX),
            None => buffer.len(),
        };
        let count = most.min(buffer.len());
        let read = self.file.read(&mut buffer[..count])?;
        self.done += read as u64;
        Ok(read)
    }
}

impl Source for FileSource {
    fn gap(&mut self) -> io::Result<u64> {
        if self.hole != Some(self.done) {
            return Ok(0);
        }
        let data = match seek(&self.file, SeekFrom::Data(self.done)) {
            Ok(data) => data,
            // Nothing but a hole follows.
            Err(Errno::NXIO) => self.size.max(self.done),
            // The file system does not say.
            Err(_) => {
                self.hole = None;
                seek(&self.file, SeekFrom::Start(self.done))?;
                return Ok(0);
            }
        };
        let hole = seek(&self.file, SeekFrom::Hole(data)).unwrap_or(self.size.max(data));
        seek(&self.file, SeekFrom::Start(data))?;
        let gap = data - self.done;
        self.done = data;
        self.hole = Some(hole).filter(|hole| *hole > data);
        Ok(gap)
    }

    fn file(&mut self) -> io::Result<Option<File>> {
        self.file.try_clone().map(Some)
    }

    fn is_at_end(&self) -> bool {
        self.size > 0 && self.done >= self.size
    }
}
