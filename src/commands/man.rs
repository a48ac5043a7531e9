//! `keyward man` and `keyward schema`: the reference that the binary contains.
//!
//! The pages under man/ are the output of `keyward man`, and a test holds them equal.

use std::path::PathBuf;

use clap::ValueHint;

use crate::context::Context;
use crate::domain::words::nearest;
use crate::domain::{Safe, SafePath};
use crate::error::{Error, Result};
use crate::output::{json, man, schema};

/// Show a manual page
///
/// Without COMMAND, shows the page of keyward itself. On a terminal `man` shows it, in your pager; anywhere else it is written
/// to stdout as roff.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward man
  keyward man mint
  keyward man workspace create
  keyward man --all man1")]
pub struct Args {
    /// The command
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,

    /// Write every page into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command", value_hint = ValueHint::DirPath)]
    all: Option<PathBuf>,
}

pub fn run(args: Args, context: &mut Context) -> Result<()> {
    let root = (context.command_line)();
    if let Some(folder) = &args.all {
        let pages = man::pages(&root)?;
        man::write(folder, &pages)?;
        let said = format!("wrote {} pages to {}", pages.len(), SafePath(folder));
        context.ui.status(&said);
        return Ok(());
    }
    let page = man::render(&root, &args.command)?.ok_or_else(|| {
        let name = args.command.join(" ");
        let meant = nearest(&name, root.get_subcommands().map(clap::Command::get_name));
        Error::usage(format!("no command \"{}\"", Safe(&name))).hinted(match meant {
            Some(meant) => format!("did you mean `keyward man {meant}`?"),
            None => "`keyward --help` lists the commands".to_owned(),
        })
    })?;
    man::show(&page)
}

/// Print the JSON Schema of a command's output
///
/// COMMAND is a command's words, or `error` for what a command writes to stderr with --json.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward schema list
  keyward schema workspace list
  keyward schema error")]
pub struct SchemaArgs {
    /// The command
    #[arg(value_name = "COMMAND", required = true)]
    command: Vec<String>,
}

pub fn schema(args: SchemaArgs, context: &mut Context) -> Result<()> {
    let words: Vec<&str> = args.command.iter().flat_map(|word| word.split([' ', '-'])).collect();
    let name = words.join(" ");
    let schema = schema::of(&name).ok_or_else(|| {
        let names = schema::commands();
        let meant = nearest(&name, names);
        let hint = match meant {
            Some(meant) => format!("did you mean `keyward schema {meant}`?"),
            None => format!("there are schemas for {} and error", names.join(", ")),
        };
        Error::usage(format!("no schema for \"{}\"", Safe(&args.command.join(" ")))).hinted(hint)
    })?;
    context.ui.data(&(json::to_string(&schema) + "\n"))
}
