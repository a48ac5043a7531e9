//! `keyward man`.
//!
//! The pages under man/ are this command's output, and a test holds them equal.

use std::path::PathBuf;

use clap::ValueHint;

use crate::context::Context;
use crate::domain::{Safe, SafePath};
use crate::error::{Error, Exit, Result};
use crate::output::{man, manual};

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

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let root = (context.command_line)();
    if let Some(folder) = &args.all {
        let pages = man::pages(&root)?;
        manual::write(folder, &pages)?;
        let said = format!("wrote {} pages to {}", pages.len(), SafePath(folder));
        context.ui.status(&said);
        return Ok(0);
    }
    let page = man::render(&root, &args.command)?.ok_or_else(|| {
        let name = args.command.join(" ");
        Error::usage(format!("unknown command \"{}\"", Safe(&name)))
            .hinted("`keyward --help` lists the commands")
    })?;
    manual::show(&page)?;
    Ok(0)
}
