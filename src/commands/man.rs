//! `keyward man`.
//!
//! This module never writes files: the pages under man/ are this command's output, and a test holds them equal.

use crate::context::Context;
use crate::domain::Safe;
use crate::error::{Error, Exit, Result};
use crate::output::man;

/// Print a manual page
///
/// Without COMMAND, prints the page of keyward itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward man
  keyward man mint
  keyward man workspace create")]
pub struct Args {
    /// The command
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let root = (context.command_line)();
    let mut command = &root;
    for word in &args.command {
        command = command.find_subcommand(word).ok_or_else(|| {
            let name = args.command.join(" ");
            Error::usage(format!("unknown command \"{}\"", Safe(&name)))
                .hinted("`keyward --help` lists the commands")
        })?;
    }
    context.ui.data(&man::render(command, &args.command)?)?;
    Ok(0)
}
