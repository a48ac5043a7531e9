//! `keyward enable`.

use crate::commands::pause;
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::ops::pause::Change;
use crate::options::KeyArgument;

/// Enable a disabled key
///
/// A name means every key of that name and environment that can still verify.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward enable ci-pipeline")]
pub struct Args {
    #[command(flatten)]
    key: KeyArgument,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    pause::run(&args.key, Change::Enable, None, context)
}
