//! Where a scene's command puts its secrets, read back as their holder would.

use std::fs;
use std::path::Path;

use crate::support::Sandbox;
use crate::support::files::names_in;

/// What every token of the tests' workspaces begins with.
const FRONT: &str = "kw_live_";
/// What follows it: 12 public characters, 32 secret ones, 6 of the checksum.
const RANDOM: usize = 12 + 32 + 6;

/// Where one secret goes.
#[derive(Debug, Clone, Copy)]
pub enum Sink {
    Stdout,
    /// A file for it alone.
    File(&'static str),
    /// The variable KEY of a dotenv file, which has A and B around it.
    Dotenv(&'static str),
    /// The variable KEY in a runner's file, which begins with BEFORE.
    Runner(&'static str),
    /// A file that the command after `--` writes; keyward knows nothing of it.
    Command(&'static str),
}

impl Sink {
    /// The file, if it is one.
    pub fn file(self) -> Option<&'static str> {
        match self {
            Self::Stdout => None,
            Self::File(file) | Self::Dotenv(file) | Self::Runner(file) | Self::Command(file) => {
                Some(file)
            }
        }
    }

    /// Whether keyward itself writes a file, and so can take it back.
    pub fn is_kept_by_keyward(self) -> bool {
        matches!(self, Self::File(_) | Self::Dotenv(_) | Self::Runner(_))
    }

    /// The secret, if the sink holds the whole of it with what has to stand around it.
    pub fn secret(self, sandbox: &Sandbox, stdout: &str) -> Option<String> {
        let text = match self.file() {
            None => stdout.to_owned(),
            Some(file) => fs::read_to_string(sandbox.home().join(file)).ok()?,
        };
        let whole = text.ends_with('\n');
        match self {
            Self::Stdout => whole.then(|| tokens(text.as_bytes()).pop())?,
            Self::File(_) | Self::Command(_) => {
                let line = text.strip_suffix('\n')?;
                (tokens(line.as_bytes()) == [line]).then(|| line.to_owned())
            }
            Self::Dotenv(_) => {
                let mut lines = text.lines().filter_map(|line| line.strip_prefix("KEY="));
                lines
                    .find(|value| !value.is_empty())
                    .filter(|value| whole && tokens(value.as_bytes()) == [*value])
                    .map(str::to_owned)
            }
            Self::Runner(_) => {
                let lines: Vec<&str> = text.lines().collect();
                let found = lines.windows(3).rev().find(|lines| {
                    lines[0].strip_prefix("KEY<<") == Some(lines[2])
                        && tokens(lines[1].as_bytes()) == [lines[1]]
                });
                found.filter(|_| whole).map(|lines| lines[1].to_owned())
            }
        }
    }

    /// Says what is missing of what stood in the file before.
    pub fn lost(self, sandbox: &Sandbox) -> Option<String> {
        let (file, kept): (_, &[&str]) = match self {
            Self::Dotenv(file) => (file, &["A=1", "B=2"]),
            Self::Runner(file) => (file, &["BEFORE=1"]),
            _ => return None,
        };
        let text = fs::read_to_string(sandbox.home().join(file)).unwrap_or_default();
        let is_gone = |line: &&&str| !text.lines().any(|kept| kept == **line);
        let gone = kept.iter().find(is_gone)?;
        Some(format!("{gone} is gone from {file}:\n{text}"))
    }
}

/// The whole tokens in some bytes.
pub fn tokens(bytes: &[u8]) -> Vec<String> {
    let front = FRONT.as_bytes();
    let mut found = Vec::new();
    for at in 0..bytes.len().saturating_sub(front.len() + RANDOM - 1) {
        let token = &bytes[at..at + front.len() + RANDOM];
        let is_random = |random: &[u8]| random.iter().all(u8::is_ascii_alphanumeric);
        if token.starts_with(front) && is_random(&token[front.len()..]) {
            found.push(String::from_utf8_lossy(token).into_owned());
        }
    }
    found
}

/// Every file under a folder, by its path from there.
pub fn files(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for name in names_in(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            files.extend(self::files(&path).iter().map(|file| format!("{name}/{file}")));
        } else {
            files.push(name);
        }
    }
    files
}
