//! `keyward completions`: the script that a shell loads, and the answers it asks for at each Tab.
//!
//! This module never takes what was typed as an argument, where every process could read a secret typed by mistake, and
//! never reports a failure: a Tab either completes or does nothing.
//!
//! clap_complete's dynamic engine is not used. Its script for bash lets the shell expand and split the names it gets, its
//! completers are not given the words typed before (`--store`, `-w`), and it takes `-w list` for the command `list`.

mod bash;
mod typed;

use clap::builder::ValueHint;
use clap::{Arg, Command, ValueEnum};

use crate::context::Context;
use crate::domain::Safe;
use crate::error::Result;
use crate::ops::complete::{self, Request, Wanted};
use typed::{Place, Words};

/// Print a shell's completion script
///
/// The script asks keyward at each Tab, so that names of keys, workspaces, environments, scopes and plans complete too. The
/// store is only read, and only names and ids are shown.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:
  keyward completions bash
  keyward completions zsh",
    after_long_help = "Where to put it:
  bash        ~/.local/share/bash-completion/completions/keyward
  zsh         a file _keyward in a folder of $fpath, before compinit runs
  fish        ~/.config/fish/completions/keyward.fish
  powershell  a file that $PROFILE loads: . ~/keyward.ps1
  elvish      ~/.config/elvish/lib/keyward.elv, and `use keyward` in rc.elv

Examples:
  keyward completions bash
  keyward completions zsh > ~/_keyward
  keyward completions fish"
)]
pub struct Args {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,

    /// Answer the script, which writes what was typed to stdin
    #[arg(long, hide = true)]
    answer: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    #[value(name = "powershell")]
    Pwsh,
    Zsh,
}

impl Shell {
    fn script(self) -> &'static str {
        match self {
            Self::Bash => include_str!("../../../completions/keyward.bash"),
            Self::Elvish => include_str!("../../../completions/keyward.elv"),
            Self::Fish => include_str!("../../../completions/keyward.fish"),
            Self::Pwsh => include_str!("../../../completions/_keyward.ps1"),
            Self::Zsh => include_str!("../../../completions/_keyward"),
        }
    }
}

impl Args {
    /// Whether a shell's script is asking, so that only names are printed.
    pub fn is_answer(&self) -> bool {
        self.answer
    }
}

pub fn run(args: Args, context: &mut Context) -> Result<()> {
    if !args.answer {
        context.ui.data(args.shell.script())?;
    } else if let Ok(Some(answer)) = answer(args.shell, context) {
        context.ui.data(&answer)?;
    }
    Ok(())
}

/// A line with the kind of answer, and a line for each candidate.
fn answer(shell: Shell, context: &mut Context) -> Result<Option<String>> {
    let fields = context.read_fields()?;
    let line = match (shell, fields.as_slice()) {
        (Shell::Bash, [line, breaks]) => bash::read(line, breaks),
        (Shell::Bash, _) => None,
        (_, words) => Some(bash::Line::of_words(words)),
    };
    let Some(line) = line else {
        return Ok(None);
    };
    if line.is_path {
        return Ok(Some("files\n".to_owned()));
    }
    let root = (context.command_line)();
    let Some(place) = Words::place(&root, &line.words) else {
        return Ok(None);
    };
    Ok(match of(&place, &root, context)? {
        Answer::Files => Some("files\n".to_owned()),
        Answer::Folders => Some("folders\n".to_owned()),
        Answer::Programs => Some("programs\n".to_owned()),
        Answer::Values(values) => {
            let written = values.iter().map(|candidate| match shell {
                Shell::Bash => line.replacement(&candidate.word),
                _ => described(candidate),
            });
            Some(format!("values\n{}", written.collect::<String>()))
        }
    })
}

fn described(candidate: &Candidate) -> String {
    match candidate.about.as_str() {
        "" => format!("{}\n", candidate.word),
        about => format!("{}\t{about}\n", candidate.word),
    }
}

/// What a shell completes with.
pub enum Answer {
    Values(Vec<Candidate>),
    Files,
    Folders,
    Programs,
}

/// A word that fits, and what it is.
pub struct Candidate {
    pub word: String,
    pub about: String,
}

