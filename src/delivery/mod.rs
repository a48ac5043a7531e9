//! Handing secrets over: one file per sink, each wholly written, synced and checked before it says so.
//!
//! This module never decides whether a key becomes active, and never puts a secret in an error, an argument or an
//! environment.

mod assignment;
mod before;
mod ci;
mod command;
mod dotenv;
mod draft;
mod file;
mod place;
mod stdout;
mod variable;

use rand::TryRng;
use rustix::fs::Mode;

pub use ci::GithubSink;
pub use command::CommandSink;
pub use dotenv::DotenvSink;
pub use file::{Existing, FileSink};
pub use place::{Placed, Target, Whereabouts};
pub use stdout::Stream;

use draft::Draft;

use crate::domain::Safe;
use crate::domain::holding::{Holding, Place};
use crate::domain::secret::Secret;
use crate::error::{Error, Kind, Result};
use crate::files::named;
use crate::random::SystemRandom;
use crate::signals::Interrupts;

#[derive(Debug, Clone)]
pub enum Sink {
    Stdout,
    File(FileSink),
    Dotenv(DotenvSink),
    /// An environment variable of a GitHub Actions job's later steps.
    GithubEnv(GithubSink),
    /// An output of a GitHub Actions step.
    GithubOutput(GithubSink),
    /// Another program's standard input.
    Command(CommandSink),
}

/// What a sink gets. It has no `Debug`: its text is secret.
pub struct Payload<'a> {
    /// The secrets; a sink that sets a variable takes the only one.
    pub secrets: &'a [Secret],
    /// Exactly the bytes that standard output, a file or a command receives.
    pub text: &'a [u8],
}

impl Sink {
    pub fn file(path: impl Into<Target>) -> Self {
        Self::File(FileSink { path: path.into(), existing: Existing::Refused })
    }

    pub fn dotenv(path: impl Into<Target>, variable: impl Into<String>) -> Self {
        Self::Dotenv(DotenvSink { path: path.into(), variable: variable.into() })
    }

    /// Refuses, before anything is minted, a sink that cannot work. Changes nothing.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Stdout => Stream::Stdout.check(),
            Self::File(sink) => sink.check(),
            Self::Dotenv(sink) => sink.check(),
            Self::GithubEnv(sink) => {
                variable::check_github_environment(&sink.variable)?;
                sink.check()
            }
            Self::GithubOutput(sink) => {
                variable::check_github_output(&sink.variable)?;
                sink.check()
            }
            Self::Command(sink) => sink.check(),
        }
    }

    /// What the user should know about the file that holds the secret, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        match self {
            // Its group was let in on purpose: a new file is for its owner alone.
            Self::File(sink) => sink.path.warn_of_readers(Mode::ROTH),
            Self::Dotenv(sink) => sink.path.warn_of_readers(Mode::RGRP | Mode::ROTH),
            _ => Vec::new(),
        }
    }

    /// Looks what it holds now. Changes nothing.
    pub fn look(&self) -> Result<Place> {
        let (name, holding) = match self {
            Self::File(sink) => (sink.path.named(), sink.holding()?),
            Self::Dotenv(sink) => {
                let name = format!("{} in {}", Safe(&sink.variable), sink.path.named());
                (name, sink.holding()?)
            }
            _ => ("the sink".to_owned(), Holding::Unknown),
        };
        Ok(Place { name, holding })
    }

    /// The same sink, but it may replace an existing file.
    #[must_use]
    pub fn replacing(mut self, replaces: bool) -> Self {
        if let Self::File(sink) = &mut self {
            sink.existing = match (replaces, sink.existing) {
                (true, _) => Existing::Replaced,
                (false, Existing::Replaced) => Existing::Kept,
                (false, existing) => existing,
            };
        }
        self
    }

    /// The file it makes or changes, if that can be looked into.
    fn target(&self) -> Option<&Target> {
        match self {
            Self::File(sink) => Some(&sink.path),
            Self::Dotenv(sink) => Some(&sink.path),
            _ => None,
        }
    }

    /// What identifies its file; nothing for a sink that is not a file.
    pub fn whereabouts(&self) -> Result<Option<Whereabouts>> {
        let target = match self {
            Self::GithubEnv(sink) | Self::GithubOutput(sink) => Some(&sink.path),
            _ => self.target(),
        };
        target.map(Target::whereabouts).transpose()
    }

    /// Whether the folder of its file is not there.
    pub fn lacks_folder(&self) -> bool {
        self.target().is_some_and(Target::lacks_folder)
    }

    /// Makes the folder of its file, and those above it, of mode 0700, where they are not there.
    pub fn make_folder(&self) -> Result<()> {
        self.target().map_or(Ok(()), Target::make_folder)
    }

    /// Makes what a killed run has put into its file outlive a power failure, and removes that run's draft.
    pub fn confirm(&self) -> Result<()> {
        let Some(target) = self.target() else {
            return Ok(());
        };
        drop(Draft::begin(target, &Interrupts::none())?);
        target.sync()
    }

    /// Hands over: wholly written, flushed, synced, every error checked. Returns the file that was made or replaced, for
    /// taking it back if the key does not become live after all. If that fails, the secret must be voided; whatever the
    /// sink had created is taken back.
    pub fn deliver(
        &self,
        payload: &Payload<'_>,
        interrupts: &Interrupts,
    ) -> Result<Option<Placed>> {
        interrupts.heed()?;
        match self {
            Self::Stdout => Stream::Stdout.deliver(payload.text, interrupts)?,
            Self::File(sink) => return sink.deliver(payload.text, interrupts).map(Some),
            Self::Dotenv(sink) => {
                let secret = variable::only_secret(payload)?;
                return sink.deliver(secret, interrupts).map(Some);
            }
            Self::GithubEnv(sink) | Self::GithubOutput(sink) => {
                sink.deliver(variable::only_secret(payload)?, interrupts)?;
            }
            Self::Command(sink) => sink.deliver(payload.text, interrupts)?,
        }
        Ok(None)
    }
}

/// A delivery that cannot be made.
fn undelivered(message: impl Into<String>) -> Error {
    Error::new(Kind::DeliveryFailed, message)
}

/// A delivery that failed, for this reason of the operating system's.
fn failed(message: impl Into<String>, cause: impl Into<std::io::Error>) -> Error {
    undelivered(message).because(cause.into())
}

/// 32 random hexadecimal digits, for names that nobody can guess or collide with.
fn unguessable() -> Result<String> {
    let mut bytes = [0; 16];
    SystemRandom
        .try_fill_bytes(&mut bytes)
        .map_err(|error| undelivered("the system's random generator failed").because(error))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_before_the_delivery_leaves_the_sink_untouched() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out");
        let sink = Sink::File(FileSink { path: path.clone().into(), existing: Existing::Refused });
        let secrets = [Secret::new("kw_live_secret".to_owned())];
        let payload = Payload { secrets: &secrets, text: b"kw_live_secret\n" };
        let delivered = sink.deliver(&payload, &Interrupts::simulated(true));
        assert_eq!(delivered.err().expect("interrupted").kind(), Kind::Interrupted);
        assert!(!path.exists());
    }

    #[test]
    fn unguessable_names_have_32_digits_and_differ() {
        let (one, other) = (unguessable().expect("randomness"), unguessable().expect("randomness"));
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
    }
}
