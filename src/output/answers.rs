//! The answers of a conversation: JSON objects, one a line, whatever the format.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};

use serde::Serialize;

use crate::error::Result;
use crate::output::json;
use crate::output::stdout::{stdout, unwritten};

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
        json::write(&mut self.pending, view).expect("memory takes every byte, and views are JSON");
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
