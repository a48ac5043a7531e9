//! GitHub Actions as the sink: an environment variable for later steps or a step's output, masked in logs first.
//!
//! This module never writes the secret to the runner's file before the mask line has been printed.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use rustix::fs::OFlags;
use zeroize::Zeroizing;

use super::draft::create;
use super::place::Target;
use super::stdout::Stream;
use super::{failed, undelivered, unguessable};
use crate::domain::runner_file::{self, Unreadable};
use crate::error::{Error, Result};
use crate::signals::Interrupts;

const HOW: OFlags = OFlags::RDWR.union(OFlags::APPEND);

/// A variable in one of the runner's files: `--github-env NAME`, `--github-output NAME`.
///
/// Formats: GitHub Docs, "Workflow commands for GitHub Actions", masking a value and multiline strings.
#[derive(Debug, Clone)]
pub struct GithubSink {
    /// The runner's file: the value of `$GITHUB_ENV` or `$GITHUB_OUTPUT`.
    pub path: Target,
    pub variable: String,
    /// Where the mask line goes, and to stderr as well where that is another stream.
    pub mask: Stream,
}

impl GithubSink {
    pub(super) fn check(&self) -> Result<()> {
        // SECURITY: without the mask the secret is shown in the log of whatever prints it later.
        self.mask.check_mask()?;
        match self.path.read()? {
            None => self.path.check_folder(),
            Some(before) => {
                let opened = self.path.entry()?.open(HOW).map(drop);
                opened.map_err(|error| self.failed(error))?;
                runner_file::variables(&before.text).map_err(|why| self.unreadable(why))?;
                Ok(())
            }
        }
    }

