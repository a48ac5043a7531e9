//! Standard input as a conversation: lines as they come, the time that passes between them, and the signal that ends it.
//!
//! This module never holds more than a read's worth of lines, and never a line that is longer than allowed.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::signals::Interrupts;

/// The longest line, in bytes without its end.
pub const LONGEST_LINE: usize = 64 * 1024;

/// How much is read at once; a pipe holds half of it.
const READ: usize = 128 * 1024;

/// What some programs write before UTF-8 text (Unicode 23.8). It is not part of the first line.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// How long a reader is waited for once a signal asks the process to end.
const GRACE: Duration = Duration::from_millis(100);

pub struct LineReader {
    // SECURITY: the lines hold secrets; one buffer of its final size, wiped when dropped.
    buffer: Zeroizing<Vec<u8>>,
    filled: usize,
    taken: usize,
    /// Whether the beginning of the input was seen.
    begun: bool,
    /// The line being read is too long; what is left of it is dropped.
    overlong: bool,
    ended: bool,
    interrupts: Interrupts,
    wake: UnixStream,
}

#[derive(Debug, PartialEq, Eq)]
pub enum WaitEnd {
    /// There are lines, or the time is over.
    Go,
    /// Standard input is at its end and every line was taken.
    End,
    /// This signal asks the process to end; every line that was read was taken.
    Signal(i32),
}

#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Its bytes, without its end.
    Whole(&'a [u8]),
    /// It was longer than [`LONGEST_LINE`].
    TooLong,
}

impl LineReader {
    /// Starts to listen, to signals too.
    pub(super) fn start() -> Result<Self> {
        let interrupts = Interrupts::watch()?;
        let wake = interrupts.wake()?;
        Ok(Self {
            buffer: Zeroizing::new(vec![0; READ + LONGEST_LINE]),
            filled: 0,
            taken: 0,
            begun: false,
            overlong: false,
            ended: false,
            interrupts,
            wake,
        })
    }

    /// Waits for lines, for a signal, or for as long as given. Every line must have been taken.
    pub fn wait(&mut self, time: Option<Duration>) -> Result<WaitEnd> {
        self.buffer.copy_within(self.taken..self.filled, 0);
        self.filled -= self.taken;
        self.taken = 0;
        if let Some(signal) = self.interrupts.signal() {
            return Ok(WaitEnd::Signal(signal));
        }
        if self.ended {
            return Ok(WaitEnd::End);
        }
        let stdin = std::io::stdin();
        let mut sources = [
            PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN),
        ];
        let time = time.and_then(|time| Timespec::try_from(time).ok());
        match poll(&mut sources, time.as_ref()) {
            Ok(0) | Err(Errno::INTR) => return Ok(WaitEnd::Go),
            Ok(_) => {}
            Err(error) => return Err(unreadable(error)),
        }
        if sources[0].revents().is_empty() {
            return Ok(WaitEnd::Go);
        }
        match rustix::io::read(&stdin, &mut self.buffer[self.filled..]) {
            Ok(0) => {
                self.ended = true;
                // A last line without an end is a line.
                if self.filled > 0 || self.overlong {
                    self.buffer[self.filled] = b'\n';
                    self.filled += 1;
                }
            }
            Ok(count) => self.filled += count,
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(unreadable(error)),
        }
        Ok(WaitEnd::Go)
    }

    /// Waits until this pipe accepts an answer, at most as long as given, and says whether it does. `None` means that a
    /// signal asks the process to end; a slow reader then gets no more than `GRACE`.
    pub fn may_answer(&self, pipe: BorrowedFd<'_>, time: Option<Duration>) -> Result<Option<bool>> {
        let is_ending = self.interrupts.received();
        let mut targets = vec![PollFd::from_borrowed_fd(pipe, PollFlags::OUT)];
        let time = if is_ending {
            Some(GRACE)
        } else {
            targets.push(PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN));
            time
        };
        let time = time.and_then(|time| Timespec::try_from(time).ok());
        match poll(&mut targets, time.as_ref()) {
            Ok(0) if is_ending => Ok(None),
            // Writing will report an error of the pipe.
            Ok(_) => Ok(Some(!targets[0].revents().is_empty())),
            Err(Errno::INTR) => Ok(Some(false)),
            Err(error) => Err(Error::new(Kind::Io, "cannot wait for stdout").because(error)),
        }
    }

    /// The lines that were read since the last wait.
    pub fn lines(&mut self) -> Vec<Line<'_>> {
        let mut lines = Vec::new();
        let mut rest = &self.buffer[..self.filled];
        if !self.begun {
            self.begun = rest.len() >= BYTE_ORDER_MARK.len();
            rest = rest.strip_prefix(BYTE_ORDER_MARK).unwrap_or(rest);
        }
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line = &rest[..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            rest = &rest[end + 1..];
            lines.push(if std::mem::take(&mut self.overlong) || line.len() > LONGEST_LINE {
                Line::TooLong
            } else {
                Line::Whole(line)
            });
        }
        self.begun |= !lines.is_empty();
        self.taken = self.filled - rest.len();
        // Of a line that is too long already only that is kept; a carriage return may still be its end.
        if self.overlong || rest.len() > LONGEST_LINE + 1 {
            self.overlong = true;
            self.taken = self.filled;
        }
        lines
    }
}

fn unreadable(error: Errno) -> Error {
    Error::new(Kind::Io, "cannot read stdin").because(error)
}
