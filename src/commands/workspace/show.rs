//! `keyward workspace show`.

use crate::context::Context;
use crate::domain::Safe;
use crate::error::{Exit, Result};
use crate::ops::workspace::list;
use crate::output::relative::relative;
use crate::output::table;
use crate::output::view::WorkspaceView;

/// Show a workspace and its policy
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward workspace show default
  keyward workspace show default --policy")]
pub struct Args {
    /// The workspace [default: the one in use]
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Print only the policy, as TOML that --policy FILE reads
    #[arg(long)]
    policy: bool,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter()?;
    let named = context.workspace_argument(args.name)?;
    let outcome = list::show(&mut store, &actor, named.as_deref(), now)?;
    let (workspace, census) = (&outcome.workspace, outcome.census);
    if args.policy {
        context.ui.data(&workspace.policy.to_toml())?;
        return Ok(0);
    }
    let view = WorkspaceView::new(workspace, census).with_policy(&workspace.policy);
    context.ui.record(&view, || {
        let counts = format!(
            "{} active, {} pending, {} disabled",
            census.active, census.pending, census.disabled
        );
        let fields = [
            ("name", Safe(&workspace.name).to_string()),
            ("preset", Safe(workspace.preset.as_deref().unwrap_or("none")).to_string()),
            ("plan", Safe(workspace.plan.as_deref().unwrap_or("none")).to_string()),
            (
                "created",
                format!(
                    "{} by {}",
                    relative(workspace.created_at, now),
                    Safe(&workspace.created_by)
                ),
            ),
            ("keys", counts),
        ];
        let policy = workspace.policy.to_toml();
        let policy: String = policy.lines().map(|line| format!("  {line}\n")).collect();
        table::render_record(&fields) + "policy\n" + &policy
    })?;
    Ok(0)
}
