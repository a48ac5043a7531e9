//! `keyward prune`.

use crate::context::Context;
use crate::domain::words::counted;
use crate::domain::{Lifetime, Safe};
use crate::error::{Exit, Result};
use crate::ops::prune;
use crate::options::Everywhere;
use crate::output::view::KeyView;

/// Delete the records of keys revoked or expired long ago
///
/// Deletes keys revoked or expired for longer than the policy's usage retention (90 days), with their usage. Their secrets
/// then verify as not found instead of revoked. The audit trail keeps their events. Their hashes are kept too, so no import
/// can make these secrets valid again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward prune --dry-run
  keyward prune --all-workspaces
  keyward prune --dead-for 1y --if-unused-for 30d")]
pub struct Args {
    /// Delete keys revoked or expired for this long [default: the policy's usage retention]
    #[arg(long, value_name = "DURATION")]
    dead_for: Option<Lifetime>,

    /// Refuse if any of them was used within this time
    #[arg(long, value_name = "DURATION")]
    if_unused_for: Option<Lifetime>,

    #[command(flatten)]
    everywhere: Everywhere,

    /// Show what would be deleted and delete nothing
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let request = prune::Request {
        workspace: context.workspace.clone(),
        all: args.everywhere.all_workspaces,
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
    context
        .ui
        .after(&format!("{verb} {}", counted(count, "key")), answer)?;
    if count == 0 {
        context
            .ui
            .status("nothing to prune: no key has been revoked or expired for long enough");
    }
    Ok(0)
}
