//! `keyward rotate`.

use crate::commands::hand_over::{Answer, HandOver};
use crate::commands::sink::{HoldArgs, SinkArgs};
use crate::context::Context;
use crate::delivery::Sink;
use crate::domain::{Lifetime, Safe, State, Status, Timestamp, When};
use crate::error::Result;
use crate::ops::access::Actor;
use crate::ops::cancel::Old;
use crate::ops::rotate::Terms;
use crate::ops::{cancel, rotate};
use crate::options::KeyArgument;
use crate::output::relative::relative;
use crate::output::view::{KeyView, Minted};
use crate::signals::Interrupts;
use crate::store::Store;

/// Replace a key's secret with an overlap
///
/// The new key inherits name, environment, scopes, addresses, owner, labels and plan, and a lifetime as long as the old one's,
/// starting now. The old key stays valid for the grace period, but never beyond its own expiry.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward rotate ci-pipeline
  keyward rotate ci-pipeline --grace 72h --out new.key
  keyward rotate ci-pipeline --now
  keyward rotate ci-pipeline --hold
  keyward rotate ci-pipeline --dry-run
  keyward rotate ci-pipeline --cancel")]
pub struct Args {
    #[command(flatten)]
    key: KeyArgument,

    /// How long the old key stays valid [default: the policy's, 24h]
    #[arg(long, value_name = "DURATION", conflicts_with = "now")]
    grace: Option<Lifetime>,

    /// Revoke the old key, and those it replaced, at once
    #[arg(long)]
    now: bool,

    /// When the new key expires [default: after a life as long as the old key's]
    #[arg(long, value_name = "WHEN")]
    expires: Option<When>,

    /// Cancel an unfinished rotation
    #[arg(long, conflicts_with_all = ["grace", "now", "expires", "hold", "sink"])]
    cancel: bool,

    /// Show what would be done and do nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    hold: HoldArgs,

    #[command(flatten)]
    sink: SinkArgs,
}

pub fn run(args: Args, context: &mut Context) -> Result<()> {
    if args.cancel {
        return cancel(&args.key, args.dry_run, context);
    }
    let delivery = args.sink.chosen(context, 1, args.hold.hold)?;
    // In a rehearsal stdout gets no secret, so it need not be able to take one.
    if !args.dry_run || !matches!(delivery.sink, Sink::Stdout) {
        delivery.check()?;
    }
    let (mut store, actor) = enter(args.dry_run, context)?;
    let request = rotate::Request {
        workspace: context.workspace.clone(),
        selector: args.key.selector(),
        terms: Terms {
            grace: args.grace,
            now: args.now,
            hold: delivery.hold,
            expires: args.expires,
            ..Terms::default()
        },
    };
    let interrupts = Interrupts::watch()?;
    let rotated = rotate::run(&mut store, &actor, &request, context.now(), &mut context.rng)?;
    if args.dry_run {
        return rehearsed(rotated, delivery.hold, context);
    }
    let answer = Answer {
        keys: vec![rotated.key],
        old: Some(rotated.old),
        ended: rotated.ending,
        rest: rotated.rest,
        action: None,
        warnings: Vec::new(),
    };
    let hand_over = HandOver { answer, secrets: vec![rotated.secret] };
    hand_over.run(context, &mut store, &actor, &delivery, &interrupts)
}

/// Opens the store for the actor, or for a rehearsal, which does not record the actor.
fn enter(is_rehearsal: bool, context: &mut Context) -> Result<(Store, Actor)> {
    let mut store = context.open_store()?.rehearsing(is_rehearsal);
    let actor = if is_rehearsal { context.onlooker()? } else { context.actor(&mut store)? };
    Ok((store, actor))
}

/// Answers as the rotation would, without what is random in the new key.
fn rehearsed(rotated: rotate::Outcome, is_held: bool, context: &Context) -> Result<()> {
    let rotate::Outcome { mut key, mut old, ending, rest, .. } = rotated;
    let now = context.now();
    if !is_held {
        key.state = State::Active;
        key.supersede(&mut old, now);
        old.replaced_by = None;
    }
    let until = match (is_held, old.status(now), old.expires_at) {
        (true, ..) => "would keep its lifetime until the new one is activated".to_owned(),
        (false, Status::Revoked, _) => "would be revoked at once".to_owned(),
        (false, _, Some(expires_at)) => {
            format!("would expire {} ({expires_at})", relative(expires_at, now))
        }
        (false, _, None) => "would stay valid".to_owned(),
    };
    let expiry = match key.expires_at {
        Some(expires_at) => {
            format!("would expire {} ({expires_at})", relative(expires_at, now))
        }
        None => "would not expire".to_owned(),
    };
    let name = Safe(&old.name);
    let sentence = format!("would rotate {name}: {} {until}; the new key {expiry}", old.id);
    let view = Minted {
        replaced: Some(KeyView::new(&old, now)),
        also_changed: &ending,
        still_valid: &rest.ids,
        ..Minted::unminted(&key, now)
    };
    context.ui.change(&view, &sentence)?;
    for id in &ending {
        context.ui.status(&format!("would revoke {id}, which {name} replaced before"));
    }
    if !rest.is_empty() {
        context.ui.warn(&rest.to_string());
    }
    Ok(())
}

fn cancel(key: &KeyArgument, is_rehearsal: bool, context: &mut Context) -> Result<()> {
    let (mut store, actor) = enter(is_rehearsal, context)?;
    let now = context.now();
    let outcome =
        cancel::run(&mut store, &actor, context.workspace.as_deref(), &key.selector(), now)?;
    let sentence = match is_rehearsal {
        true => format!("would have {}", cancelled(&outcome, now)),
        false => cancelled(&outcome, now),
    };
    context.ui.change(&KeyView::new(&outcome.key, now), &sentence)
}

/// What became of both keys.
fn cancelled(outcome: &cancel::Outcome, now: Timestamp) -> String {
    let (old, new) = (&outcome.key, &outcome.successor);
    let new = match outcome.was {
        Some(Status::Revoked) => format!("{new} was revoked already"),
        Some(Status::Expired) => format!("{new} has expired"),
        Some(status) => format!("revoked {new}, which was {}", status.word()),
        None => format!("its new key {new} is not in this store"),
    };
    let status = old.status(now).word();
    let ends = match old.expires_at {
        Some(expires_at) => format!("expires at {expires_at}"),
        None => "does not expire".to_owned(),
    };
    let is_now = match outcome.old {
        Old::Untouched => format!("was not superseded yet and is {status} as before"),
        Old::Restored => {
            format!("is {status}, no longer superseded, and {ends} as before the rotation")
        }
        Old::Shortened => format!("is {status}, no longer superseded, and {ends}"),
        Old::Kept => format!(
            "is {status} and no longer superseded; its expiry before the rotation is not known, so it {ends}"
        ),
    };
    let name = Safe(&old.name);
    format!("cancelled the rotation of {name}: {new}; {} {is_now}", old.id)
}
