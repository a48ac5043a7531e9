//! `keyward whoami`.

use crate::context::Context;
use crate::domain::Safe;
use crate::error::{Exit, Result};
use crate::ops::whoami::{self, Outcome};
use crate::output::view::CallerView;

/// Show the current caller
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward whoami
  keyward whoami --as secret-file --json")]
pub struct Args {}

pub fn run(_args: Args, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter_or_empty()?;
    let outcome = whoami::run(&mut store, &actor, context.workspace.as_deref(), now)?;
    let (view, sentence) = match &outcome {
        Outcome::Operator { name, workspace } => {
            let place = match workspace {
                Some(workspace) => format!(", working in {}", Safe(workspace)),
                None => String::new(),
            };
            (
                CallerView::operator(name, workspace.clone()),
                format!("operator {}{place}\n", Safe(name)),
            )
        }
        Outcome::Caller(key) => {
            let (name, workspace) = (Safe(&key.name), Safe(&key.workspace));
            let sentence =
                format!("key {name} ({}) of {workspace}/{}\n", key.id, Safe(&key.environment));
            (CallerView::key(key), sentence)
        }
    };
    context.ui.record(&view, || sentence)?;
    Ok(0)
}
