//! `keyward workspace`: workspaces and their policies.
//!
//! This module never decides which keys a workspace may hold; its policy does.

mod create;
mod delete;
mod list;
mod policy;
mod rename;
mod set;
mod show;
mod r#use;

use clap::Subcommand;

use crate::context::Context;
use crate::error::{Exit, Result};

pub(super) const EXAMPLES: &str = "Examples:
  keyward workspace create staging
  keyward workspace use default
  keyward workspace list";

/// Manage workspaces and their policies
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    Create(create::Args),
    List(list::Args),
    Show(show::Args),
    Set(set::Args),
    Rename(rename::Args),
    Delete(delete::Args),
    Use(r#use::Args),
}

impl Command {
    pub fn run(self, context: &mut Context) -> Result<Exit> {
        match self {
            Self::Create(args) => create::run(args, context),
            Self::List(args) => list::run(args, context),
            Self::Show(args) => show::run(args, context),
            Self::Set(args) => set::run(args, context),
            Self::Rename(args) => rename::run(args, context),
            Self::Delete(args) => delete::run(args, context),
            Self::Use(args) => r#use::run(args, context),
        }
    }
}
