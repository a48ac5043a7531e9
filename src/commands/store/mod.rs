//! `keyward store`: looking after the store.
//!
//! This module never opens the file by itself; `crate::store` does.

mod backup;
mod info;
mod transfer;

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
    Create(info::CreateArgs),
    Info(info::InfoArgs),
    Check(info::CheckArgs),
    Backup(backup::BackupArgs),
    Restore(backup::RestoreArgs),
    Export(transfer::ExportArgs),
    Import(transfer::ImportArgs),
    Migrate(info::MigrateArgs),
    Roles(info::RolesArgs),
}

impl Command {
    pub fn run(self, context: &mut Context) -> Result<Exit> {
        let done = match self {
            // What they found is in their exit status too.
            Self::Check(args) => return info::check(args, context),
            Self::Import(args) => return transfer::import(args, context),
            Self::Create(args) => info::create(args, context),
            Self::Info(args) => info::info(args, context),
            Self::Backup(args) => backup::backup(args, context),
            Self::Restore(args) => backup::restore(args, context),
            Self::Export(args) => transfer::export(args, context),
            Self::Migrate(args) => info::migrate(args, context),
            Self::Roles(args) => info::roles(args, context),
        };
        done.map(|()| 0)
    }
}
