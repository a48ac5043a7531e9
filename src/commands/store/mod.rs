//! `keyward store`: looking after the store.
//!
//! This module never opens the file by itself; `crate::store` does.

mod backup;
mod check;
mod create;
mod export;
mod import;
mod info;
mod migrate;
mod restore;
mod roles;

use clap::Subcommand;

use crate::context::Context;
use crate::error::{Exit, Result};

pub(super) const EXAMPLES: &str = "Examples:
  keyward store info
  keyward store check
  keyward store backup keyward-backup.db";

/// Manage the store
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    Create(create::Args),
    Info(info::Args),
    Check(check::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Export(export::Args),
    Import(import::Args),
    Migrate(migrate::Args),
    Roles(roles::Args),
}

impl Command {
    pub fn run(self, context: &mut Context) -> Result<Exit> {
        match self {
            Self::Create(args) => create::run(args, context),
            Self::Info(args) => info::run(args, context),
            Self::Check(args) => check::run(args, context),
            Self::Backup(args) => backup::run(args, context),
            Self::Restore(args) => restore::run(args, context),
            Self::Export(args) => export::run(args, context),
            Self::Import(args) => import::run(args, context),
            Self::Migrate(args) => migrate::run(args, context),
            Self::Roles(args) => roles::run(args, context),
        }
    }
}
