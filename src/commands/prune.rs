//! `keyward prune`.

use std::collections::BTreeSet;

use crate::context::Context;
use crate::domain::words::counted;
use crate::domain::{Key, Lifetime, Safe, Timestamp};
use crate::error::Result;
use crate::ops::access::Actor;
use crate::ops::prune;
use crate::options::Everywhere;
use crate::output::relative::spelled;
use crate::output::view::KeyView;
use crate::store::Store;

/// Delete the records of keys revoked or expired long ago
///
/// Deletes keys revoked or expired for longer than the policy's usage retention (90 days), with their usage. Their secrets
/// then verify as not found instead of revoked. The audit trail keeps their events. Their hashes are kept too, so no import
/// can make these secrets valid again. It asks first on a terminal; without one, keys that the policy would still keep need --yes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward prune --dry-run
  keyward prune --all-workspaces
  keyward prune --dead-for 30d --if-unused-for 30d --yes")]
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

pub fn run(args: Args, context: &mut Context) -> Result<()> {
    let request = prune::Request {
        workspace: context.workspace.clone(),
        all: args.everywhere.all_workspaces,
        dead_for: args.dead_for,
        idle: args.if_unused_for,
        is_rehearsal: args.dry_run,
    };
    let (verb, had) = if args.dry_run { ("would delete", "have") } else { ("deleted", "had") };
    let mut store = context.open_store_or_empty()?;
    let actor = if args.dry_run { context.onlooker()? } else { context.actor(&mut store)? };
    let now = context.now();
    if !args.dry_run && !context.yes {
        ask(context, &mut store, &actor, &request, now)?;
    }
    let mut listing = context.ui.list("keys")?;
    // If the answer cannot be written, the rest is still deleted.
    let (mut count, mut written) = (0, Ok(()));
    let dead_for = prune::run(&mut store, &actor, &request, now, |keys| {
        for key in keys {
            let (name, status) = (Safe(&key.name), key.status(now).word());
            context.ui.status(&format!("{verb} {name} ({}), {status}", key.id));
            if written.is_ok() {
                written = listing.push(&KeyView::new(key, now));
            }
        }
        count += keys.len();
        Ok(())
    })?;
    let answer = || written.and_then(|()| listing.finish());
    let dead_for = dead_for.map_or_else(
        || "as long as their policies keep them".to_owned(),
        |dead_for| spelled(&dead_for),
    );
    let sentence = match count {
        0 => format!("nothing to prune: no key has been revoked or expired for {dead_for}"),
        _ => format!(
            "{verb} {} that {had} been revoked or expired for {dead_for}",
            counted(count, "key")
        ),
    };
    context.ui.after(&sentence, answer)?;
    context.ui.status(&sentence);
    Ok(())
}

/// Asks before records are deleted: at the policy's retention where somebody can be asked, before it in any case.
fn ask(
    context: &Context,
    store: &mut Store,
    actor: &Actor,
    request: &prune::Request,
    now: Timestamp,
) -> Result<()> {
    /// How many keys a question names.
    const NAMED: usize = 20;
    let can_ask = context.prompter.is_allowed();
    if !can_ask && request.dead_for.is_none() {
        return Ok(());
    }
    let mut lines = Vec::new();
    let mut doomed = BTreeSet::new();
    let wanted = request.dead_for.clone();
    rehearse(store, actor, request, wanted, now, |key| {
        if lines.len() < NAMED {
            let (name, status) = (Safe(&key.name), key.status(now).word());
            lines.push(format!("  {name}  {}, {status}", key.id));
        }
        doomed.insert(key.id.clone());
    })?;
    let count = doomed.len();
    if request.dead_for.is_some() {
        // What is left is what the policy would still keep.
        rehearse(store, actor, request, None, now, |key| {
            doomed.remove(&key.id);
        })?;
    }
    let is_early = request.dead_for.is_some() && !doomed.is_empty();
    if count == 0 || (!is_early && !can_ask) {
        return Ok(());
    }
    if can_ask {
        lines.iter().for_each(|line| context.ui.notice(line));
        if count > NAMED {
            context.ui.notice(&format!("  and {} more", count - NAMED));
        }
    }
    let question = format!("Permanently delete the records of {}?", counted(count, "key"));
    context.prompter.confirm(&question, "pass --yes to confirm")
}

/// Calls the closure with each key that would be deleted.
fn rehearse(
    store: &mut Store,
    actor: &Actor,
    request: &prune::Request,
    dead_for: Option<Lifetime>,
    now: Timestamp,
    mut body: impl FnMut(&Key),
) -> Result<()> {
    let rehearsal = prune::Request {
        workspace: request.workspace.clone(),
        all: request.all,
        dead_for,
        idle: request.idle.clone(),
        is_rehearsal: true,
    };
    prune::run(store, actor, &rehearsal, now, |keys| {
        keys.iter().for_each(&mut body);
        Ok(())
    })
    .map(drop)
}
