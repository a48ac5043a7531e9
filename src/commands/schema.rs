//! `keyward schema`.

use crate::context::Context;
use crate::domain::Safe;
use crate::error::{Error, Exit, Result};
use crate::output::{json, schema};

/// Print the JSON Schema of a command's output
///
/// COMMAND is a command's words, or `error` for what a command writes to stderr with --json.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward schema list
  keyward schema workspace list
  keyward schema error")]
pub struct Args {
    /// The command
    #[arg(value_name = "COMMAND", required = true)]
    command: Vec<String>,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let words: Vec<&str> = args.command.iter().flat_map(|word| word.split([' ', '-'])).collect();
    let name = words.join(" ");
    let schema = schema::of(&name).ok_or_else(|| {
        Error::usage(format!("no schema for \"{}\"", Safe(&args.command.join(" "))))
            .hinted(format!("there are schemas for {} and error", schema::commands().join(", ")))
    })?;
    context.ui.data(&(json::to_string(&schema) + "\n"))?;
    Ok(0)
}
