//! Standard output as a file, and the answers of a conversation on it: JSON objects, one a line, whatever the format.
//!
//! This module never takes a closed descriptor for success.

use std::fs::File;
use std::io;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};

use serde::Serialize;

use crate::error::{Error, Kind, Result};
use crate::output::json;

/// Stdout as a plain file: std's own handle takes a closed descriptor for success.
pub(super) fn stdout() -> Result<File> {
    let descriptor = io::stdout().as_fd().try_clone_to_owned().map_err(unwritten)?;
    Ok(File::from(descriptor))
}

/// Writes an answer in one go and makes sure it is out. A reader that has closed its end needs no more, and the
/// command's exit status is the same.
pub(super) fn answer(text: &str) -> Result<()> {
    match stdout()?.write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(unwritten),
    }
}

/// The error of an answer that could not be written.
pub(super) fn unwritten(error: io::Error) -> Error {
    Error::new(Kind::Io, "cannot write to stdout").because(error)
}

/// Answers in a conversation, written when they are flushed.
pub struct Answers {
    stdout: File,
    pending: Vec<u8>,
}

impl Answers {
    pub fn begin() -> Result<Self> {
        Ok(Self { stdout: stdout()?, pending: Vec::new() })
    }

    pub fn push(&mut self, view: &impl Serialize) {
        self.add(|buffer| json::append(buffer, view));
    }

    /// Adds an answer that this writes.
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.pending);
        self.pending.push(b'\n');
    }

    /// Makes sure that the answers are out. Before each piece `ready` waits until the pipe takes one; it says false to give
    /// up what is left.
    pub fn flush(&mut self, mut ready: impl FnMut(BorrowedFd<'_>) -> Result<bool>) -> Result<()> {
        for piece in self.pending.chunks(PIECE) {
            if !ready(self.stdout.as_fd())? {
                break;
            }
            self.stdout.write_all(piece).map_err(unwritten)?;
        }
        self.pending.clear();
        Ok(())
    }
}

/// What a pipe that is ready takes without blocking, in bytes (POSIX `PIPE_BUF` on Linux).
const PIECE: usize = 4096;
