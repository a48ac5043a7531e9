//! `keyward man`.
//!
//! This module never writes files: the pages under man/ are this command's output, and a test holds them equal.

use clap::CommandFactory;

use crate::cli::Cli;
use crate::commands::Exit;
use crate::context::Context;
use crate::domain::sanitize::Safe;
use crate::error::{Error, Kind, Result};

/// Print a manual page
///
/// Without COMMAND, the page of keyward itself.
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

/// Runs the command.
pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let mut root = Cli::command();
    root.build();
    let mut command = &root;
    for word in &args.command {
        command = command.find_subcommand(word).ok_or_else(|| {
            Error::usage(format!(
                "there is no command \"{}\"",
                Safe(&args.command.join(" "))
            ))
            .hinted("`keyward --help` lists the commands")
        })?;
    }
    // A command's own name is its last word; its page has all of them.
    let name = match args.command.is_empty() {
        true => "keyward".to_owned(),
        false => format!("keyward-{}", args.command.join("-")),
    };
    let title = name.to_uppercase();
    let page = clap_mangen::Man::new(command.clone().name(name))
        .title(title)
        .manual("keyward manual");
    let mut text = Vec::new();
    page.render(&mut text)
        .map_err(|error| Error::new(Kind::Internal, "the page was not rendered").because(error))?;
    context.ui.data(&String::from_utf8_lossy(&text))?;
    Ok(0)
}
