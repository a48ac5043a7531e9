//! `keyward audit verify`.

use crate::context::Context;
use crate::domain::audit::Head;
use crate::error::{Exit, Kind, Result};
use crate::ops::audit;
use crate::output::view::TrailView;

/// Check that the trail's chain is whole
///
/// An edited, inserted, deleted or reordered row, or one that is hidden from the trail's index, is found and named, and the
/// exit status is 9. So is the row that ended a key which can be used again. A chain alone cannot show that its newest rows were cut off or that all of it was written anew: save
/// `keyward audit head` elsewhere from time to time, and compare with what you saved.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward audit verify
  keyward audit verify --json
  keyward audit verify --against \"$(cat audit-head.txt)\"")]
pub struct Args {
    /// A head that was saved earlier, which the trail must still have
    #[arg(long, value_name = "SEQ:HASH")]
    against: Option<Head>,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter()?;
    let outcome = audit::verify(&mut store, &actor, args.against, now)?;
    let first_bad = outcome
        .first_bad
        .or(outcome.misindexed)
        .or(outcome.contradicted);
    let view = TrailView {
        ok: first_bad.is_none(),
        checked: outcome.checked,
        first_bad,
    };
    context.ui.record(&view, || {
        let verdict = match (outcome.first_bad, outcome.misindexed, outcome.contradicted) {
            (None, None, None) => "the trail is whole".to_owned(),
            (Some(seq), ..) => format!("the trail is broken at row {seq}"),
            (None, Some(seq), _) => format!("the trail's index does not agree with row {seq}"),
            (None, None, Some(seq)) => format!("a key that ended in row {seq} can be used again"),
        };
        format!("{verdict}: {} rows checked\n", outcome.checked)
    })?;
    if view.ok && args.against.is_none() {
        context.ui.hint(
            "a chain alone cannot show that its newest rows were cut off or that all of it was written anew: \
             compare with a head that was kept elsewhere, `keyward audit verify --against SEQ:HASH`",
        );
    }
    Ok(if view.ok { 0 } else { Kind::Damaged.exit() })
}
