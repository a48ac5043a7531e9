//! `keyward workspace set`.

use crate::commands::workspace::policy::PolicyArgs;
use crate::context::Context;
use crate::domain::Safe;
use crate::error::{Error, Exit, Result};
use crate::ops::workspace::set;
use crate::output::view::WorkspaceView;

/// Change a workspace's policy or plan
///
/// Existing keys keep their tokens, scopes and expiry. A preset or a file replaces the whole policy; options change single
/// fields. A policy without the environment or a scope of a live key, or with a cap below the number of live keys, is
/// refused (exit 4) with a list of them; --keep-outside keeps them as they are. `check --outside-policy` finds keys whose
/// environment or scopes the policy does not have. A policy without the workspace's plan needs --plan or --clear-plan.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward workspace set --cap 20
  keyward workspace set default --default-lifetime 90d --maximum-lifetime 1y
  keyward workspace set default --preset audioscrape --plan pro --keep-outside")]
pub struct Args {
    /// The workspace [default: the one in use]
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// The plan it is on
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,

    /// Use the policy's default plan, or none
    #[arg(long, conflicts_with = "plan")]
    clear_plan: bool,

    /// Keep live keys that the new policy no longer allows
    #[arg(long)]
    keep_outside: bool,

    #[command(flatten)]
    policy: PolicyArgs,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let request = set::Request {
        workspace: context.workspace_argument(args.name)?,
        policy: args.policy.base(context)?,
        changes: args.policy.changes(),
        plan: if args.clear_plan { Some(None) } else { args.plan.map(Some) },
        keep_outside: args.keep_outside,
    };
    if request.is_empty() {
        return Err(Error::usage("tell set what to change")
            .hinted("`keyward workspace set --help` lists what can be changed"));
    }
    let (mut store, actor, now) = context.enter()?;
    let (outcome, changed) = set::run(&mut store, &actor, request, now)?;
    let name = Safe(&outcome.workspace.name);
    let sentence = if changed {
        format!("changed workspace {name}")
    } else {
        format!("no change: workspace {name} already has these values")
    };
    context.ui.change(&WorkspaceView::new(&outcome.workspace, outcome.census), &sentence)?;
    Ok(0)
}
