//! The manifest of `apply`: which keys there should be and where their secrets belong, in TOML.
//!
//! This module never reads a file or a store: a manifest is checked by itself.

mod read;

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use crate::domain::address::Network;
use crate::domain::lifetime::Lifetime;
use crate::domain::name::Name;
use crate::domain::sanitize::Safe;
use crate::domain::when::When;
use crate::error::Error;

#[derive(Debug)]
pub struct Manifest {
    pub workspaces: BTreeMap<String, WorkspaceEntry>,
    /// The keys, in the order they are written.
    pub keys: Vec<KeyEntry>,
}

/// A key there should be: what `ensure` is asked for, and each entry of a manifest. `None` leaves a field unchanged, or means
/// the policy's default when the key is minted.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub name: Name,
    pub environment: Option<String>,
    pub scopes: Option<Vec<String>>,
    /// When it expires, seen from its minting.
    pub expires: Option<When>,
    /// The networks it may be used from.
    pub allow: Option<Vec<Network>>,
    /// The person or team responsible for it.
    pub owner: Option<String>,
    /// Its labels, all of them.
    pub labels: Option<BTreeMap<String, String>>,
    /// A plan of its own.
    pub plan: Option<String>,
    /// How long before it expires it is rotated.
    pub rotate_before: Option<Lifetime>,
    /// How long its predecessor stays valid.
    pub grace: Option<Lifetime>,
    /// Whether it is rotated when its secret is not in the sink.
    pub rotate_if_missing: bool,
}

#[derive(Debug)]
pub struct WorkspaceEntry {
    pub name: Name,
    pub policy: PolicySource,
    pub plan: Option<String>,
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicySource {
    /// What it has, or the preset "default" when it is made.
    Present,
    Preset(String),
    /// A file, relative to the manifest.
    File(PathBuf),
}

#[derive(Debug)]
pub struct KeyEntry {
    /// The workspace it belongs to, which the manifest has.
    pub workspace: String,
    pub wanted: Wanted,
    pub deliver: Deliver,
    /// Whether a line feed follows it there.
    pub newline: bool,
    pub line: usize,
}

impl KeyEntry {
    /// Says of an error which key of the manifest it is about.
    #[must_use]
    pub fn at_its_line(&self, error: Error) -> Error {
        let name = Safe(self.wanted.name.as_str());
        error.told(|message| format!("line {}: {name}: {message}", self.line))
    }
}

/// Where a key's secret belongs. Paths are relative to the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deliver {
    Out(PathBuf),
    Dotenv {
        path: PathBuf,
        variable: String,
    },
    /// A program's standard input: the program and its arguments.
    Command(Vec<String>),
    /// An environment variable of a GitHub Actions job's later steps.
    GithubEnv(String),
    /// An output of a GitHub Actions step.
    GithubOutput(String),
}

impl Deliver {
    /// The file that gets it, which can be looked into, and the variable of a dotenv file.
    pub fn file(&self) -> Option<(&Path, Option<&str>)> {
        match self {
            Self::Out(path) => Some((path, None)),
            Self::Dotenv { path, variable } => Some((path, Some(variable))),
            Self::Command(_) | Self::GithubEnv(_) | Self::GithubOutput(_) => None,
        }
    }

    /// The place where no other secret may go, and the variable there if it has several.
    pub(super) fn place(&self) -> Option<(PathBuf, Option<&str>)> {
        match self {
            Self::Out(path) => Some((plain(path), None)),
            Self::Dotenv { path, variable } => Some((plain(path), Some(variable))),
            // Neither is a path, as they end in a slash.
            Self::GithubEnv(name) => Some((PathBuf::from("GITHUB_ENV/"), Some(name))),
            Self::GithubOutput(name) => Some((PathBuf::from("GITHUB_OUTPUT/"), Some(name))),
            Self::Command(_) => None,
        }
    }
}

/// The places in use, each with the line of its key.
pub struct Taken<P>(BTreeMap<P, BTreeMap<Option<String>, usize>>);

impl<P> Default for Taken<P> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<P: Ord> Taken<P> {
    /// Reserves a place, or a variable in it, for the key on this line. The error is the line of the key that uses it
    /// already.
    pub fn take(&mut self, place: P, variable: Option<&str>, line: usize) -> Result<(), usize> {
        let there = self.0.entry(place).or_default();
        let variable = variable.map(str::to_owned);
        // A secret's own file cannot contain a variable either.
        let other = match &variable {
            None => there.values().next(),
            Some(_) => there.get(&variable).or_else(|| there.get(&None)),
        };
        match other {
            Some(other) => Err(*other),
            None => {
                there.insert(variable, line);
                Ok(())
            }
        }
    }
}

/// A path without detours, as far as possible without looking at the disk.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// The table as written; exactly one sink must be given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDeliver {
    out: Option<PathBuf>,
    dotenv: Option<PathBuf>,
    var: Option<String>,
    command: Option<Vec<String>>,
    github_env: Option<String>,
    github_output: Option<String>,
    newline: Option<bool>,
}

impl RawDeliver {
    /// Whether a line feed follows the secret in a file of its own or on a program's input.
    pub(super) fn newline(&self) -> Result<bool, &'static str> {
        match self.newline {
            Some(_) if self.out.is_none() && self.command.is_none() => {
                Err("newline is for out and command")
            }
            newline => Ok(newline.unwrap_or(true)),
        }
    }

    /// The only sink.
    pub(super) fn choose(&self) -> Result<Deliver, &'static str> {
        let mut sinks = Vec::new();
        sinks.extend(self.out.clone().map(Deliver::Out));
        match (self.dotenv.clone(), self.var.clone()) {
            (Some(path), Some(variable)) => sinks.push(Deliver::Dotenv { path, variable }),
            (Some(_), None) => return Err("dotenv needs the variable's name, var"),
            (None, Some(_)) => return Err("var is for dotenv"),
            (None, None) => {}
        }
        match self.command.as_deref() {
            Some([]) => return Err("command is empty"),
            Some(command) => sinks.push(Deliver::Command(command.to_vec())),
            None => {}
        }
        sinks.extend(self.github_env.clone().map(Deliver::GithubEnv));
        sinks.extend(self.github_output.clone().map(Deliver::GithubOutput));
        let only = sinks.pop().filter(|_| sinks.is_empty());
        only.ok_or("it has one of out, dotenv with var, command, github_env, github_output")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_exactly_one_sink() {
        let choose = |text: &str| {
            let raw: RawDeliver = toml::from_str(text).expect("a table");
            raw.choose()
        };
        assert_eq!(choose("out = \"a\""), Ok(Deliver::Out("a".into())));
        for text in
            ["", "out = \"a\"\ngithub_env = \"A\"", "dotenv = \"a\"", "var = \"A\"", "command = []"]
        {
            assert!(choose(text).is_err(), "{text}");
        }
    }
}
