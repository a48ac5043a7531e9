//! `keyward workspace set`.
//!
//! This module never changes keys that are there.

use crate::commands::Exit;
use crate::commands::workspace::policy::PolicyArgs;
use crate::context::Context;
use crate::domain::sanitize::Safe;
use crate::error::{Error, Result};
use crate::ops::workspace::set;
use crate::output::view::WorkspaceView;

/// Change a workspace's policy or plan
///
/// Keys that are there keep their tokens, scopes and expiry. A preset or a file replaces the whole policy; options
/// change single fields.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward workspace set --cap 20
  keyward workspace set default --default-lifetime 90d --maximum-lifetime 1y
  keyward workspace set default --preset audioscrape --plan pro")]
pub struct Args {
    /// The workspace [default: the one that commands work in]
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// The plan it is on
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,

    #[command(flatten)]
    policy: PolicyArgs,
}

/// Runs the command.
pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let request = set::Request {
        workspace: context.workspace_argument(args.name)?,
        policy: args.policy.base(context)?,
        changes: args.policy.changes(),
        plan: args.plan,
    };
    if request.is_empty() {
        return Err(Error::usage("there is nothing to set")
            .hinted("`keyward workspace set --help` lists what can be changed"));
    }
    let mut store = context.open_store()?;
    let actor = context.actor(&mut store)?;
    let (outcome, changed) = set::run(&mut store, &actor, request, context.now())?;
    let name = Safe(&outcome.workspace.name);
    let sentence = match changed {
        true => format!("changed workspace {name}"),
        false => format!("nothing changed: workspace {name} is so already"),
    };
    context.ui.change(
        &WorkspaceView::new(&outcome.workspace, outcome.census),
        &sentence,
    )?;
    Ok(0)
}
