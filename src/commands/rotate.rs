//! `keyward rotate`.
//!
//! This module never ends the old key by itself: the transaction that makes the new one live does.

use crate::cli::KeyArgument;
use crate::commands::Exit;
use crate::commands::hand_over::{Answer, Parcel};
use crate::commands::sink::{HoldArgs, SinkArgs};
use crate::context::Context;
use crate::delivery::Interrupts;
use crate::domain::lifetime::Lifetime;
use crate::domain::sanitize::Safe;
use crate::domain::timestamp::When;
use crate::error::Result;
use crate::ops::rotate::Terms;
use crate::ops::{cancel, rotate};
use crate::output::view::KeyView;

/// Replace a key's secret, old and new overlapping
///
/// The new key inherits everything: name, environment, scopes, addresses, owner, labels, and a life as long as the old
/// one's, starting now. The old key stays valid for the grace, never longer than it would have.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward rotate ci-pipeline
  keyward rotate ci-pipeline --grace 72h --out new.key
  keyward rotate ci-pipeline --now
  keyward rotate ci-pipeline --hold
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

    /// Take an unfinished rotation back
    #[arg(long, conflicts_with_all = ["grace", "now", "expires", "hold", "sink"])]
    cancel: bool,

    #[command(flatten)]
    hold: HoldArgs,

    #[command(flatten)]
    sink: SinkArgs,
}

/// Runs the command.
pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    if args.cancel {
        return cancel(&args.key, context);
    }
    let delivery = args.sink.delivery(context, 1, args.hold.hold)?;
    let mut store = context.open_store()?;
    let actor = context.actor(&mut store)?;
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
    let rotated = rotate::run(
        &mut store,
        &actor,
        &request,
        context.now(),
        &mut context.rng,
    )?;
    let answer = Answer {
        keys: vec![rotated.key],
        old: Some(rotated.old),
        ended: rotated.ending,
        rest: rotated.rest,
        action: None,
        warnings: Vec::new(),
    };
    let parcel = Parcel {
        answer,
        secrets: vec![rotated.secret],
    };
    parcel.hand_over(context, &mut store, &actor, &delivery, &interrupts)?;
    Ok(0)
}

fn cancel(key: &KeyArgument, context: &mut Context) -> Result<Exit> {
    let mut store = context.open_store()?;
    let actor = context.actor(&mut store)?;
    let now = context.now();
    let outcome = cancel::run(
        &mut store,
        &actor,
        context.workspace.as_deref(),
        &key.selector(),
        now,
    )?;
    let sentence = format!(
        "cancelled the rotation of {}: {} is {}, {} has its expiry back",
        Safe(&outcome.key.name),
        outcome.cancelled.id,
        outcome.cancelled.status(now).word(),
        outcome.key.id
    );
    context
        .ui
        .change(&KeyView::new(&outcome.key, now), &sentence)?;
    Ok(0)
}
