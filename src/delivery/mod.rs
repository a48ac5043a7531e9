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
mod interrupt;
mod place;
mod placed;
mod stdout;
mod variable;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rand::TryRng;
use rand::rngs::SysRng;

pub use ci::GithubSink;
pub use command::CommandSink;
pub use dotenv::DotenvSink;
pub use file::FileSink;
pub use interrupt::Interrupts;
pub use placed::Placed;
pub use stdout::Stream;

use draft::Draft;

use crate::domain::holding::{Holding, Place};
use crate::domain::sanitize::{Safe, SafePath};
use crate::domain::secret::Secret;
use crate::error::{Error, Kind, Result};

/// Where a secret goes.
#[derive(Debug, Clone)]
pub enum Sink {
    /// Standard output.
    Stdout,
    /// A new file.
    File(FileSink),
    /// A variable of a dotenv file.
    Dotenv(DotenvSink),
    /// An environment variable of a GitHub Actions job's later steps.
    GithubEnv(GithubSink),
    /// An output of a GitHub Actions step.
    GithubOutput(GithubSink),
    /// Another program's standard input.
    Command(CommandSink),
}

/// What is handed over. It has no `Debug`: its text is secret.
pub struct HandOver<'a> {
    /// The secrets; a sink that sets a variable takes the only one.
    pub secrets: &'a [Secret],
    /// Exactly the bytes that standard output, a file or a command receives.
    pub text: &'a [u8],
}

impl Sink {
    /// Refuses, before anything is minted, a sink that cannot work. Changes nothing.
    ///
    /// # Errors
    ///
    /// `DeliveryFailed` for the sink, `Usage` for a variable's name or a command that breaks the rules.
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

    /// What the user should know about this sink although it works, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        match self {
            Self::Dotenv(sink) => sink.warnings(),
            _ => Vec::new(),
        }
    }

    /// Looks what it holds now. Changes nothing.
    ///
    /// # Errors
    ///
    /// `DeliveryFailed` for a file that cannot be read, or that is no regular one.
    pub fn look(&self) -> Result<Place> {
        let (name, holding) = match self {
            Self::File(sink) => (named(&sink.path), sink.holding()?),
            Self::Dotenv(sink) => {
                let name = format!("{} in {}", Safe(&sink.variable), named(&sink.path));
                (name, sink.holding()?)
            }
            _ => ("the sink".to_owned(), Holding::Unknown),
        };
        Ok(Place { name, holding })
    }

    /// The same sink, which may replace the file that is there.
    #[must_use]
    pub fn replacing(mut self, replaces: bool) -> Self {
        if let Self::File(sink) = &mut self {
            sink.replaces = replaces;
        }
        self
    }

    /// The folder of the file it makes or changes.
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::File(sink) => Some(place::folder_of(&sink.path)),
            Self::Dotenv(sink) => Some(place::folder_of(&sink.path)),
            _ => None,
        }
    }

    /// Whether the folder of its file is not there.
    pub fn lacks_folder(&self) -> bool {
        self.folder().is_some_and(|folder| !folder.exists())
    }

    /// Makes the folder of its file, and those above it, of mode 0700, where they are not there.
    ///
    /// # Errors
    ///
    /// `DeliveryFailed`.
    pub fn make_folder(&self) -> Result<()> {
        let Some(folder) = self.folder() else {
            return Ok(());
        };
        let missing: Vec<&Path> = folder
            .ancestors()
            .take_while(|above| !above.exists())
            .collect();
        for folder in missing
            .into_iter()
            .rev()
            .filter(|folder| *folder != Path::new(""))
        {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|error| {
                failed(format!("cannot make the folder {}", named(folder)), error)
            })?;
            place::sync_folder(folder)?;
        }
        Ok(())
    }

    /// Makes what a killed run has put into its file outlive a power failure, and removes that run's draft.
    ///
    /// # Errors
    ///
    /// `DeliveryFailed`.
    pub fn confirm(&self) -> Result<()> {
        let path = match self {
            Self::File(sink) => &sink.path,
            Self::Dotenv(sink) => &sink.path,
            _ => return Ok(()),
        };
        drop(Draft::begin(path, &Interrupts::none())?);
        place::sync_folder(path)
    }

    /// Hands over: wholly written, flushed, synced, every error checked. Returns the file that was made or replaced, for
    /// taking it back if the key does not become live after all.
    ///
    /// # Errors
    ///
    /// `DeliveryFailed` or `Interrupted`: the secret must be voided; whatever the sink had created is taken back.
    pub fn deliver(
        &self,
        hand_over: &HandOver<'_>,
        interrupts: &Interrupts,
    ) -> Result<Option<Placed>> {
        interrupts.heed()?;
        match self {
            Self::Stdout => Stream::Stdout.deliver(hand_over.text, interrupts)?,
            Self::File(sink) => return sink.deliver(hand_over.text, interrupts).map(Some),
            Self::Dotenv(sink) => {
                let secret = variable::only_secret(hand_over)?;
                return sink.deliver(secret, interrupts).map(Some);
            }
            Self::GithubEnv(sink) | Self::GithubOutput(sink) => {
                sink.deliver(variable::only_secret(hand_over)?, interrupts)?;
            }
            Self::Command(sink) => sink.deliver(hand_over.text, interrupts)?,
        }
        Ok(None)
    }
}

/// A path as messages show it: quoted, and harmless to a terminal.
fn named(path: &Path) -> String {
    format!("\"{}\"", SafePath(path))
}

/// A delivery that failed, for this reason of the operating system's.
fn failed(message: impl Into<String>, cause: impl Into<std::io::Error>) -> Error {
    Error::new(Kind::DeliveryFailed, message).because(cause.into())
}

/// 32 hexadecimal digits of the operating system's randomness, for names that nobody can guess or collide with.
fn unguessable() -> Result<String> {
    let mut bytes = [0; 16];
    SysRng.try_fill_bytes(&mut bytes).map_err(|error| {
        Error::new(Kind::DeliveryFailed, "the system gives no randomness").because(error)
    })?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_before_the_delivery_leaves_the_sink_untouched() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out");
        let sink = Sink::File(FileSink {
            path: path.clone(),
            replaces: false,
        });
        let secrets = [Secret::new("kw_live_secret".to_owned())];
        let hand_over = HandOver {
            secrets: &secrets,
            text: b"kw_live_secret\n",
        };
        let delivered = sink.deliver(&hand_over, &Interrupts::simulated(true));
        assert_eq!(
            delivered.err().expect("interrupted").kind(),
            Kind::Interrupted
        );
        assert!(!path.exists());
    }

    #[test]
    fn unguessable_names_have_32_digits_and_differ() {
        let (one, other) = (
            unguessable().expect("randomness"),
            unguessable().expect("randomness"),
        );
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
    }
}
