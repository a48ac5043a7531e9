//! `keyward disable`.

use crate::commands::pause;
use crate::context::Context;
use crate::domain::Lifetime;
use crate::error::{Exit, Result};
use crate::ops::pause::Change;
use crate::options::KeyArgument;

/// Disable a key until it is enabled again
///
/// It verifies as `disabled` until it is enabled. A name means every key of that name and environment that can still
/// verify. To end a key permanently, revoke it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward disable ci-pipeline
  keyward disable ci-pipeline --if-unused-for 30d")]
pub struct Args {
    #[command(flatten)]
    key: KeyArgument,

    /// Refuse if the key was used within this time
    #[arg(long, value_name = "DURATION")]
    if_unused_for: Option<Lifetime>,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    pause::run(&args.key, Change::Disable, args.if_unused_for.as_ref(), context)
}
