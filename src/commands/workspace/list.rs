//! `keyward workspace list` and `keyward workspace show`.

use crate::context::Context;
use crate::domain::Safe;
use crate::error::Result;
use crate::ops::workspace::{self, Outcome};
use crate::output::relative::relative;
use crate::output::table::{self, Column};
use crate::output::view::WorkspaceView;

/// List workspaces
///
/// IN USE marks the one that commands use: that of -w, KEYWARD_WORKSPACE or `workspace use`, or the only one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward workspace list
  keyward workspace list --json")]
pub struct ListArgs {}

pub fn list(_args: ListArgs, context: &mut Context) -> Result<()> {
    let (mut store, actor, now) = context.enter_or_empty()?;
    let named = context.workspace.clone();
    let outcomes = workspace::list(&mut store, &actor, now)?;
    let in_use = workspace::in_use(&mut store, &actor, named.as_deref(), now)?;
    let mut listing = context.ui.list("workspaces")?;
    for Outcome { workspace, census } in outcomes {
        let is_used = in_use == Some(workspace.id);
        let view = WorkspaceView::new(&workspace, census).in_use(is_used);
        listing.row(&view, || {
            vec![
                Safe(&workspace.name).to_string(),
                if is_used { "*" } else { "" }.to_owned(),
                Safe(workspace.preset.as_deref().unwrap_or("-")).to_string(),
                Safe(workspace.plan.as_deref().unwrap_or("-")).to_string(),
                census.active.to_string(),
                census.pending.to_string(),
                census.disabled.to_string(),
                relative(workspace.created_at, now),
            ]
        })?;
    }
    let columns = [
        Column::text("NAME"),
        Column::last("IN USE"),
        Column::text("PRESET"),
        Column::text("PLAN"),
        Column::number("ACTIVE"),
        Column::number("PENDING"),
        Column::number("DISABLED"),
        Column::last("CREATED"),
    ];
    if context.ui.end(listing, &columns)? {
        context.ui.hint("no workspaces yet: `keyward workspace create NAME` makes one");
    }
    Ok(())
}

/// Show a workspace and its policy
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward workspace show default
  keyward workspace show default --policy")]
pub struct ShowArgs {
    /// The workspace [default: the one in use]
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Print only the policy, as TOML that --policy FILE reads
    #[arg(long)]
    policy: bool,
}

pub fn show(args: ShowArgs, context: &mut Context) -> Result<()> {
    let (mut store, actor, now) = context.enter()?;
    let named = context.workspace_argument(args.name)?;
    let outcome = workspace::show(&mut store, &actor, named.as_deref(), now)?;
    let (workspace, census) = (&outcome.workspace, outcome.census);
    if args.policy {
        context.ui.data(&workspace.policy.to_toml())?;
        return Ok(());
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
    })
}
