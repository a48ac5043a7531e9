//! The write-ahead log of a store that is open: how long it is after each step, and images of it as a crash leaves them.
//!
//! Offsets are those of SQLite's documents "Database File Format", section 4, and "WAL-mode File Format", section 2.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::random::Random;
use super::state::Model;
use crate::support::files::beside;

const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// Two numbers that each beginning of the log has newly.
type Salts = [u8; 8];

/// What the log's index says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Index {
    salts: Salts,
    /// How many frames are in the log.
    frames: u64,
    /// How many of them are in the file already; a log that a crash leaves has at least these.
    filled: u64,
    page: u64,
}

/// What the store was when the log had so many frames.
struct Mark {
    frames: u64,
    model: Model,
    /// What it was between the mark before and this one.
    on_the_way: Vec<Model>,
}

/// A store's files, held open beside it, and what the store was meanwhile.
pub struct Log {
    database: File,
    log: File,
    index: File,
    salts: Salts,
    marks: Vec<Mark>,
}

/// What a crash may leave of the log's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tear {
    /// All of it is there.
    Whole,
    /// It was cut somewhere.
    Cut,
    /// Something in it was never written.
    Garbled,
    /// The log was being copied into the file: some of its pages are there, some in part.
    Filling,
}

fn bytes_of(file: &File, from: u64, length: u64) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(length).expect("it fits into memory")];
    file.read_exact_at(&mut bytes, from).expect("the file is so long");
    bytes
}

fn whole(file: &File) -> Vec<u8> {
    let length = file.metadata().expect("it can be looked at").len();
    bytes_of(file, 0, length)
}

fn index_of(file: &File) -> Index {
    let bytes = bytes_of(file, 0, 136);
    let number = |at: usize| {
        let bytes = bytes[at..at + 4].try_into().expect("four bytes");
        u64::from(u32::from_ne_bytes(bytes))
    };
    let page = u16::from_ne_bytes([bytes[14], bytes[15]]);
    Index {
        salts: bytes[32..40].try_into().expect("eight bytes"),
        frames: number(16),
        filled: number(96),
        page: if page == 1 { 65_536 } else { u64::from(page) },
    }
}

impl Mark {
    fn first(frames: u64, model: &Model) -> Self {
        Self { frames, model: model.clone(), on_the_way: Vec::new() }
    }
}

impl Log {
    /// Looks at the log of a store that has been opened and is this.
    #[must_use]
    pub fn open(path: &Path, model: &Model) -> Self {
        let file = |path: &Path| File::open(path).expect("an open store has its files");
        let index = file(&beside(path, "-shm"));
        let Index { salts, frames, .. } = index_of(&index);
        Self {
            database: file(path),
            log: file(&beside(path, "-wal")),
            index,
            salts,
            marks: vec![Mark::first(frames, model)],
        }
    }

    /// Begins to remember with this moment, at which the store is this.
    pub fn begin(&mut self, model: &Model) {
        let Index { salts, frames, .. } = index_of(&self.index);
        self.salts = salts;
        self.marks = vec![Mark::first(frames, model)];
    }

    /// Notes that a step led from one model to another, and by which others.
    pub fn note(&mut self, before: &Model, on_the_way: Vec<Model>, after: &Model) {
        let Index { salts, frames, .. } = index_of(&self.index);
        if self.salts != salts {
            // The log was begun again, and all that was in it is in the file.
            self.salts = salts;
            self.marks = vec![Mark::first(0, before)];
        }
        match self.marks.last_mut() {
            Some(last) if last.frames == frames => after.clone_into(&mut last.model),
            _ => self.marks.push(Mark { frames, model: after.clone(), on_the_way }),
        }
    }

    /// Copies the store's files to another place as a crash at this moment could leave them. Returns what the store there
    /// may be, and which tear it came to.
    #[must_use]
    pub fn image(&self, to: &Path, tear: Tear, random: &mut Random) -> (Vec<Model>, Tear) {
        let index = index_of(&self.index);
        let frame = FRAME_HEADER + index.page;
        let end = |frames: u64| LOG_HEADER + frames * frame;
        let mut database = whole(&self.database);
        let mut log = whole(&self.log);
        // What came before the first mark is not remembered, so it is left whole.
        let least = index.filled.max(self.marks[0].frames);
        let tear = if least == index.frames || log.is_empty() { Tear::Whole } else { tear };
        let (from, until) = (end(least), end(index.frames));
        // Half of the tears are where the last step wrote.
        let before = self.marks.iter().rev().nth(1).map_or(0, |mark| mark.frames);
        let from = match random.percent(50) {
            true => from.max(end(before)),
            false => from,
        };
        let place = from + random.below(until - from + u64::from(until == from));
        let at = usize::try_from(place).expect("it is within the log");
        let survives = match tear {
            Tear::Whole => index.frames,
            Tear::Cut => {
                log.truncate(at);
                (place - LOG_HEADER) / frame
            }
            Tear::Garbled => {
                let length = 1 + random.below(600) as usize;
                for byte in log.iter_mut().skip(at).take(length) {
                    *byte ^= 1 + random.below(255) as u8;
                }
                (place - LOG_HEADER) / frame
            }
            Tear::Filling => {
                for number in 0..index.frames {
                    let bytes = &log[usize::try_from(end(number)).expect("it is within")..];
                    fill(&mut database, bytes, index.page as usize, random);
                }
                index.frames
            }
        };
        write(to, &database);
        write(&beside(to, "-wal"), &log);
        // All that had come to its end is there, and what was on its way may be.
        let known = self.marks.partition_point(|mark| mark.frames <= survives);
        let last = known.checked_sub(1).expect("the first is left whole");
        let mut models = vec![self.marks[last].model.clone()];
        if let Some(next) = self.marks.get(known) {
            models.extend(next.on_the_way.clone());
        }
        (models, tear)
    }
}

/// Copies a frame's page into the file, or the first sectors of it, or nothing.
fn fill(database: &mut Vec<u8>, frame: &[u8], page: usize, random: &mut Random) {
    let number = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]);
    let at = (number as usize - 1) * page;
    let sectors = match random.below(3) {
        0 => return,
        1 => page,
        _ => 512 * (random.below(page as u64 / 512) as usize),
    };
    if database.len() < at + page {
        database.resize(at + page, 0);
    }
    let from = FRAME_HEADER as usize;
    database[at..at + sectors].copy_from_slice(&frame[from..from + sectors]);
}

/// Writes a file as keyward wants it.
pub fn write(path: &Path, bytes: &[u8]) {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(bytes));
    written.expect("a file can be written in the test's own folder");
}
