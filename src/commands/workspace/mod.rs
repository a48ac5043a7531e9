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

use crate::commands::Exit;
use crate::context::Context;
use crate::error::Result;

/// Manage workspaces and their policies
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a workspace
    Create(create::Args),
    /// List workspaces
    List(list::Args),
    /// Show a workspace and its policy
    Show(show::Args),
    /// Change a workspace's policy or plan
    Set(set::Args),
    /// Rename a workspace
    Rename(rename::Args),
    /// Delete a workspace that has no living keys
    Delete(delete::Args),
    /// Choose the workspace that commands work in
    Use(r#use::Args),
}

impl Command {
    /// Runs the command.
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
