//! The commands: a file for each, or for a few that belong together, with `Args` right above `run`.
//!
//! This module never touches the store's engine, files, the environment or the streams by itself: `ops` does the work,
//! `context` reads the world, `output` speaks.

mod activate;
mod apply;
mod audit;
mod change;
mod check;
mod completions;
mod ensure;
mod hand_over;
mod list;
mod man;
mod mint;
mod patterns;
mod prune;
mod revoke;
mod rotate;
mod scan;
#[cfg(feature = "serve")]
mod serve;
mod show;
mod sink;
mod store;
mod usage;
mod verify;
mod workspace;

use clap::Subcommand;

use crate::context::Context;
use crate::error::{Exit, Result};

// What is fuzzed: the reading of a stream's lines, which needs no store.
pub use verify::stream;

/// What to do; the most used first.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
#[expect(
    missing_docs,
    reason = "a variant's help is the doc comment of its Args; one here would hide it"
)]
pub enum Command {
    Mint(mint::Args),
    List(list::Args),
    Show(show::Args),
    Rename(change::RenameArgs),
    Set(change::SetArgs),
    Disable(change::DisableArgs),
    Enable(change::EnableArgs),
    Rotate(rotate::Args),
    Activate(activate::Args),
    Revoke(revoke::Args),
    Verify(verify::Args),
    Whoami(show::WhoamiArgs),
    Usage(usage::Args),
    Check(check::Args),
    Scan(scan::Args),
    Patterns(patterns::Args),
    Ensure(ensure::Args),
    Apply(apply::Args),
    Prune(prune::Args),
    #[command(subcommand)]
    Workspace(workspace::Command),
    #[command(subcommand)]
    Audit(audit::Command),
    #[command(subcommand)]
    Store(store::Command),
    #[cfg(feature = "serve")]
    Serve(serve::Args),
    Schema(man::SchemaArgs),
    Completions(completions::Args),
    Man(man::Args),
}

/// The command line with the examples of its groups, which every start would have to build if they stood at the groups.
pub fn with_examples(root: clap::Command) -> clap::Command {
    root.mut_subcommands(|command| match command.get_name() {
        "workspace" => command.after_help(workspace::EXAMPLES),
        "audit" => command.after_help(audit::EXAMPLES),
        "store" => command.after_help(store::EXAMPLES),
        _ => command,
    })
}

impl Command {
    pub fn run(self, context: &mut Context) -> Result<Exit> {
        if self.speaks_before_it_opens() {
            context.refuse_secrets()?;
        }
        let done = match self {
            // What they found is in their exit status too.
            Self::Verify(args) => return verify::run(args, context),
            Self::Check(args) => return check::run(args, context),
            Self::Scan(args) => return scan::run(args, context),
            Self::Patterns(args) => return patterns::run(args, context),
            Self::Apply(args) => return apply::run(args, context),
            Self::Audit(command) => return command.run(context),
            Self::Store(command) => return command.run(context),
            Self::Mint(args) => mint::run(args, context),
            Self::List(args) => list::run(args, context),
            Self::Show(args) => show::run(args, context),
            Self::Rename(args) => change::rename(args, context),
            Self::Set(args) => change::set(args, context),
            Self::Disable(args) => change::disable(args, context),
            Self::Enable(args) => change::enable(args, context),
            Self::Rotate(args) => rotate::run(args, context),
            Self::Activate(args) => activate::run(args, context),
            Self::Revoke(args) => revoke::run(args, context),
            Self::Whoami(args) => show::whoami(args, context),
            Self::Usage(args) => usage::run(args, context),
            Self::Ensure(args) => ensure::run(args, context),
            Self::Prune(args) => prune::run(args, context),
            Self::Workspace(command) => command.run(context),
            #[cfg(feature = "serve")]
            Self::Serve(args) => serve::run(args, context),
            Self::Schema(args) => man::schema(args, context),
            Self::Completions(args) => completions::run(args, context),
            Self::Man(args) => man::run(args, context),
        };
        done.map(|()| 0)
    }

    /// Whether it says something before it opens the store, or never opens it.
    fn speaks_before_it_opens(&self) -> bool {
        matches!(self, Self::Schema(_) | Self::Man(_) | Self::Store(store::Command::Restore(_)))
            || matches!(self, Self::Completions(args) if !args.is_answer())
    }
}
