//! `keyward workspace delete`.
//!
//! This module never deletes records without confirmation, by `--yes` or by an answer.

use crate::context::Context;
use crate::domain::Safe;
use crate::error::{Exit, Result};
use crate::ops::workspace::delete;
use crate::output::view::WorkspaceView;

/// Delete a workspace that has no live keys
///
/// The records of its revoked and expired keys are deleted with it; the audit trail stays. It asks first if there are any.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward workspace delete staging --yes")]
pub struct Args {
    /// The workspace
    #[arg(value_name = "NAME")]
    name: String,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter()?;
    let (_, records) = delete::preview(&mut store, &actor, &args.name, now)?;
    if records > 0 && !context.yes {
        let question = format!(
            "Delete workspace {} and the records of {records} revoked or expired keys?",
            Safe(&args.name)
        );
        context.prompter.confirm(&question, "pass --yes to confirm")?;
    }
    let outcome = delete::run(&mut store, &actor, &args.name, context.now())?;
    let view = WorkspaceView::new(&outcome.workspace, outcome.census);
    context.ui.change(&view, &format!("deleted workspace {}", Safe(&args.name)))?;
    Ok(0)
}
