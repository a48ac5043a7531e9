//! `keyward audit head`.
//!
//! This module never shortens the hash: a part of it proves nothing.

use crate::context::Context;
use crate::error::{Exit, Result};
use crate::ops::audit;
use crate::output::view::HeadView;

/// Print the audit trail's head (SEQ:HASH) to save elsewhere
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward audit head
  keyward audit head > audit-head.txt")]
pub struct Args {}

pub fn run(_args: Args, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter_or_empty()?;
    let head = audit::head(&mut store, &actor, now)?;
    context.ui.record(&HeadView::from(head), || format!("{head}\n"))?;
    Ok(0)
}
