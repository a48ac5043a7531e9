//! The outside world: environment, clock, terminal, folders, the files a user names. Its only reader.
//!
//! This module never depends on a store's engine and never decides what a key may do.
//!
//! The variables it reads: `KEYWARD_STORE`, `KEYWARD_WORKSPACE`, `KEYWARD_AS_FILE`, `KEYWARD_REQUIRE_SINK`,
//! `KEYWARD_TRUSTED_FOLDER`, `CI`, `NO_COLOR`, `TERM`, `GITHUB_ENV`, `GITHUB_OUTPUT`, `SUDO_UID`, those that `--env` names, and, for the data folder,
//! `HOME` and `XDG_DATA_HOME`.

mod environment;
mod guard;
mod hardening;
mod input;
mod line_reader;
mod owner;
mod records;
#[cfg(feature = "serve")]
mod service;
mod stores;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::SystemTime;

use crate::domain::secret::Secret;
use crate::domain::{Lifetime, Timestamp};
use crate::error::{Error, Result};
use crate::files;
use crate::ops::access::{self, Actor};
use crate::options::{Colour, Globals};
use crate::output::ui::{Format, Ui};
use crate::prompt::Prompter;
use crate::random::SystemRandom;
use crate::store::Store;

use environment::variable;
pub use environment::{is_ci, requires_sink};
pub use guard::{Document, Guard};
pub use hardening::{fault, harden};
pub use input::github_file;
pub use line_reader::{LONGEST_LINE, Line, LineReader, WaitEnd};
pub use records::{Lines, Records};

/// Everything a command needs of the world.
pub struct Context {
    pub ui: Ui,
    pub prompter: Prompter,
    /// Whether `--yes` answers every question.
    pub yes: bool,
    /// The workspace named by `-w` or the environment.
    pub workspace: Option<String>,
    /// The operating system's random generator.
    pub rng: SystemRandom,
    /// Every command's arguments, for what describes them.
    pub command_line: fn() -> clap::Command,
    workspace_option: Option<String>,
    store: Option<PathBuf>,
    wait: std::time::Duration,
    caller: Option<PathBuf>,
    stdin_taken: bool,
    guard: Rc<Guard>,
    /// Who acts, if not the user that keyward runs as.
    operator: Option<String>,
}

/// Where a command reads a secret from.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// Standard input, hidden when it is a terminal.
    Stdin,
    File(PathBuf),
    Variable(String),
}

impl Context {
    pub fn new(
        globals: &Globals,
        guard: Rc<Guard>,
        command_line: fn() -> clap::Command,
    ) -> Result<Self> {
        if let Some(folder) = variable("KEYWARD_TRUSTED_FOLDER") {
            files::trust_folder(folder.as_ref());
        }
        if globals.header && (globals.json || globals.output != Format::Tsv) {
            return Err(Error::usage("--header names the columns of --output tsv only")
                .hinted("pass --output tsv, or leave --header out"));
        }
        let is_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let obstacles = [
            (!is_terminal, "this is not a terminal"),
            (globals.no_input, "--no-input forbids questions"),
            (is_ci(), "CI is set, which forbids questions"),
        ];
        let wait = match &globals.wait {
            None => std::time::Duration::from_secs(10),
            Some(wait) => wait_of(wait)?,
        };
        Self {
            ui: ui(globals),
            prompter: Prompter {
                obstacle: obstacles.into_iter().find(|(is_so, _)| *is_so).map(|(_, why)| why),
            },
            yes: globals.yes,
            workspace: match &globals.workspace {
                Some(workspace) => Some(workspace.clone()),
                None => environment::text("KEYWARD_WORKSPACE")?,
            },
            rng: SystemRandom,
            command_line,
            workspace_option: globals.workspace.clone(),
            store: globals.store.clone(),
            wait,
            caller: globals
                .caller
                .clone()
                .or_else(|| variable("KEYWARD_AS_FILE").map(PathBuf::from)),
            stdin_taken: false,
            guard,
            operator: None,
        }
        .become_owner(globals.as_owner)
    }

    fn operator(&self) -> String {
        self.operator.clone().unwrap_or_else(owner::operator)
    }

    /// The workspace that a command's own argument names, or the one of `-w` and the environment.
    pub fn workspace_argument(&self, argument: Option<String>) -> Result<Option<String>> {
        match (argument, &self.workspace_option) {
            (Some(argument), Some(option)) if argument != *option => {
                Err(Error::usage("the argument and -w name two workspaces").hinted("leave -w out"))
            }
            (Some(argument), _) => Ok(Some(argument)),
            (None, _) => Ok(self.workspace.clone()),
        }
    }

