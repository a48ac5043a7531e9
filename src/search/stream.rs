//! Bytes of any length, a window at a time.
//!
//! A token that begins near the end of a window is left to the next one, which begins a little before it.

use std::io;

use zeroize::Zeroizing;

use super::Search;
use super::archive;
use super::source::{Source, Whole};
use crate::domain::scan::{CONTEXT, LONGEST, Location, Position};
use crate::error::Result;

/// How large a window is, in bytes.
const WINDOW: usize = 1 << 20;

/// A window that moves over a source.
struct Window {
    bytes: Zeroizing<Vec<u8>>,
    filled: usize,
    /// Where what was not searched yet begins.
    from: usize,
    /// Where its first byte stands.
    position: Position,
}

/// How a source stands after a window was filled.
enum Filled {
    Full,
    /// So many zeros follow.
    Gap(u64),
    End,
    Failed(io::Error),
}

impl Window {
    fn fill(&mut self, source: &mut dyn Source) -> Filled {
        while self.filled < self.bytes.len() {
            match source.gap() {
                Ok(0) => {}
                Ok(zeros) => return Filled::Gap(zeros),
                Err(error) => return Filled::Failed(error),
            }
            if source.is_at_end() {
                return Filled::End;
            }
            match source.read(&mut self.bytes[self.filled..]) {
                Ok(0) => return Filled::End,
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Filled::Failed(error),
            }
        }
        Filled::Full
    }
}

impl Search<'_> {
    /// Searches everything that comes from a source. An error of the source is one of what could not be read.
    pub(super) fn stream(&mut self, source: &mut dyn Source, location: &Location) -> Result<()> {
        let bytes = self.spare.pop().unwrap_or_else(|| vec![0; WINDOW].into());
        let mut window = Window { bytes, filled: 0, from: 0, position: Position::default() };
        let searched = self.windows(source, &mut window, location);
        self.spare.push(window.bytes);
        searched
    }

    fn windows(
        &mut self,
        source: &mut dyn Source,
        window: &mut Window,
        location: &Location,
    ) -> Result<()> {
        let mut is_first = true;
        loop {
            let state = window.fill(source);
            let head = &window.bytes[..window.filled];
            let is_all = std::mem::take(&mut is_first);
            if is_all && let Some(kind) = archive::kind(head) {
                if self.depth < self.limits.depth {
                    let zeros = if let Filled::Gap(zeros) = state { zeros } else { 0 };
                    return self.archive(kind, Whole { head, rest: source, zeros }, location);
                }
                self.lacks(location, archive::TOO_DEEP);
            }
            let until = match state {
                Filled::Full => window.filled - LONGEST,
                Filled::Gap(_) | Filled::End | Filled::Failed(_) => window.filled,
            };
            self.coverage.bytes += (until - window.from) as u64;
            let bytes = &window.bytes[..window.filled];
            self.hunt(bytes, window.from..until, window.position, location)?;
            match state {
                Filled::Full => {
                    let kept = until - CONTEXT;
                    window.position = window.position.after(&bytes[..kept]);
                    window.bytes.copy_within(kept..window.filled, 0);
                    window.filled -= kept;
                    window.from = CONTEXT;
                    self.sink.reached(&self.coverage);
                }
                Filled::Gap(zeros) => {
                    window.position = window.position.after(bytes).after_zeros(zeros);
                    (window.filled, window.from) = (0, 0);
                }
                Filled::End => return self.behind(bytes, is_all, source, location),
                Filled::Failed(error) => {
                    self.lacks(location, &error.to_string());
                    return Ok(());
                }
            }
        }
    }
}
