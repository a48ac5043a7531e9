//! `keyward audit verify`.
//!
//! This module never claims more than a chain can show.

use crate::commands::Exit;
use crate::context::Context;
use crate::domain::audit::Head;
use crate::error::{Kind, Result};
use crate::ops::audit;
use crate::output::view::TrailView;

/// Check that the trail's chain is whole
///
/// An edited, inserted, deleted or reordered row is found and named, and the exit status is 9. A chain alone cannot show
/// that its newest rows were cut off or that all of it was written anew: keep `keyward audit head` elsewhere, and compare
/// with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward audit verify
  keyward audit verify --json
  keyward audit verify --against \"$(keyward audit head)\"")]
pub struct Args {
    /// A head that was kept elsewhere, which the trail must still have
    #[arg(long, value_name = "SEQ:HASH")]
    against: Option<Head>,
}

/// Runs the command.
pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let mut store = context.open_store()?;
    let actor = context.actor(&mut store)?;
    let outcome = audit::verify(&mut store, &actor, args.against, context.now())?;
    let view = TrailView {
        ok: outcome.first_bad.is_none(),
        checked: outcome.checked,
        first_bad: outcome.first_bad,
    };
    context.ui.record(&view, || match outcome.first_bad {
        None => format!("the trail is whole: {} rows checked\n", outcome.checked),
        Some(seq) => format!(
            "the trail is broken at row {seq}: {} rows checked\n",
            outcome.checked
        ),
    })?;
    if view.ok && args.against.is_none() {
        context.ui.hint(
            "a chain alone cannot show that its newest rows were cut off or that all of it was written anew: \
             compare with a head that was kept elsewhere, `keyward audit verify --against SEQ:HASH`",
        );
    }
    Ok(if view.ok { 0 } else { Kind::Damaged.exit() })
}