    pub(super) fn deliver(&self, secret: &str, interrupts: &Interrupts) -> Result<()> {
        let delimiter = format!("ghadelimiter_{}", unguessable()?);
        let mask = concatenated(&["::add-mask::", secret, "\n"]);
        self.mask.deliver(&mask, interrupts)?;
        // In `X=$(keyward …)` stdout is not the runner's.
        if !self.mask.is(Stream::Stderr) {
            Stream::Stderr.deliver(&mask, interrupts)?;
        }

        let definition = [&self.variable, "<<", &delimiter, "\n", secret, "\n", &delimiter, "\n"];
        match self.path.entry()?.open(HOW) {
            Ok(file) => self.append(&file, secret, &definition, interrupts),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(&self.path, &concatenated(&definition), interrupts).map(drop)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Appends on a new line, in one write so that no other lines can come between, and syncs; or cuts it off again.
    fn append(
        &self,
        mut file: &File,
        secret: &str,
        definition: &[&str],
        interrupts: &Interrupts,
    ) -> Result<()> {
        let found = file.metadata().map_err(|error| self.failed(error))?;
        if !found.is_file() {
            return Err(self.failed(io::ErrorKind::InvalidInput));
        }
        let mut block = concatenated(&[&["\n"], definition].concat());
        if ends_a_line(file, found.len()).map_err(|error| self.failed(error))? {
            block.remove(0);
        }
        let appended = match file.write(&block) {
            Ok(written) if written < block.len() => Err(io::ErrorKind::WriteZero.into()),
            Ok(_) => file.sync_all(),
            Err(error) => Err(error),
        };
        appended
            .map_err(|error| self.failed(error))
            .and_then(|()| self.read_back(file, secret))
            .and_then(|()| interrupts.heed())
            .map_err(|error| match file.set_len(found.len()) {
                Ok(()) => error,
                Err(_) => {
                    error.hinted(format!("{} still contains the void secret", self.path.named()))
                }
            })
    }

    /// Reads the variable as the runner will.
    fn read_back(&self, file: &File, secret: &str) -> Result<()> {
        let length = file.metadata().map_err(|error| self.failed(error))?.len();
        let mut text = Zeroizing::new(vec![0; usize::try_from(length).unwrap_or(0)]);
        file.read_exact_at(&mut text, 0).map_err(|error| self.failed(error))?;
        let variables = runner_file::variables(&text).map_err(|why| self.unreadable(why))?;
        let mut last_first = variables.iter().rev();
        match last_first.find(|found| found.name == self.variable.as_bytes()) {
            Some(found) if found.value == secret.as_bytes() => Ok(()),
            _ => Err(self.failed(io::ErrorKind::InvalidData)),
        }
    }

    fn unreadable(&self, why: Unreadable) -> Error {
        let file = self.path.named();
        let (message, hint) = match why {
            Unreadable::Encoding => (
                format!("the runner's file {file} is not UTF-8 text"),
                "write to it in UTF-8: in Windows PowerShell with `Out-File -Encoding utf8 -Append`",
            ),
            Unreadable::Line(line) => (
                format!("line {line} of the runner's file {file} is not NAME=VALUE"),
                "correct what an earlier command of this step wrote",
            ),
            Unreadable::Unclosed(line) => (
                format!("line {line} of the runner's file {file} opens a value that does not end"),
                "correct what an earlier command of this step wrote: the delimiter must stand on a line of its own",
            ),
        };
        undelivered(message).hinted(hint)
    }

    fn failed(&self, cause: impl Into<io::Error>) -> Error {
        failed(format!("cannot write to the runner's file {}", self.path.named()), cause)
    }
}

fn ends_a_line(file: &File, length: u64) -> io::Result<bool> {
    let Some(last) = length.checked_sub(1) else {
        return Ok(true);
    };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte == *b"\n")
}

/// The parts in one buffer that is wiped when dropped and never grows.
fn concatenated(parts: &[&str]) -> Zeroizing<Vec<u8>> {
    let mut whole = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    for part in parts {
        whole.extend_from_slice(part.as_bytes());
    }
    whole
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::error::Kind;

    /// Standard error, so that the mask line stays out of the test harness's standard output.
    fn sink(path: PathBuf) -> GithubSink {
        GithubSink { path: path.into(), variable: "ACME_KEY".to_owned(), mask: Stream::Stderr }
    }

    fn check_block(text: &str) {
        let lines: Vec<&str> = text.lines().collect();
        let delimiter =
            lines[0].strip_prefix("ACME_KEY<<ghadelimiter_").expect("the name and the delimiter");
        assert!(delimiter.len() == 32 && delimiter.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(lines[1..], ["test-secret", &format!("ghadelimiter_{delimiter}")]);
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn the_block_is_appended_on_a_fresh_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("env");
        for (before, kept) in [("", ""), ("A=1\n", "A=1\n"), ("A=1", "A=1\n")] {
            fs::write(&path, before).expect("written");
            sink(path.clone())
                .deliver("test-secret", &Interrupts::simulated(false))
                .expect("delivered");
            let text = fs::read_to_string(&path).expect("read");
            check_block(text.strip_prefix(kept).expect("what was there stays"));
        }
    }

    #[test]
    fn a_missing_file_is_created_and_a_link_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("env");
        sink(path.clone()).check().expect("usable");
        sink(path.clone())
            .deliver("test-secret", &Interrupts::simulated(false))
            .expect("delivered");
        check_block(&fs::read_to_string(&path).expect("read"));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("linked");
        assert_eq!(sink(link.clone()).check().expect_err("refused").kind(), Kind::DeliveryFailed);
        let error =
            sink(link).deliver("test-secret", &Interrupts::simulated(false)).expect_err("refused");
        assert_eq!(error.kind(), Kind::DeliveryFailed);
    }

    #[test]
    fn an_interrupted_delivery_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("env");
        fs::write(&path, "A=1\n").expect("written");
        sink(path.clone())
            .deliver("test-secret", &Interrupts::simulated(true))
            .expect_err("interrupted");
        assert_eq!(fs::read_to_string(&path).expect("read"), "A=1\n");
    }
}
