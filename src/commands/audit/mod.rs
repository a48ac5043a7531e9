//! `keyward audit`: the trail of every change.
//!
//! This module never writes to the trail.

mod head;
mod list;
mod verify;

use clap::Subcommand;

use crate::context::Context;
use crate::error::{Exit, Result};

pub(super) const EXAMPLES: &str = "Examples:
  keyward audit list
  keyward audit verify
  keyward audit head > audit-head.txt";

/// Read and check the audit trail
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    List(Box<list::Args>),
    Verify(verify::Args),
    Head(head::Args),
}

impl Command {
    pub fn run(self, context: &mut Context) -> Result<Exit> {
        match self {
            Self::List(args) => list::run(*args, context),
            Self::Verify(args) => verify::run(args, context),
            Self::Head(args) => head::run(args, context),
        }
    }
}
