//! The commands that change a key in place, `keyward rename`, `set`, `disable` and `enable`, and what they answer.
//!
//! This module never guesses that an empty value means "clear": clearing has flags of its own.

use crate::context::Context;
use crate::domain::label::{Label, Owner};
use crate::domain::{Lifetime, Name, Network, Safe, Timestamp, When};
use crate::error::{Error, Result};
use crate::ops::change::Outcome;
use crate::ops::lineage::Rest;
use crate::ops::pause::{self, Change};
use crate::ops::rename;
use crate::ops::set::{self, Changes};
use crate::options::KeyArgument;
use crate::output::view::Changed;

/// Rename a key
///
/// A name means every key of that name and environment that can still verify.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward rename ci-pipeline build-pipeline
  keyward rename ci-pipeline build-pipeline -e test")]
pub struct RenameArgs {
    #[command(flatten)]
    key: KeyArgument,

    /// The new name, 1 to 64 characters
    #[arg(value_name = "NAME")]
    name: Name,
}

pub fn rename(args: RenameArgs, context: &mut Context) -> Result<()> {
    let (mut store, actor, now) = context.enter()?;
    let workspace = context.workspace.as_deref();
    let outcome =
        rename::run(&mut store, &actor, workspace, &args.key.selector(), &args.name, now)?;
    let name = Safe(args.name.as_str());
    let sentence = match outcome.subjects() {
        Some(keys) => format!("renamed {keys} to {name}"),
        None => {
            let what = format!("{} is already named {name}", outcome.key.id);
            unchanged(&what, &outcome.rest)
        }
    };
    answer(context, &outcome, &sentence, now)
}

/// Change a key's scopes, expiry, addresses, owner, labels or plan
///
/// --scope and --allow replace the current values; --label adds to them. A name means every key of that name and
/// environment that can still verify. An expiry is never extended for a superseded key.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward set ci-pipeline --expires 90d --owner platform
  keyward set ci-pipeline --label team=core --label tier=1
  keyward set ci-pipeline --allow 203.0.113.0/24
  keyward set ci-pipeline --clear-expires --clear-labels")]
pub struct SetArgs {
    #[command(flatten)]
    key: KeyArgument,

    /// A scope; replaces the current ones (can be repeated)
    #[arg(long = "scope", value_name = "SCOPE", conflicts_with = "clear_scopes")]
    scopes: Vec<String>,

    /// Remove all scopes
    #[arg(long)]
    clear_scopes: bool,

    /// When the key expires: a date, an RFC 3339 time, a duration such as 90d, or never
    #[arg(long, value_name = "WHEN", conflicts_with = "clear_expires")]
    expires: Option<When>,

    /// Remove the expiry
    #[arg(long)]
    clear_expires: bool,

    /// An address or network; replaces the current ones (can be repeated)
    #[arg(long, value_name = "CIDR", conflicts_with = "clear_allow")]
    allow: Vec<Network>,

    /// Remove the allow-list
    #[arg(long)]
    clear_allow: bool,

    /// Person or team responsible for the key
    #[arg(long, value_name = "OWNER", conflicts_with = "clear_owner")]
    owner: Option<Owner>,

    /// Remove the owner
    #[arg(long)]
    clear_owner: bool,

    /// A label to add or overwrite (can be repeated)
    #[arg(long = "label", value_name = "NAME=VALUE")]
    labels: Vec<Label>,

    /// Remove all labels first
    #[arg(long)]
    clear_labels: bool,

    /// A plan of the policy only for this key: its rate replaces the workspace's, its quota applies as well as the workspace's
    #[arg(long, value_name = "PLAN", conflicts_with = "clear_plan")]
    plan: Option<String>,

    /// Use only the workspace's plan
    #[arg(long)]
    clear_plan: bool,
}

