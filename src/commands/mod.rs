//! The commands: one file each, `Args` right above `run`.
//!
//! This module never touches the store's engine, files, the environment or the streams by itself: `ops` does the work,
//! `context` reads the world, `output` speaks.

mod activate;
mod audit;
mod completions;
mod disable;
mod enable;
mod hand_over;
mod list;
mod man;
mod mint;
mod rename;
mod revoke;
mod rotate;
mod schema;
mod set;
mod show;
mod sink;
mod store;
mod verify;
mod whoami;
mod workspace;

use clap::Subcommand;

use crate::context::Context;
use crate::error::Result;

/// The process's exit status when a command has given its answer.
pub type Exit = u8;

/// What to do; the most used first.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Mint a key and deliver its secret once
    Mint(mint::Args),
    /// List keys
    List(list::Args),
    /// Show one key
    Show(show::Args),
    /// Rename a key
    Rename(rename::Args),
    /// Change a key's scopes, expiry, addresses, owner or labels
    Set(set::Args),
    /// Pause a key
    Disable(disable::Args),
    /// Resume a paused key
    Enable(enable::Args),
    /// Replace a key's secret, old and new overlapping
    Rotate(rotate::Args),
    /// Make a pending key live by presenting its secret
    Activate(activate::Args),
    /// Revoke keys, for ever
    Revoke(revoke::Args),
    /// Judge a secret
    Verify(verify::Args),
    /// Say who is calling
    Whoami(whoami::Args),
    /// Manage workspaces and their policies
    #[command(subcommand)]
    Workspace(workspace::Command),
    /// Read and check the audit trail
    #[command(subcommand)]
    Audit(audit::Command),
    /// Look after the store
    #[command(subcommand)]
    Store(store::Command),
    /// Print the JSON Schema of a command's output
    Schema(schema::Args),
    /// Print a shell's completion script
    Completions(completions::Args),
    /// Print a manual page
    Man(man::Args),
}

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    /// The command's.
    pub fn run(self, context: &mut Context) -> Result<Exit> {
        match self {
            Self::Mint(args) => mint::run(args, context),
            Self::List(args) => list::run(args, context),
            Self::Show(args) => show::run(args, context),
            Self::Rename(args) => rename::run(args, context),
            Self::Set(args) => set::run(args, context),
            Self::Disable(args) => disable::run(args, context),
            Self::Enable(args) => enable::run(args, context),
            Self::Rotate(args) => rotate::run(args, context),
            Self::Activate(args) => activate::run(args, context),
            Self::Revoke(args) => revoke::run(args, context),
            Self::Verify(args) => verify::run(args, context),
            Self::Whoami(args) => whoami::run(args, context),
            Self::Workspace(command) => command.run(context),
            Self::Audit(command) => command.run(context),
            Self::Store(command) => command.run(context),
            Self::Schema(args) => schema::run(args, context),
            Self::Completions(args) => completions::run(args, context),
            Self::Man(args) => man::run(args, context),
        }
    }
}
