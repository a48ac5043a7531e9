//! `keyward prune`.

use crate::context::Context;
use crate::domain::{Lifetime, Safe};
use crate::error::{Exit, Result};
use crate::ops::prune;
use crate::output::view::KeyView;

/// Delete the records of keys that have long been dead
///
/// Deletes revoked and expired keys, and what they were used for, once they have been dead for the policy's usage retention
/// (90 days). A secret of theirs is then unknown instead of revoked. The audit trail keeps what happened. Their
/// hashes are kept too, so that no import makes one of these secrets valid again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward prune --dry-run
  keyward prune --all
  keyward prune --dead-for 1y --if-unused-for 30d")]
pub struct Args {
    /// Delete what has been dead for this time [default: the policy's usage retention]
    #[arg(long, value_name = "DURATION")]
    dead_for: Option<Lifetime>,

    /// Delete nothing if one of them was used within this time
    #[arg(long, value_name = "DURATION")]
    if_unused_for: Option<Lifetime>,

    /// Look at every workspace
    #[arg(short, long)]
    all: bool,

    /// Show what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let request = prune::Request {
        workspace: context.workspace.clone(),
        all: args.all,
        dead_for: args.dead_for,
        idle: args.if_unused_for,
        is_rehearsal: args.dry_run,
    };
    let verb = if args.dry_run {
        "would delete"
    } else {
        "deleted"
    };
    let mut store = context.open_store_or_empty()?;
    let actor = if args.dry_run {
        context.onlooker()?
    } else {
        context.actor(&mut store)?
    };
    let now = context.now();
    let mut listing = context.ui.list("keys")?;
    // An answer that cannot be written is no reason to leave half of them.
    let (mut count, mut written) = (0, Ok(()));
    prune::run(&mut store, &actor, &request, now, |keys| {
        for key in keys {
            let (name, status) = (Safe(&key.name), key.status(now).word());
            context
                .ui
                .status(&format!("{verb} {name} ({}), {status}", key.id));
            if written.is_ok() {
                written = listing.push(&KeyView::new(key, now));
            }
        }
        count += keys.len();
        Ok(())
    })?;
    let answer = || written.and_then(|()| listing.finish());
    context.ui.after(&format!("{verb} {count} keys"), answer)?;
    if count == 0 {
        context.ui.status("nothing has been dead for long enough");
    }
    Ok(0)
}
