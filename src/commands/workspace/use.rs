//! `keyward workspace use`.

use crate::context::Context;
use crate::domain::Safe;
use crate::error::{Exit, Result};
use crate::ops::workspace::choose;
use crate::output::view::WorkspaceView;

/// Choose the workspace that commands use
///
/// The choice is stored in the store. -w and KEYWARD_WORKSPACE override it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward workspace use default")]
pub struct Args {
    /// The workspace
    #[arg(value_name = "NAME")]
    name: String,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter()?;
    let (outcome, changed) = choose::run(&mut store, &actor, &args.name, now)?;
    let name = Safe(&args.name);
    let sentence = if changed {
        format!("commands now use workspace {name}")
    } else {
        format!("no change: commands already use workspace {name}")
    };
    context.ui.change(&WorkspaceView::new(&outcome.workspace, outcome.census), &sentence)?;
    Ok(0)
}
