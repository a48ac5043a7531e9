//! `keyward rename`.

use crate::commands::changed;
use crate::context::Context;
use crate::domain::{Name, Safe};
use crate::error::{Exit, Result};
use crate::ops::rename;
use crate::options::KeyArgument;

/// Rename a key
///
/// A name means every key of that name and environment that can still verify.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward rename ci-pipeline build-pipeline
  keyward rename ci-pipeline build-pipeline -e test")]
pub struct Args {
    #[command(flatten)]
    key: KeyArgument,

    /// The new name, 1 to 64 characters
    #[arg(value_name = "NAME")]
    name: Name,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter()?;
    let workspace = context.workspace.as_deref();
    let outcome =
        rename::run(&mut store, &actor, workspace, &args.key.selector(), &args.name, now)?;
    let name = Safe(args.name.as_str());
    let sentence = match outcome.subjects() {
        Some(keys) => format!("renamed {keys} to {name}"),
        None => {
            let what = format!("{} is already named {name}", outcome.key.id);
            changed::unchanged(&what, &outcome.rest)
        }
    };
    changed::answer(context, &outcome, &sentence, now)?;
    Ok(0)
}
