//! `keyward completions`.

use clap_complete::Shell;

use crate::context::Context;
use crate::error::{Exit, Result};

/// Print a shell's completion script
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward completions bash
  keyward completions zsh")]
pub struct Args {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut (context.command_line)(),
        "keyward",
        &mut script,
    );
    context.ui.data(&String::from_utf8_lossy(&script))?;
    Ok(0)
}
