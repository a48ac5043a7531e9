//! `keyward enable`.
//!
//! This module never touches a key that is pending or dead; `ops::pause` refuses those.

use crate::cli::KeyArgument;
use crate::commands::Exit;
use crate::context::Context;
use crate::error::Result;
use crate::ops::pause::{self, Change};
use crate::output::view::KeyView;

/// Resume a paused key
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward enable ci-pipeline")]
pub struct Args {
    #[command(flatten)]
    key: KeyArgument,
}

/// Runs the command.
pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let mut store = context.open_store()?;
    let actor = context.actor(&mut store)?;
    let now = context.now();
    let workspace = context.workspace.as_deref();
    let outcome = pause::run(
        &mut store,
        &actor,
        workspace,
        &args.key.selector(),
        Change::Enable,
        now,
    )?;
    let sentence = match outcome.changed {
        true => format!("enabled {}", outcome.key.id),
        false => format!("nothing changed: {} is enabled already", outcome.key.id),
    };
    context
        .ui
        .change(&KeyView::new(&outcome.key, now), &sentence)?;
    Ok(0)
}
