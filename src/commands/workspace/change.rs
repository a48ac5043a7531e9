//! `keyward workspace create`, `set`, `rename`, `delete` and `use`.
//!
//! This module never deletes records without confirmation, by `--yes` or by an answer.

use crate::commands::workspace::hint_at_choice;
use crate::commands::workspace::policy::PolicyArgs;
use crate::context::Context;
use crate::domain::words::counted;
use crate::domain::{Name, Safe, preset};
use crate::error::{Error, Result};
use crate::ops::access::Actor;
use crate::ops::workspace::{self, set};
use crate::output::view::WorkspaceView;

/// Create a workspace
///
/// The policy comes from --preset or --policy (default: the preset "default"); the other options change single fields of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward workspace create acme
  keyward workspace create acme --prefix acme --cap 20 --maximum-lifetime 1y
  keyward workspace create files --scopes read,write
  keyward workspace create shop --preset amser
  keyward workspace create api --policy policy.toml --plan pro")]
pub struct CreateArgs {
    /// The workspace's name, 1 to 64 characters
    #[arg(value_name = "NAME")]
    name: Name,

    /// The workspace's plan
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,

    #[command(flatten)]
    policy: PolicyArgs,
}

pub fn create(args: CreateArgs, context: &mut Context) -> Result<()> {
    let (preset, mut policy) = match args.policy.base(context)? {
        Some(base) => base,
        None => (Some(preset::DEFAULT.to_owned()), preset::load(preset::DEFAULT)?),
    };
    args.policy.changes().apply(&mut policy)?;
    let request = workspace::Request { name: args.name, preset, policy, plan: args.plan };
    let now = context.now();
    let mut store = context.open_or_create_store(|empty| {
        workspace::create(empty, &Actor::Operator(String::new()), request.clone(), now).map(drop)
    })?;
    let actor = context.actor(&mut store)?;
    let outcome = workspace::create(&mut store, &actor, request, context.now())?;
    let view = WorkspaceView::new(&outcome.workspace, outcome.census);
    context.ui.change(&view, &format!("created workspace {}", Safe(&outcome.workspace.name)))?;
    hint_at_choice(context, &mut store, 1);
    Ok(())
}

/// Change a workspace's policy or plan
///
/// Existing keys keep their tokens, scopes and expiry. A preset or a file replaces the whole policy; options change single
/// fields. A policy without the environment or a scope of a live key, or with a cap below the number of live keys, is
/// refused (exit 4) with a list of them; --keep-outside keeps them as they are. `check --outside-policy` finds keys whose
/// environment or scopes the policy does not have. A policy without the workspace's plan needs --plan or --clear-plan.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward workspace set --cap 20
  keyward workspace set default --default-lifetime 90d --maximum-lifetime 1y
  keyward workspace set default --preset audioscrape --plan pro --keep-outside")]
pub struct SetArgs {
    /// The workspace [default: the one in use]
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// The workspace's plan
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,

    /// Use the policy's default plan, or none
    #[arg(long, conflicts_with = "plan")]
    clear_plan: bool,

    /// Keep live keys that the new policy no longer allows
    #[arg(long)]
    keep_outside: bool,

    #[command(flatten)]
    policy: PolicyArgs,
}

pub fn set(args: SetArgs, context: &mut Context) -> Result<()> {
    let request = set::Request {
        workspace: context.workspace_argument(args.name)?,
        policy: args.policy.base(context)?,
        changes: args.policy.changes(),
        plan: if args.clear_plan { Some(None) } else { args.plan.map(Some) },
        keep_outside: args.keep_outside,
    };
    if request.is_empty() {
        return Err(Error::usage("tell set what to change")
            .hinted("`keyward workspace set --help` lists what can be changed"));
    }
    let (mut store, actor, now) = context.enter()?;
    let (outcome, changed) = set::run(&mut store, &actor, request, now)?;
    let name = Safe(&outcome.workspace.name);
    let sentence = if changed {
        format!("changed workspace {name}")
    } else {
        format!("no change: workspace {name} already has these values")
    };
    context.ui.change(&WorkspaceView::new(&outcome.workspace, outcome.census), &sentence)
}

/// Rename a workspace
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward workspace rename default acme")]
pub struct RenameArgs {
    /// The workspace
    #[arg(value_name = "OLD")]
    old: String,

    /// Its new name, 1 to 64 characters
    #[arg(value_name = "NEW")]
    new: Name,
}

pub fn rename(args: RenameArgs, context: &mut Context) -> Result<()> {
    let (mut store, actor, now) = context.enter()?;
    let (outcome, changed) = workspace::rename(&mut store, &actor, &args.old, &args.new, now)?;
    let new = Safe(args.new.as_str());
    let sentence = if changed {
        format!("renamed workspace {} to {new}", Safe(&args.old))
    } else {
        format!("no change: the workspace is already named {new}")
    };
    context.ui.change(&WorkspaceView::new(&outcome.workspace, outcome.census), &sentence)
}

/// Delete a workspace that has no live keys
///
/// The records of its revoked and expired keys are deleted with it; the audit trail stays. It asks first if there are any.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward workspace delete staging --yes")]
pub struct DeleteArgs {
    /// The workspace
    #[arg(value_name = "NAME")]
    name: String,
}

pub fn delete(args: DeleteArgs, context: &mut Context) -> Result<()> {
    let (mut store, actor, now) = context.enter()?;
    let (_, records) = workspace::preview_deletion(&mut store, &actor, &args.name, now)?;
    if records > 0 && !context.yes {
        let question = format!(
            "Delete workspace {} and the records of {}?",
            Safe(&args.name),
            counted(records, "revoked or expired key")
        );
        context.prompter.confirm(&question, "pass --yes to confirm")?;
    }
    let outcome = workspace::delete(&mut store, &actor, &args.name, context.now())?;
    let view = WorkspaceView::new(&outcome.workspace, outcome.census);
    context.ui.change(&view, &format!("deleted workspace {}", Safe(&args.name)))
}

/// Choose the workspace that commands use
///
/// The choice is stored in the store. -w and KEYWARD_WORKSPACE override it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward workspace use default")]
pub struct UseArgs {
    /// The workspace
    #[arg(value_name = "NAME")]
    name: String,
}

pub fn choose(args: UseArgs, context: &mut Context) -> Result<()> {
    let (mut store, actor, now) = context.enter()?;
    let (outcome, changed) = workspace::choose(&mut store, &actor, &args.name, now)?;
    let name = Safe(&args.name);
    let sentence = if changed {
        format!("commands now use workspace {name}")
    } else {
        format!("no change: commands already use workspace {name}")
    };
    context.ui.change(&WorkspaceView::new(&outcome.workspace, outcome.census), &sentence)
}
