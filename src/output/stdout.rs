//! Standard output as a file.
//!
//! This module never takes a closed descriptor for success.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use crate::error::{Error, Kind, Result};

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