    /// Whether the arguments end in a bare `--`, which announces a command that is not there.
    pub fn announces_no_command(&self) -> bool {
        self.guard.arguments().last().is_some_and(|argument| argument == "--")
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    /// Opens the store and determines the actor and the time.
    pub fn enter(&mut self) -> Result<(Store, Actor, Timestamp)> {
        let mut store = self.open_store()?;
        let actor = self.actor(&mut store)?;
        Ok((store, actor, self.now()))
    }

    /// The same for a listing: a store that nobody named and that does not exist reads as an empty one.
    pub fn enter_or_empty(&mut self) -> Result<(Store, Actor, Timestamp)> {
        let mut store = self.open_store_or_empty()?;
        let actor = self.actor(&mut store)?;
        Ok((store, actor, self.now()))
    }

    /// Who acts: the operator, or the key named by `--as`, whose use is recorded.
    pub fn actor(&mut self, store: &mut Store) -> Result<Actor> {
        let caller = self.caller(store)?;
        Ok(caller.unwrap_or_else(|| Actor::Operator(self.operator())))
    }

    /// The key named by `--as`, whose use is recorded; nothing when the operator acts.
    pub fn caller(&mut self, store: &mut Store) -> Result<Option<Actor>> {
        let secret = self.presented()?;
        secret.map(|secret| access::enter(store, secret, self.now())).transpose()
    }

    /// The actor of a command that changes nothing, not even the record of a calling key's use.
    pub fn onlooker(&mut self) -> Result<Actor> {
        let caller = self.presented()?.map(Actor::caller);
        Ok(caller.unwrap_or_else(|| Actor::Operator(self.operator())))
    }

    /// The secret of the key named by `--as`, which is not judged yet.
    fn presented(&mut self) -> Result<Option<Secret>> {
        let Some(path) = self.caller.clone() else {
            return Ok(None);
        };
        if path.as_os_str() == "-" {
            self.read_secret(&SecretSource::Stdin, "calling key's secret")
        } else {
            input::read_secret_file(&path)
        }
        .map(Some)
    }

    /// Reads a secret. One trailing LF or CRLF is not part of it. Input that cannot be a secret, because it is not text
    /// or too long, comes back empty: a malformed secret like any other.
    pub fn read_secret(&mut self, source: &SecretSource, label: &str) -> Result<Secret> {
        match source {
            SecretSource::Stdin => {
                self.take_stdin("both secrets")?;
                if std::io::stdin().is_terminal() {
                    return self.prompter.secret(label);
                }
                input::read_secret(&mut input::stdin()?, "stdin")
            }
            SecretSource::File(path) => input::read_secret_file(path),
            SecretSource::Variable(name) => input::read_variable(name),
        }
    }

    /// Listens to standard input line by line.
    pub fn line_reader(&mut self) -> Result<LineReader> {
        self.take_stdin("the caller's secret and requests")?;
        LineReader::start()
    }

    /// Refuses a second use of standard input, which could not give both of these.
    fn take_stdin(&mut self, both: &str) -> Result<()> {
        if std::mem::replace(&mut self.stdin_taken, true) {
            let message = format!("stdin cannot give {both}");
            return Err(Error::usage(message).hinted("name a file for the caller's with --as FILE"));
        }
        Ok(())
    }
}

/// How to write output, by the options and the terminals.
pub fn ui(globals: &Globals) -> Ui {
    let colour = |is_terminal: bool| match globals.color {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => {
            is_terminal
                && variable("NO_COLOR").is_none()
                && variable("TERM").is_none_or(|term| term != "dumb")
        }
    };
    let stdout = std::io::stdout();
    let width = stdout.is_terminal().then(|| rustix::termios::tcgetwinsize(&stdout).ok()).flatten();
    Ui {
        format: if globals.json { Format::Json } else { globals.output.clone() },
        has_header: globals.header,
        quiet: globals.quiet,
        width: width.map(|size| size.ws_col),
        colour_stdout: colour(stdout.is_terminal()),
        colour_stderr: colour(std::io::stderr().is_terminal()),
        stderr_is_terminal: std::io::stderr().is_terminal()
            && variable("TERM").is_none_or(|term| term != "dumb"),
        held: Rc::default(),
    }
}

fn wait_of(wait: &Lifetime) -> Result<std::time::Duration> {
    let millis = wait.millis_from(Timestamp::from_millis(0))?;
    Ok(std::time::Duration::from_millis(millis.unsigned_abs()))
}
