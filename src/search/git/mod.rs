//! Git repositories, by git's own plumbing.
//!
//! This module never runs anything of a repository (hooks, filters, monitors, external diffs, pagers), never fetches an object,
//! and never writes to it. Git's own refusal of somebody else's repository stands.

mod attribution;
mod hooks;
mod objects;
mod tree;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;

use crate::domain::SafePath;
use crate::domain::scan::Location;
use crate::error::{Error, Kind, Result};

/// What is said to git in any case. The last of several wins, so nothing of a repository's own configuration counts.
const SETTINGS: [&str; 8] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.untrackedCache=false",
    "core.quotePath=true",
    "core.sshCommand=false",
    "protocol.allow=never",
    "gc.auto=0",
];
/// What the environment says to git that would run something, or write somewhere.
const UNSET: [&str; 12] = [
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_EDITOR",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_ASKPASS",
    "GIT_PROXY_COMMAND",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_TRACE_PACKET",
    "GIT_REDIRECT_STDERR",
];
/// What says which repository is meant: true within a hook, and wrong for any other folder.
const REPOSITORY: [&str; 6] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
];

/// How long git may be silent where it soon has something to say: a pipe in place of a file that it reads blocks it forever.
const PATIENCE: Duration = Duration::from_secs(60);
/// What git opens before it says anything, beside a repository's objects.
const OPENED: [&str; 5] =
    ["packed-refs", "shallow", "info/exclude", "info/attributes", "objects/info/alternates"];

pub(super) struct Repository {
    folder: PathBuf,
    /// Whether the environment says which repository it is.
    is_hooks: bool,
    /// Where its objects are.
    pub common: PathBuf,
    pub is_shallow: bool,
    pub is_partial: bool,
    /// What stands before the paths of its files.
    pub front: Vec<u8>,
}

fn command(folder: &Path, is_hooks: bool) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["--no-replace-objects", "--no-optional-locks"]);
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    command
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_ALLOW_PROTOCOL", "")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ATTR_NOSYSTEM", "1")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    for name in UNSET {
        command.env_remove(name);
    }
    for name in REPOSITORY {
        if !is_hooks {
            command.env_remove(name);
        }
    }
    command
}

impl Repository {
    /// The repository that a folder is in; as a hook has it, if it is one.
    pub(super) fn of(folder: &Path, is_hooks: bool) -> Result<Self> {
        let mut asked = command(folder, is_hooks);
        asked.args(["rev-parse", "--git-common-dir", "--git-dir"]);
        asked.stderr(Stdio::piped());
        let absent = |why: &str| Error::usage(format!("{} {why}", SafePath(folder)));
        let answer = output(&mut asked, PATIENCE)
            .map_err(|error| Error::new(Kind::Usage, "git cannot be run").because(error))?;
        if !answer.status.success() {
            let is_others = String::from_utf8_lossy(&answer.stderr).contains("dubious ownership");
            return Err(match is_others {
                true => absent("is another user's git repository")
                    .hinted("git opens it once it is listed in safe.directory"),
                false => absent("is not in a git repository"),
            });
        }
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        let mut lines = text.lines();
        let common = folder.join(lines.next().unwrap_or_default());
        let own = folder.join(lines.next().unwrap_or_default());
        for path in OPENED.map(|name| common.join(name)).into_iter().chain([own.join("index")]) {
            if std::fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
                return Err(Error::new(Kind::Io, format!("{} is not a file", SafePath(&path)))
                    .hinted(
                        "git reads it; `keyward scan --all-files` reads the files without git",
                    ));
            }
        }
        let mut repository = Self {
            folder: folder.to_owned(),
            is_hooks,
            common,
            is_shallow: false,
            is_partial: false,
            front: Vec::new(),
        };
        let shallow = repository.read(&["rev-parse", "--is-shallow-repository"])?;
        repository.is_shallow = shallow.trim_ascii() == b"true";
        let promisors =
            ["config", "--get-regexp", r"^(remote\..*\.promisor|extensions\.partialclone)$"];
        repository.is_partial = !repository.read(&promisors)?.is_empty();
        Ok(repository)
    }

    /// A command of git in this repository.
    fn git<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = command(&self.folder, self.is_hooks);
        command.args(arguments);
        command
    }

    /// What a command of git prints that prints little; nothing where it fails.
    fn read<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Result<Vec<u8>> {
        let answer = output(&mut self.git(arguments), PATIENCE).map_err(unrunnable)?;
        Ok(if answer.status.success() { answer.stdout } else { Vec::new() })
    }

    fn at(&self, path: Option<&[u8]>, object: Option<&str>, commit: Option<&str>) -> Location {
        Location {
            path: path.map(|path| [&self.front, path].concat()),
            object: object.map(str::to_owned),
            commit: commit.map(str::to_owned),
            ..Location::default()
        }
    }
}

/// Starts a command whose output is read as it comes.
fn begin(command: &mut Command) -> Result<(Child, ChildStdout)> {
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(unrunnable)?;
    let output = child.stdout.take();
    let output = output.ok_or_else(|| unrunnable(io::ErrorKind::BrokenPipe.into()))?;
    Ok((child, output))
}

/// What a command prints, as [`Command::output`] has it.
///
/// # Errors
/// It was silent for longer than this, and was ended.
fn output(command: &mut Command, patience: Duration) -> io::Result<Output> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    if let Some(mut output) = child.stdout.take() {
        let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
        let mut part = [0; 1 << 14];
        loop {
            let mut wanted = [PollFd::new(&output, PollFlags::IN)];
            if retry_on_intr(|| poll(&mut wanted, Some(&patience)))? == 0 {
                child.kill()?;
                child.wait()?;
                return Err(io::Error::new(io::ErrorKind::TimedOut, "git does not answer"));
            }
            match output.read(&mut part)? {
                0 => break,
                length => stdout.extend_from_slice(&part[..length]),
            }
        }
    }
    if let Some(mut output) = child.stderr.take() {
        output.read_to_end(&mut stderr)?;
    }
    Ok(Output { status: child.wait()?, stdout, stderr })
}

fn unrunnable(error: io::Error) -> Error {
    Error::new(Kind::Io, "git cannot be run").because(error)
}

/// The fields of git's output that end in this byte.
fn fields(mut output: impl Read, end: u8) -> Result<Vec<Vec<u8>>> {
    let mut bytes = Vec::new();
    output.read_to_end(&mut bytes).map_err(unrunnable)?;
    let mut fields: Vec<Vec<u8>> = bytes.split(|byte| *byte == end).map(<[u8]>::to_vec).collect();
    fields.retain(|field| !field.is_empty());
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_says_nothing_is_ended() {
        let soon = Duration::from_millis(50);
        let silent = output(Command::new("sleep").arg("600"), soon);
        assert_eq!(silent.map_err(|error| error.kind()).err(), Some(io::ErrorKind::TimedOut));
        let said = output(Command::new("echo").arg("here"), PATIENCE).expect("it runs");
        assert_eq!((said.status.success(), said.stdout), (true, b"here\n".to_vec()));
    }
}
