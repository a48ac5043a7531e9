//! The whole command line: what `keyward` itself says, and every command below it.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{Command, with_examples};
use crate::options::Globals;

/// Administer API keys: mint, list, rotate, revoke and verify, in one SQLite file
#[derive(Debug, Parser)]
#[command(
    name = "keyward",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    args_override_self = true,
    max_term_width = 100,
    after_help = "Examples:
  keyward mint ci-pipeline
  keyward list
  keyward verify < secret-file
  keyward revoke ci-pipeline --yes

`keyward --help` says more, exit statuses included.",
    after_long_help = "Examples:
  keyward mint ci-pipeline
  keyward list
  keyward verify < secret-file
  keyward rotate ci-pipeline --out new.key
  keyward revoke ci-pipeline --reason retired --yes

Exit status:
  0    done; verify: the key is valid
  1    unexpected failure
  2    wrong arguments, a wrong file, or a question without a terminal
  3    no such key, workspace or store
  4    conflict: name taken, KEY ambiguous, or wrong state for this
  5    the policy refuses
  6    the store stayed busy longer than --wait
  7    reading or writing failed
  8    a file or folder has unsafe permissions
  9    the store is damaged, foreign, or made by a newer keyward
  10   verify: not a secret of this store
  11   verify: revoked
  12   verify: expired
  13   verify: pending or disabled
  14   verify: wrong environment, address or scope
  15   verify: rate or quota used up
  16   the secret was not delivered; the key is void
  17   the outcome is unknown
  18   a gate has findings, or changes are pending
  130  interrupted, or a question was declined

Environment:
  KEYWARD_STORE         the store's file
  KEYWARD_WORKSPACE     the workspace to work in
  KEYWARD_AS_FILE       the file with the calling key's secret
  KEYWARD_REQUIRE_SINK  refuse to mint to bare stdout
  KEYWARD_TRUSTED_FOLDER
                        a folder whose group and other permissions are
                        set by an orchestrator and not checked
  XDG_DATA_HOME         the folder of keyward/keyward.db
  CI                    never ask; warn of secrets on bare stdout
  NO_COLOR, TERM=dumb   no colour

Files:
  ~/.local/share/keyward/keyward.db  the store, by default"
)]
pub struct Cli {
    /// The options of every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// The words that name the command, such as `workspace list`.
    #[arg(skip)]
    pub named: String,
}

impl Cli {
    /// Reads the arguments, the program's name in front.
    ///
    /// Every start pays for what clap builds, so at first only the named command is built, or none, which saves half of the
    /// time. Anything that it does not understand is left to the complete command line.
    pub fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let read = |command: clap::Command| -> Result<Self, clap::Error> {
            let matches = command.try_get_matches_from(arguments)?;
            refuse_one_of_all(&matches)?;
            let mut cli = Self::from_arg_matches(&matches)?;
            cli.named = words(&matches).join(" ");
            Ok(cli)
        };
        match read(short(arguments)) {
            Err(error) if error.kind() != ErrorKind::DisplayVersion => {}
            read => return read,
        }
        let read_whole = read(Self::whole());
        match read_whole.as_ref().err().and_then(|error| respelled(arguments, error)) {
            Some(meant) => Self::read(&meant),
            None => read_whole,
        }
    }

    /// The whole command line, every command's arguments included.
    pub fn whole() -> clap::Command {
        let mut whole = with_examples(Self::command());
        whole.build();
        whole
    }
}

/// Turns `help COMMAND` and `version`, which are not commands, into the options they mean.
fn respelled(arguments: &[OsString], error: &clap::Error) -> Option<Vec<OsString>> {
    let (option, word) = match error.get(ContextKind::InvalidSubcommand)? {
        ContextValue::String(word) if word == "help" => ("--help", word),
        ContextValue::String(word) if word == "version" => ("--version", word),
        _ => return None,
    };
    let mut respelled = arguments.to_vec();
    // The same word as an option's value before it is kept: one of the two is left.
    let at = respelled.iter().position(|argument| argument == word.as_str())?;
    respelled.remove(at);
    respelled.push(option.into());
    Some(respelled)
}

/// Refuses one workspace beside all of them. clap itself would miss a `-w` before the command and an `-A` after it.
fn refuse_one_of_all(matches: &clap::ArgMatches) -> Result<(), clap::Error> {
    let mut matches = matches;
    while let Some((_, below)) = matches.subcommand() {
        matches = below;
    }
    let are_all = matches.try_get_one("all_workspaces").ok().flatten().copied();
    let is_one = || matches.value_source("workspace") == Some(ValueSource::CommandLine);
    if !are_all.unwrap_or(false) || !is_one() {
        return Ok(());
    }
    let option = |name: &str| ContextValue::String(name.to_owned());
    let mut error = clap::Error::new(ErrorKind::ArgumentConflict);
    error.insert(ContextKind::InvalidArg, option("--all-workspaces"));
    error.insert(ContextKind::PriorArg, option("--workspace <NAME>"));
    Err(error)
}

fn words(matches: &clap::ArgMatches) -> Vec<&str> {
    match matches.subcommand() {
        Some((word, below)) => [vec![word], words(below)].concat(),
        None => Vec::new(),
    }
}

/// The command line with the first command that these arguments name, if they name one, and without any other.
fn short(arguments: &[OsString]) -> clap::Command {
    let root = clap::Command::new("keyward").version(env!("CARGO_PKG_VERSION"));
    let root = Globals::augment_args(root.args_override_self(true));
    let commands = Command::augment_subcommands(clap::Command::new("keyward"));
    let mut words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    match words.find_map(|word| commands.find_subcommand(word)) {
        Some(command) => root.subcommand(command.clone()),
        None => root,
    }
}
