//! `keyward workspace create`.

use crate::commands::workspace::hint_at_choice;
use crate::commands::workspace::policy::PolicyArgs;
use crate::context::Context;
use crate::domain::preset;
use crate::domain::{Name, Safe};
use crate::error::{Exit, Result};
use crate::ops::access::Actor;
use crate::ops::workspace::create;
use crate::output::view::WorkspaceView;

/// Create a workspace
///
/// Its policy is the preset's or the file's, with the fields that options change; without either, that of the preset "default".
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward workspace create acme
  keyward workspace create acme --prefix acme --cap 20 --maximum-lifetime 1y
  keyward workspace create files --scopes read,write
  keyward workspace create shop --preset amser
  keyward workspace create api --policy policy.toml --plan pro")]
pub struct Args {
    /// The workspace's name, 1 to 64 characters
    #[arg(value_name = "NAME")]
    name: Name,

    /// The plan it is on
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,

    #[command(flatten)]
    policy: PolicyArgs,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let (preset, mut policy) = match args.policy.base(context)? {
        Some(base) => base,
        None => (Some(preset::DEFAULT.to_owned()), preset::load(preset::DEFAULT)?),
    };
    args.policy.changes().apply(&mut policy)?;
    let request = create::Request { name: args.name, preset, policy, plan: args.plan };
    let now = context.now();
    let mut store = context.open_or_create_store(|empty| {
        create::run(empty, &Actor::Operator(String::new()), request.clone(), now).map(drop)
    })?;
    let actor = context.actor(&mut store)?;
    let outcome = create::run(&mut store, &actor, request, context.now())?;
    let view = WorkspaceView::new(&outcome.workspace, outcome.census);
    context.ui.change(&view, &format!("created workspace {}", Safe(&outcome.workspace.name)))?;
    hint_at_choice(context, &mut store, 1);
    Ok(0)
}
