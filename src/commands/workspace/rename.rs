//! `keyward workspace rename`.

use crate::context::Context;
use crate::domain::{Name, Safe};
use crate::error::{Exit, Result};
use crate::ops::workspace::rename;
use crate::output::view::WorkspaceView;

/// Rename a workspace
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward workspace rename default acme")]
pub struct Args {
    /// The workspace
    #[arg(value_name = "OLD")]
    old: String,

    /// Its new name, 1 to 64 characters
    #[arg(value_name = "NEW")]
    new: Name,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter()?;
    let (outcome, changed) = rename::run(&mut store, &actor, &args.old, &args.new, now)?;
    let new = Safe(args.new.as_str());
    let sentence = if changed {
        format!("renamed workspace {} to {new}", Safe(&args.old))
    } else {
        format!("no change: the workspace is already named {new}")
    };
    context.ui.change(&WorkspaceView::new(&outcome.workspace, outcome.census), &sentence)?;
    Ok(0)
}
