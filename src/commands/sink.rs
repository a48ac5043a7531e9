//! The sinks of mint, rotate and ensure as options, and the rules about secrets in CI logs.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ValueHint;

use crate::context::{self, Context};
use crate::delivery::{CommandSink, GithubSink, Sink, Stream};
use crate::domain::{Safe, tilde};
use crate::error::{Error, Result};
use crate::output::ui::Format;
use crate::output::view::Minted;

/// Where the secret goes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Delivery")]
pub struct SinkArgs {
    /// Write the secret to stdout without the CI warning
    #[arg(long, group = "sink")]
    stdout: bool,

    /// Write the secret to this new file (mode 0600)
    #[arg(long, value_name = "FILE", group = "sink", value_hint = ValueHint::FilePath)]
    out: Option<PathBuf>,

    /// Set a variable in this dotenv file
    #[arg(long, value_name = "FILE", group = "sink", requires = "var", value_hint = ValueHint::FilePath)]
    dotenv: Option<PathBuf>,

    /// The variable that --dotenv sets
    #[arg(long, value_name = "NAME", requires = "dotenv")]
    var: Option<String>,

    /// Set an environment variable for a GitHub Actions job's later steps, masked
    #[arg(long, value_name = "NAME", group = "sink")]
    github_env: Option<String>,

    /// Set an output of a GitHub Actions step, masked
    #[arg(long, value_name = "NAME", group = "sink")]
    github_output: Option<String>,

    /// Do not print the trailing newline
    #[arg(short = 'n', long)]
    no_newline: bool,

    /// Run this command with the secret on its stdin; the key becomes active if it exits with 0
    #[arg(last = true, value_name = "CMD", group = "sink", value_hint = ValueHint::CommandWithArguments)]
    command: Vec<OsString>,
}

/// Whether the key becomes live at once.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Delivery")]
pub struct HoldArgs {
    /// Keep the key pending until its holder presents the secret to `keyward activate`
    #[arg(long)]
    pub hold: bool,
}

/// A sink and how it is used.
#[derive(Debug)]
pub struct Delivery {
    /// Where the secret goes.
    pub sink: Sink,
    pub hold: bool,
    /// Whether a line feed follows the secret.
    pub newline: bool,
    /// What is wrong with this sink although it works.
    pub warning: Option<String>,
}

impl Delivery {
    /// Refuses beforehand a sink that cannot work.
    pub fn check(&self) -> Result<()> {
        self.sink.check()
    }

    /// What the user should know once it has worked; a failure says one thing alone.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.sink.warnings();
        warnings.extend(self.warning.clone());
        warnings
    }
}

impl SinkArgs {
    /// What the options mean here; the sink itself is not looked at.
    pub fn chosen(self, context: &Context, count: u32, hold: bool) -> Result<Delivery> {
        let meant = self.stdout;
        let newline = !self.no_newline;
        let sink = self.sink(context)?;
        if count > 1 && matches!(sink, Sink::Dotenv(_) | Sink::GithubEnv(_) | Sink::GithubOutput(_))
        {
            return Err(Error::usage("a variable takes one secret, and --count asks for several")
                .hinted("deliver them to stdout, --out FILE or a command, one per line"));
        }
        if count > 1 && !newline {
            return Err(Error::usage("several secrets need line feeds between them"));
        }
        if let (Sink::Stdout, Format::Value(field)) = (&sink, &context.ui.format)
            && field != Minted::SECRET
        {
            return Err(Error::usage(format!(
                "-o value={} prints no secret, and no other sink is named for it",
                Safe(field)
            ))
            .hinted("name one, such as --out FILE, or print the secret with -o value=key"));
        }
        let warning = match sink {
            Sink::Stdout if !meant => guard_stdout()?,
            _ => None,
        };
        Ok(Delivery { sink, hold, newline, warning })
    }

    fn sink(self, context: &Context) -> Result<Sink> {
        for path in self.out.iter().chain(&self.dotenv) {
            tilde::refuse(path)?;
        }
        if let Some(path) = self.out {
            return Ok(Sink::file(path));
        }
        if let (Some(path), Some(variable)) = (self.dotenv, self.var) {
            return Ok(Sink::dotenv(path, variable));
        }
        if let Some(name) = self.github_env {
            return Ok(Sink::GithubEnv(github(context, name, "GITHUB_ENV")?));
        }
        if let Some(name) = self.github_output {
            return Ok(Sink::GithubOutput(github(context, name, "GITHUB_OUTPUT")?));
        }
        if self.command.is_empty() && context.announces_no_command() {
            // `-- $CMD` with an empty CMD must not turn into a secret on stdout.
            return Err(Error::usage("no command after --").hinted("name one, or leave -- out"));
        }
        let mut command = self.command.into_iter();
        match command.next() {
            Some(program) => Ok(Sink::Command(CommandSink {
                program,
                arguments: command.collect(),
                folder: None,
            })),
            None => Ok(Sink::Stdout),
        }
    }
}

/// A variable in the runner's file that this variable of the environment names.
pub fn github(context: &Context, name: String, file: &'static str) -> Result<GithubSink> {
    let path = context::github_file(file)?.ok_or_else(|| {
        Error::usage(format!("{file} is not set: this is not a GitHub Actions step"))
            .hinted("elsewhere use --out FILE, --dotenv FILE --var NAME or -- CMD")
    })?;
    // The runner reads both streams; with a document on stdout the mask line goes to the other one.
    let mask = if context.ui.is_for_people() { Stream::Stdout } else { Stream::Stderr };
    Ok(GithubSink { path: path.into(), variable: name, mask })
}

/// Forbids, or finds a warning for, a secret on stdout that nobody said was meant.
fn guard_stdout() -> Result<Option<String>> {
    const OTHERS: &str =
        "--out FILE, --dotenv FILE --var NAME, --github-env NAME, --github-output NAME or -- CMD";
    if context::requires_sink() {
        return Err(Error::usage("KEYWARD_REQUIRE_SINK forbids a secret on stdout")
            .hinted(format!("use {OTHERS}, or pass --stdout")));
    }
    Ok(context::is_ci().then(|| {
        format!("running in CI: a secret on stdout may end up in the log. Use {OTHERS}, or pass --stdout to silence this")
    }))
}
