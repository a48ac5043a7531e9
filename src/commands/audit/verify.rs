//! `keyward audit verify`.

use crate::context::Context;
use crate::domain::audit::Head;
use crate::domain::words::counted;
use crate::error::{Exit, Kind, Result};
use crate::ops::audit;
use crate::output::view::TrailView;

/// Check that the audit trail is intact
///
/// Names the first row that was edited, inserted, deleted, reordered or hidden from the trail's index, or that ended a key
/// which can be used again, and exits with 9. A chain cannot reveal that its newest rows were removed or that all of it was
/// rewritten: save `keyward audit head` elsewhere from time to time, and compare with --against.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward audit verify
  keyward audit verify --json
  keyward audit verify --against \"$(cat audit-head.txt)\"")]
pub struct Args {
    /// A saved head that the trail must still contain
    #[arg(long, value_name = "SEQ:HASH")]
    against: Option<Head>,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter()?;
    let outcome = audit::verify(&mut store, &actor, args.against, now)?;
    let first_bad = outcome.first_bad.or(outcome.misindexed).or(outcome.contradicted);
    let view = TrailView { ok: first_bad.is_none(), checked: outcome.checked, first_bad };
    context.ui.record(&view, || {
        let verdict = match (outcome.first_bad, outcome.misindexed, outcome.contradicted) {
            (None, None, None) => "audit trail intact".to_owned(),
            (Some(seq), ..) => format!("audit trail broken at row {seq}"),
            (None, Some(seq), _) => format!("the audit trail's index does not match row {seq}"),
            (None, None, Some(seq)) => format!("a key that row {seq} ended can be used again"),
        };
        format!("{verdict}: {} checked\n", counted(outcome.checked, "row"))
    })?;
    if view.ok && args.against.is_none() {
        context.ui.hint(
            "to detect a truncated or rewritten trail, compare it with a saved head: `keyward audit verify --against SEQ:HASH`",
        );
    }
    Ok(if view.ok { 0 } else { Kind::Damaged.exit() })
}
