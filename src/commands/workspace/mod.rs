//! `keyward workspace`: workspaces and their policies.
//!
//! This module never decides which keys a workspace may hold; its policy does.

mod change;
mod list;
mod policy;

use clap::Subcommand;

use crate::context::Context;
use crate::error::Result;
use crate::ops::workspace::needs_choice;
use crate::store::Store;

pub(super) const EXAMPLES: &str = "Examples:
  keyward workspace create staging
  keyward workspace use default
  keyward workspace list";

/// Manage workspaces and their policies
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    Create(change::CreateArgs),
    List(list::ListArgs),
    Show(list::ShowArgs),
    Set(change::SetArgs),
    Rename(change::RenameArgs),
    Delete(change::DeleteArgs),
    Use(change::UseArgs),
}

impl Command {
    pub fn run(self, context: &mut Context) -> Result<()> {
        match self {
            Self::Create(args) => change::create(args, context),
            Self::List(args) => list::list(args, context),
            Self::Show(args) => list::show(args, context),
            Self::Set(args) => change::set(args, context),
            Self::Rename(args) => change::rename(args, context),
            Self::Delete(args) => change::delete(args, context),
            Self::Use(args) => change::choose(args, context),
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
