//! `keyward activate`.
//!
//! This module never takes a KEY: presenting the secret proves that the holder has it.

use crate::commands::verify::SourceArgs;
use crate::context::Context;
use crate::domain::Safe;
use crate::error::Result;
use crate::ops::activate;
use crate::output::table::listed;
use crate::output::view::KeyView;

/// Activate a pending key with its secret
///
/// The secret is read from stdin, from a hidden prompt on a terminal, or from --file or --env.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward activate < secret-file
  keyward activate --file secret-file")]
pub struct Args {
    #[command(flatten)]
    source: SourceArgs,
}

pub fn run(args: Args, context: &mut Context) -> Result<()> {
    let mut store = context.open_store()?;
    let actor = context.actor(&mut store)?;
    let secret = context.read_secret(&args.source.source(), "secret")?;
    let now = context.now();
    let outcome =
        activate::present(&mut store, &actor, context.workspace.as_deref(), &secret, now)?;
    let name = Safe(&outcome.key.name);
    let sentence = match (outcome.changed, &outcome.replaced) {
        (false, _) => format!("no change: {name} ({}) is already active", outcome.key.id),
        (true, None) => format!("activated {name} ({})", outcome.key.id),
        (true, Some(old)) => {
            let superseded = std::iter::once(&old.id).chain(&outcome.ended);
            let superseded = listed(superseded);
            format!("activated {name} ({}), which supersedes {superseded}", outcome.key.id)
        }
    };
    context.ui.change(&KeyView::new(&outcome.key, now), &sentence)
}
