//! `keyward workspace list`.

use crate::context::Context;
use crate::domain::sanitize::Safe;
use crate::error::Result;
use crate::exit::Exit;
use crate::ops::workspace::{Outcome, list};
use crate::output::relative::relative;
use crate::output::view::WorkspaceView;

/// List workspaces
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward workspace list
  keyward workspace list --json")]
pub struct Args {}

pub fn run(_args: Args, context: &mut Context) -> Result<Exit> {
    let mut store = context.open_store_or_empty()?;
    let actor = context.actor(&mut store)?;
    let now = context.now();
    let outcomes = list::run(&mut store, &actor, now)?;
    if !context.ui.is_for_people() {
        let mut listing = context.ui.list("workspaces")?;
        for Outcome { workspace, census } in &outcomes {
            listing.push(&WorkspaceView::new(workspace, *census))?;
        }
        listing.finish()?;
        return Ok(0);
    }
    if outcomes.is_empty() {
        context
            .ui
            .hint("no workspaces yet: `keyward workspace create NAME` makes one");
        return Ok(0);
    }
    let row = |outcome: &Outcome| {
        let Outcome { workspace, census } = outcome;
        vec![
            Safe(&workspace.name).to_string(),
            Safe(workspace.preset.as_deref().unwrap_or("-")).to_string(),
            Safe(workspace.plan.as_deref().unwrap_or("-")).to_string(),
            census.active.to_string(),
            census.pending.to_string(),
            census.disabled.to_string(),
            relative(workspace.created_at, now),
        ]
    };
    let header = [
        "NAME", "PRESET", "PLAN", "ACTIVE", "PENDING", "DISABLED", "CREATED",
    ];
    context.ui.data(
        &context
            .ui
            .table(&header, outcomes.iter().map(row).collect()),
    )?;
    Ok(0)
}
