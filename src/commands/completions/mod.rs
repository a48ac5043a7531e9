//! `keyward completions`: the script that a shell loads, and the answers it asks for at each Tab.
//!
//! This module never takes what was typed as an argument, where every process could read a secret typed by mistake, and
//! never reports a failure: a Tab either completes or does nothing.
//!
//! clap_complete's dynamic engine is not used. Its script for bash lets the shell expand and split the names it gets, its
//! completers are not given the words typed before (`--store`, `-w`), and it takes `-w list` for the command `list`.

mod bash;
mod candidates;
mod typed;

use clap::ValueEnum;

use crate::context::Context;
use crate::error::{Exit, Result};
use candidates::{Answer, Candidate};
use typed::Words;

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

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    if !args.answer {
        context.ui.data(args.shell.script())?;
    } else if let Ok(Some(answer)) = answer(args.shell, context) {
        context.ui.data(&answer)?;
    }
    Ok(0)
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
    Ok(match candidates::of(&place, &root, context)? {
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
