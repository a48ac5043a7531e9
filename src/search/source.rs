//! Where bytes come from.

use std::fs::File;
use std::io::{self, Read};

/// Bytes, from the first to the last.
pub(super) trait Source: Read {
    /// How many bytes that are all zero were left out before the next ones.
    fn gap(&mut self) -> io::Result<u64> {
        Ok(0)
    }

    /// The file that all of this is, for what is not read from the beginning to the end.
    fn file(&mut self) -> io::Result<Option<File>> {
        Ok(None)
    }

    /// Whether it is known that nothing follows.
    fn is_at_end(&self) -> bool {
        false
    }
}

impl Source for &[u8] {
    fn is_at_end(&self) -> bool {
        self.is_empty()
    }
}

/// Anything that can be read.
pub(super) struct Reading<R>(pub R);

impl<R: Read> Read for Reading<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read> Source for Reading<R> {}

/// What was read already, and then the rest of it.
pub(super) struct Whole<'a> {
    pub head: &'a [u8],
    pub rest: &'a mut dyn Source,
    /// How many zeros come before the rest, which were left out of it.
    pub zeros: u64,
}

impl Read for Whole<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.head.is_empty() {
            return self.head.read(buffer);
        }
        if self.zeros == 0 {
            self.zeros = self.rest.gap()?;
        }
        if self.zeros > 0 {
            let count = buffer.len().min(usize::try_from(self.zeros).unwrap_or(usize::MAX));
            buffer[..count].fill(0);
            self.zeros -= count as u64;
            return Ok(count);
        }
        if self.rest.is_at_end() { Ok(0) } else { self.rest.read(buffer) }
    }
}
