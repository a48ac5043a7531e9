//! Reading what a user names: secrets, with care for the memory they pass through, and texts.
//!
//! This module never reads more than the longest thing that makes sense.

use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::environment::variable;
use super::guard::refuse_variable;
use super::{Context, Document};
use crate::domain::scan::Exceptions;
use crate::domain::secret::{MAXIMUM_LENGTH, Secret};
use crate::domain::tilde;
use crate::domain::{Safe, SafePath};
use crate::error::{Error, Kind, Result};

impl Context {
    /// The KEYs that were given, with those on standard input instead of `-`, a line each.
    pub fn keys(&mut self, given: Vec<String>) -> Result<Vec<String>> {
        let Some(at) = given.iter().position(|key| key == "-") else {
            return Ok(given);
        };
        // The caller is checked later, but standard input is reserved for its secret.
        self.stdin_taken |= self.caller.as_deref() == Some(Path::new("-"));
        self.take_stdin("the caller's secret and keys")?;
        let text = self.read_text(Path::new("-"), Document::Keys)?;
        let mut keys = given;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        keys.splice(at..=at, lines.map(str::to_owned));
        match keys.iter().any(|key| key == "-") {
            true => Err(Error::usage("- can be given only once")),
            false => Ok(keys),
        }
    }

    /// Reads a document that a user names; `-` is standard input.
    pub fn read_text(&mut self, path: &Path, document: Document) -> Result<String> {
        let text = if path.as_os_str() == "-" {
            self.stdin_taken = true;
            read_piped_text()?
        } else {
            read_text(open(path)?, &SafePath(path).to_string())?
        };
        self.guard.add(document, &text)?;
        Ok(text)
    }
}

impl Context {
    /// A file's text, of which nothing is ever said.
    pub fn text_of(&self, path: &Path) -> Result<String> {
        let mut text = Vec::new();
        open(path)?
            .read_to_end(&mut text)
            .map_err(|error| unread(&SafePath(path).to_string(), error))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Standard input as bytes, for what is too long to be held in memory.
    pub fn bytes_on_stdin(&mut self) -> Result<std::fs::File> {
        self.take_stdin("the caller's secret and what is scanned")?;
        stdin()
    }

    /// What git gives a hook on standard input.
    pub fn hook_lines(&mut self) -> Result<String> {
        self.take_stdin("the caller's secret and a hook's lines")?;
        read_text(stdin()?, "stdin")
    }

    /// The exceptions of a folder that is scanned, if it has some.
    pub fn exceptions(&self, folder: &Path) -> Result<Exceptions> {
        let path = folder.join(".keywardignore");
        // A file that is scanned by itself has none, and neither has a folder where this is something else.
        if !std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
            return Ok(Exceptions::default());
        }
        let text = read_text(open(&path)?, &SafePath(&path).to_string())?;
        self.guard.add(Document::Exceptions, &text)?;
        Exceptions::parse(&text)
    }

    /// Reads standard input's fields, each of which ends in a NUL.
    pub fn read_fields(&mut self) -> Result<Vec<String>> {
        let text = read_text(stdin()?, "stdin")?;
        let mut fields: Vec<String> = text.split('\0').map(str::to_owned).collect();
        fields.pop();
        Ok(fields)
    }
}

/// The file that a GitHub Actions runner reads a step's environment or outputs from.
pub fn github_file(name: &'static str) -> Result<Option<PathBuf>> {
    let Some(value) = variable(name) else {
        return Ok(None);
    };
    refuse_variable(name, &value)?;
    Ok(Some(value.into()))
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(super) fn read_variable(name: &str) -> Result<Secret> {
    use std::os::unix::ffi::OsStringExt;
    let value = std::env::var_os(name).ok_or_else(|| {
        Error::usage(format!("the variable {} is not set", Safe(name)))
            .hinted("name one with --env VAR")
    })?;
    read_secret(&mut Zeroizing::new(value.into_vec()).as_slice(), &Safe(name).to_string())
}

/// Standard input without std's buffer.
///
/// SECURITY: that buffer is never wiped, and a secret would stay in it.
pub(super) fn stdin() -> Result<std::fs::File> {
    let duplicate = std::io::stdin().as_fd().try_clone_to_owned();
    duplicate.map(std::fs::File::from).map_err(|error| unread("stdin", error))
}

pub(super) fn read_secret_file(path: &Path) -> Result<Secret> {
    read_secret(&mut open(path)?, &SafePath(path).to_string())
}

pub(super) fn open(path: &Path) -> Result<std::fs::File> {
    std::fs::File::open(path).map_err(|error| {
        let shown = SafePath(path);
        let error = match error.kind() {
            std::io::ErrorKind::NotFound => Error::usage(format!("no such file: {shown}")),
            _ => Error::new(Kind::Io, format!("cannot open {shown}")).because(error),
        };
        if tilde::begins(path) { error.hinted(tilde::HINT) } else { error }
    })
}

/// A failure to read what messages call by this name.
pub(super) fn unread(name: &str, error: std::io::Error) -> Error {
    Error::new(Kind::Io, format!("cannot read {name}")).because(error)
}

/// Reads a secret; `name` is shown unescaped.
pub(super) fn read_secret(source: &mut dyn Read, name: &str) -> Result<Secret> {
    // SECURITY: one buffer of its final size, wiped when dropped; what is longer than any secret is not read on.
    let mut buffer = Zeroizing::new(vec![0u8; MAXIMUM_LENGTH + 3]);
    let mut length = 0;
    while length < buffer.len() {
        match source.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unread(name, error)),
        }
    }
    let bytes = &buffer[..length];
    let bytes =
        bytes.strip_suffix(b"\n").map_or(bytes, |line| line.strip_suffix(b"\r").unwrap_or(line));
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= MAXIMUM_LENGTH => Ok(Secret::new(text.to_owned())),
        _ => Ok(Secret::new(String::new())),
    }
}

/// Reads a text from standard input. Nothing at all is what a command before it in a pipe leaves that has failed.
pub(super) fn read_piped_text() -> Result<String> {
    let text = read_text(stdin()?, "stdin")?;
    if text.trim().is_empty() { Err(Error::usage("stdin is empty")) } else { Ok(text) }
}

/// Reads a text; `name` is shown unescaped.
pub(super) fn read_text(source: impl Read, name: &str) -> Result<String> {
    /// Longer than any policy, in bytes.
    const LONGEST: u64 = 1024 * 1024;
    let mut text = Vec::new();
    source.take(LONGEST + 1).read_to_end(&mut text).map_err(|error| unread(name, error))?;
    if text.len() as u64 > LONGEST {
        return Err(Error::usage(format!("{name} is longer than {LONGEST} bytes")));
    }
    String::from_utf8(text).map_err(|_| Error::usage(format!("{name} is not UTF-8 text")))
}
