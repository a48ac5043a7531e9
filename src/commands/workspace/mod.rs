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
use crate::ops::workspace::list::needs_choice;
use crate::store::Store;

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

/// Says that commands need a choice now, when so many workspaces were made and the only one there was is no longer alone.
pub(super) fn hint_at_choice(context: &Context, store: &mut Store, made: usize) {
    // The change is saved, whether or not this can be determined.
    if context.workspace.is_none() && needs_choice(store, made).unwrap_or(false) {
        context.ui.hint(
            "commands now need -w NAME, or choose a workspace with `keyward workspace use NAME`",
        );
    }
}
