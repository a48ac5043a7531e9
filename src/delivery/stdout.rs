//! The process's own streams as sinks: standard output for secrets, either one for a CI runner's mask line.
//!
//! This module never goes through `std::io::stdout()`, which takes a closed descriptor for success.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};
use rustix::io::{Errno, ioctl_fionread, write};

use super::{failed, undelivered};
use crate::error::{Error, Result};
use crate::files;
use crate::signals::Interrupts;

/// How much is written at once: POSIX's smallest `PIPE_BUF`, so that a pipe that poll calls writable takes it all
/// and a reader that stalls cannot keep the process from noticing an interrupt.
const CHUNK: usize = 512;

/// How long a stalled reader is waited for before interrupts are looked at again.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// One of the streams the process was started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    fn descriptor(self) -> BorrowedFd<'static> {
        match self {
            Self::Stdout => rustix::stdio::stdout(),
            Self::Stderr => rustix::stdio::stderr(),
        }
    }

    /// Whether both lead to the same file, pipe or terminal.
    pub(super) fn is(self, other: Self) -> bool {
        let identity =
            |stream: Self| fstat(stream.descriptor()).map(|stat| (stat.st_dev, stat.st_ino));
        matches!((identity(self), identity(other)), (Ok(one), Ok(other)) if one == other)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    /// Refuses a stream that leads nowhere: closed, or /dev/null, which is what std opens in place of a closed one.
    pub(super) fn check(self) -> Result<()> {
        self.check_for("secret").map_err(|error| {
            error.hinted("name another sink: --out FILE, --dotenv FILE --var NAME, or -- COMMAND")
        })
    }

    /// The same for a mask line, without which the runner shows the secret in its log.
    pub(super) fn check_mask(self) -> Result<()> {
        self.check_for("mask line")
            .map_err(|error| error.hinted(format!("leave {} to the runner", self.name())))
    }

    fn check_for(self, what: &str) -> Result<()> {
        let stat = fstat(self.descriptor())
            .map_err(|error| failed(format!("{} is closed", self.name()), error))?;
        let is_device = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice;
        // In a root whose devices are files, std opens that file.
        let is_null = rustix::fs::stat("/dev/null").is_ok_and(|null| {
            (null.st_dev, null.st_ino) == (stat.st_dev, stat.st_ino)
                || is_device && null.st_rdev == stat.st_rdev
        });
        if is_null {
            let message =
                format!("{} is closed or /dev/null, so the {what} would be lost", self.name());
            return Err(undelivered(message));
        }
        Ok(())
    }

    /// Writes every byte, syncs what can be synced and makes sure that somebody can still read it.
    pub(super) fn deliver(self, text: &[u8], interrupts: &Interrupts) -> Result<()> {
        self.write(text, interrupts)?;
        let stat = fstat(self.descriptor()).map_err(|error| self.failed(error))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                files::sync(self.descriptor()).map_err(|error| self.failed(error))?
            }
            kind => self.check_reader(kind)?,
        }
        interrupts.heed()
    }

    fn write(self, text: &[u8], interrupts: &Interrupts) -> Result<()> {
        let mut rest = text;
        while !rest.is_empty() {
            interrupts.heed()?;
            if self.poll(&PATIENCE)?.is_empty() {
                continue;
            }
            match write(self.descriptor(), &rest[..rest.len().min(CHUNK)]) {
                Ok(0) => return Err(self.failed(io::ErrorKind::WriteZero)),
                Ok(written) => rest = &rest[written..],
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(())
    }

    /// Fails if the reader has gone and left bytes behind; one that took everything before it went is served.
    fn check_reader(self, kind: FileType) -> Result<()> {
        if !self.poll(&Timespec::default())?.intersects(PollFlags::ERR | PollFlags::HUP) {
            return Ok(());
        }
        // Only Linux shows at a pipe's writing end what has not been read.
        let was_read = cfg!(target_os = "linux")
            && kind == FileType::Fifo
            && ioctl_fionread(self.descriptor()).is_ok_and(|unread| unread == 0);
        if was_read { Ok(()) } else { Err(self.failed(Errno::PIPE)) }
    }

    /// What poll reports of the stream; empty if nothing happened in time.
    fn poll(self, timeout: &Timespec) -> Result<PollFlags> {
        let descriptor = self.descriptor();
        let mut polled = [PollFd::from_borrowed_fd(descriptor, PollFlags::OUT)];
        match poll(&mut polled, Some(timeout)) {
            Ok(_) => Ok(polled[0].revents()),
            Err(Errno::INTR) => Ok(PollFlags::empty()),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(self, cause: impl Into<io::Error>) -> Error {
        failed(format!("cannot write to {}", self.name()), cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_failure_names_the_stream_and_keeps_the_broken_pipe() {
        let error = Stream::Stdout.failed(Errno::PIPE);
        assert_eq!(error.kind(), Kind::DeliveryFailed);
        assert!(error.is_broken_pipe());
        assert!(error.to_string().starts_with("cannot write to stdout: "));
    }
}