pub fn set(args: SetArgs, context: &mut Context) -> Result<()> {
    let labels = args.labels.into_iter();
    let request = set::Request {
        workspace: context.workspace.clone(),
        selector: args.key.selector(),
        expires: if args.clear_expires { Some(When::Never) } else { args.expires },
        changes: Changes {
            scopes: (args.clear_scopes || !args.scopes.is_empty()).then_some(args.scopes),
            allow: (args.clear_allow || !args.allow.is_empty()).then_some(args.allow),
            owner: if args.clear_owner {
                Some(None)
            } else {
                args.owner.map(|owner| Some(owner.0))
            },
            plan: if args.clear_plan { Some(None) } else { args.plan.map(Some) },
            clear_labels: args.clear_labels,
            labels: labels.map(|label| (label.name, label.value)).collect(),
        },
    };
    if request.is_empty() {
        return Err(Error::usage("tell set what to change").hinted(
            "pass --scope, --expires, --allow, --owner, --label, --plan, or a --clear-... flag",
        ));
    }
    let (mut store, actor, now) = context.enter()?;
    let outcome = set::run(&mut store, &actor, &request, now)?;
    let sentence = match outcome.subjects() {
        Some(ids) => format!("changed {}", outcome.named(ids)),
        None => {
            let what = format!("{} already has these values", outcome.named(&outcome.key.id));
            unchanged(&what, &outcome.rest)
        }
    };
    answer(context, &outcome, &sentence, now)
}

/// Disable a key until it is enabled again
///
/// It verifies as `disabled` until it is enabled. A name means every key of that name and environment that can still
/// verify. To end a key permanently, revoke it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward disable ci-pipeline
  keyward disable ci-pipeline --if-unused-for 30d")]
pub struct DisableArgs {
    #[command(flatten)]
    key: KeyArgument,

    /// Refuse if the key was used within this time
    #[arg(long, value_name = "DURATION")]
    if_unused_for: Option<Lifetime>,
}

pub fn disable(args: DisableArgs, context: &mut Context) -> Result<()> {
    pause(&args.key, Change::Disable, args.if_unused_for.as_ref(), context)
}

/// Enable a disabled key
///
/// A name means every key of that name and environment that can still verify.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward enable ci-pipeline")]
pub struct EnableArgs {
    #[command(flatten)]
    key: KeyArgument,
}

pub fn enable(args: EnableArgs, context: &mut Context) -> Result<()> {
    pause(&args.key, Change::Enable, None, context)
}

/// Pauses or resumes a key and answers.
pub fn pause(
    key: &KeyArgument,
    change: Change,
    idle: Option<&Lifetime>,
    context: &mut Context,
) -> Result<()> {
    let (mut store, actor, now) = context.enter()?;
    let outcome = pause::run(
        &mut store,
        &actor,
        context.workspace.as_deref(),
        &key.selector(),
        change,
        idle,
        now,
    )?;
    let done = match change {
        Change::Disable => "disabled",
        Change::Enable => "enabled",
    };
    let sentence = match outcome.subjects() {
        Some(ids) => format!("{done} {}", outcome.named(ids)),
        None => {
            let what = format!("{} is already {done}", outcome.named(&outcome.key.id));
            unchanged(&what, &outcome.rest)
        }
    };
    answer(context, &outcome, &sentence, now)
}

/// Answers with the key, with those that changed with it, and with those that were not meant.
pub fn answer(context: &Context, outcome: &Outcome, sentence: &str, now: Timestamp) -> Result<()> {
    let Outcome { key, also_changed, rest, .. } = outcome;
    if !rest.is_empty() {
        context.ui.warn(&rest.to_string());
    }
    let view = Changed::new(key, also_changed, &rest.ids, now);
    context.ui.change(&view, sentence)
}

/// Says that a key is already in the requested state. While another key of its name can still verify, "no change" is
/// left out: during an incident, a reader would stop there.
pub fn unchanged(what: &str, rest: &Rest) -> String {
    if rest.is_empty() { format!("no change: {what}") } else { what.to_owned() }
}