pub fn of(place: &Place<'_>, root: &Command, context: &Context) -> Result<Answer> {
    let mut found = Vec::new();
    let mut add = |word: &str, about: String| {
        let is_typed = word.starts_with(place.value);
        // A name that is shown escaped cannot be typed that way.
        if is_typed && Safe(word).to_string() == word.replace('\\', "\\\\") {
            let word = format!("{}{word}", place.front);
            found.push(Candidate { word, about });
        }
    };
    if let Some((argument, nth)) = place.argument {
        match wanted(argument, nth, place) {
            Value::Hinted(answer) => return Ok(answer),
            Value::Choice => {
                let shown = argument.get_possible_values();
                for value in shown.iter().filter(|value| !value.is_hide_set()) {
                    let help = value.get_help().map(ToString::to_string);
                    add(value.get_name(), help.unwrap_or_default());
                }
            }
            Value::CommandOf => {
                let mut words = place.given(argument.get_id().as_str()).flatten();
                let command = words.try_fold(root, |command, word| command.find_subcommand(word));
                for (word, about) in command.into_iter().flat_map(commands) {
                    add(word, about);
                }
            }
            Value::Stored(wanted) => {
                for (name, about) in stored(wanted, place, context)? {
                    if !(place.minds_hyphens && name.starts_with('-')) {
                        add(&name, Safe(&about).to_string());
                    }
                }
            }
            Value::Unknown => {}
        }
    }
    if place.takes_commands {
        for (word, about) in commands(place.command) {
            add(word, about);
        }
        if place.path.is_empty() && place.takes_options {
            add("help", "Show the help of a command".to_owned());
        }
    }
    if place.takes_options && (place.value.starts_with('-') || !place.command.has_subcommands()) {
        let shown = place.command.get_arguments().filter(|arg| !arg.is_hide_set());
        let (global, own): (Vec<_>, Vec<_>) = shown.partition(|arg| arg.is_global_set());
        for option in own.into_iter().chain(global) {
            for long in option.get_long_and_visible_aliases().unwrap_or_default() {
                let help = option.get_help().map(ToString::to_string);
                add(&format!("--{long}"), help.unwrap_or_default());
            }
        }
    }
    Ok(Answer::Values(found))
}

enum Value {
    Hinted(Answer),
    Choice,
    Stored(Wanted),
    /// A word of the commands below the words given so far.
    CommandOf,
    Unknown,
}

fn wanted(argument: &Arg, nth: usize, place: &Place<'_>) -> Value {
    let name = argument.get_value_names().and_then(|names| names.first());
    let works_on_workspaces =
        place.path.first() == Some(&"workspace") && place.path.get(1) != Some(&"create");
    let shows_ended = matches!(place.path.first(), Some(&("show" | "usage" | "audit")));
    match name.map(|name| name.as_str()) {
        _ if !argument.get_possible_values().is_empty() => Value::Choice,
        Some("KEY") => Value::Stored(Wanted::Keys { shows_ended }),
        Some("ENV") => Value::Stored(Wanted::Environments),
        Some("SCOPE") => Value::Stored(Wanted::Scopes),
        Some("PLAN") => Value::Stored(Wanted::Plans),
        Some("COMMAND") => Value::CommandOf,
        Some("NAME") if argument.get_id() == "workspace" => Value::Stored(Wanted::Workspaces),
        Some("NAME" | "OLD") if argument.is_positional() && works_on_workspaces => {
            Value::Stored(Wanted::Workspaces)
        }
        _ => match argument.get_value_hint() {
            ValueHint::AnyPath | ValueHint::FilePath => Value::Hinted(Answer::Files),
            ValueHint::DirPath => Value::Hinted(Answer::Folders),
            ValueHint::CommandWithArguments if nth == 0 => Value::Hinted(Answer::Programs),
            ValueHint::CommandWithArguments => Value::Hinted(Answer::Files),
            _ => Value::Unknown,
        },
    }
}

/// What the store has, of the store, the workspace and the environment that were typed.
fn stored(wanted: Wanted, place: &Place<'_>, context: &Context) -> Result<Vec<(String, String)>> {
    let last = |id| place.given(id).last();
    let typed = [last("store"), last("workspace"), last("environment"), last("preset")];
    if typed.contains(&Some(None)) {
        // Only the shell can say which store, or which workspace.
        return Ok(Vec::new());
    }
    let [store, workspace, environment, preset] = typed.map(Option::flatten);
    let own = match place.path.as_slice() {
        ["workspace", "set" | "show"] => last("name").flatten(),
        _ => None,
    };
    let mut store = context.glance(store)?;
    let request = Request {
        wanted,
        workspace: own.or(workspace).or(context.workspace.as_deref()),
        environment,
        preset,
        front: place.value,
    };
    complete::run(&mut store, &request, context.now())
}

fn commands(command: &Command) -> impl Iterator<Item = (&str, String)> {
    let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
    shown.map(|command| {
        let about = command.get_about().map(ToString::to_string);
        (command.get_name(), about.unwrap_or_default())
    })
}
