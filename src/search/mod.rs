//! Where a scan looks: files, folders, standard input, archives and the objects of git.
//!
//! This module never writes, never follows a link out of what was named, never runs anything of what it reads, and never opens a
//! connection. What it cannot read, it says.

mod archive;
mod file;
mod git;
mod source;
mod stream;
mod walk;

use std::collections::BTreeSet;
use std::ops::Range;

use zeroize::Zeroizing;

use crate::domain::scan::{Candidate, Coverage, Hunter, Location, Place, Position, Sink};
use crate::error::Result;

use archive::Allowance;
use source::Reading;
pub use walk::Folders;

/// What masks a token in the name of a file or a branch.
const MASK: &[u8] = b"[masked]";

/// How many bytes are searched at once at most.
const MEMORY: usize = 8 << 20;

/// How much is read of what could grow without end.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many bytes one file's archives may come to.
    pub bytes: u64,
    /// How many archives may be inside each other.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 2 << 30, depth: 4 }
    }
}

/// A scan that is under way.
pub struct Search<'a> {
    hunter: &'a Hunter,
    sink: &'a mut dyn Sink,
    limits: Limits,
    pub coverage: Coverage,
    /// How many archives are around what is searched at the moment.
    depth: usize,
    allowance: Allowance,
    /// How many bytes of archives are held in memory.
    held: u64,
    /// Whether git had nothing for a hook to look at, which leaves nothing unread.
    pub has_nothing_to_read: bool,
    /// The objects of git in which something was found.
    found_in: BTreeSet<String>,
    /// Buffers that nobody uses at the moment.
    ///
    /// SECURITY: what was scanned has secrets in it, so they are wiped.
    spare: Vec<Zeroizing<Vec<u8>>>,
}

impl<'a> Search<'a> {
    pub fn new(hunter: &'a Hunter, sink: &'a mut dyn Sink, limits: Limits) -> Self {
        Self {
            hunter,
            sink,
            limits,
            coverage: Coverage::default(),
            depth: 0,
            allowance: Allowance::default(),
            held: 0,
            has_nothing_to_read: false,
            found_in: BTreeSet::new(),
            spare: Vec::new(),
        }
    }

    /// Searches a part of a window that stands at this position.
    fn hunt(
        &mut self,
        window: &[u8],
        part: Range<usize>,
        position: Position,
        location: &Location,
    ) -> Result<()> {
        let mut candidates: Vec<Candidate> = Vec::new();
        self.hunter.hunt(window, part, &mut |candidate| candidates.push(candidate));
        if candidates.is_empty() {
            return Ok(());
        }
        // In their order, so that what is before each is counted once.
        candidates.sort_by_key(|candidate| candidate.span.start);
        let findings = self.sink.judge(&candidates)?;
        let (mut position, mut counted) = (position, 0);
        for (candidate, finding) in candidates.into_iter().zip(findings) {
            if let Some(finding) = finding {
                position = position.after(&window[counted..candidate.span.start]);
                counted = candidate.span.start;
                let spot = position.spot();
                let encodings = candidate.encodings;
                let location = location.clone();
                self.found_in.extend(location.object.clone());
                self.sink.add(finding, Place { location, spot: Some(spot), encodings });
            }
        }
        Ok(())
    }

    /// Searches the name of something for tokens. Returns the name to show, which has none.
    fn name(&mut self, name: &[u8], location: impl Fn(Vec<u8>) -> Location) -> Result<Vec<u8>> {
        let mut candidates: Vec<Candidate> = Vec::new();
        self.hunter.hunt(name, 0..name.len(), &mut |candidate| candidates.push(candidate));
        if candidates.is_empty() {
            return Ok(name.to_owned());
        }
        let findings = self.sink.judge(&candidates)?;
        candidates.sort_by_key(|candidate| candidate.span.start);
        let found: Vec<_> = candidates.iter().zip(&findings).collect();
        let (mut shown, mut end) = (Vec::new(), 0);
        for (candidate, finding) in &found {
            if finding.is_some() && candidate.span.start >= end {
                shown.extend_from_slice(&name[end..candidate.span.start]);
                shown.extend_from_slice(MASK);
                end = candidate.span.end;
            }
        }
        shown.extend_from_slice(&name[end..]);
        for (candidate, finding) in found {
            if let Some(finding) = finding {
                let location = location(shown.clone());
                let encodings = candidate.encodings.clone();
                self.sink.add(*finding, Place { location, spot: None, encodings });
            }
        }
        Ok(shown)
    }

    pub fn input(&mut self, input: &mut std::fs::File) -> Result<()> {
        let path = Some(b"-".to_vec());
        let location = Location { path, ..Location::default() };
        self.stream(&mut Reading(input), &location)
    }

    pub fn bytes(&mut self, mut bytes: &[u8], location: &Location) -> Result<()> {
        if bytes.len() > MEMORY || archive::kind(bytes).is_some() {
            return self.stream(&mut bytes, location);
        }
        self.text(bytes, location)?;
        self.behind(bytes, true, &mut &[][..], location)
    }

    /// Searches text that is in memory and is not a file: lines that git was given, say.
    fn text(&mut self, text: &[u8], location: &Location) -> Result<()> {
        self.coverage.bytes += text.len() as u64;
        self.hunt(text, 0..text.len(), Position::default(), location)
    }
}
