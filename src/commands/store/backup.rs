//! `keyward store backup`.
//!
//! This module never copies the file by itself; the log beside it would be missing.

use std::path::PathBuf;

use clap::ValueHint;

use crate::context::Context;
use crate::domain::SafePath;
use crate::domain::sanitize::path_text;
use crate::error::{Exit, Result};
use crate::ops::store::backup;
use crate::output::relative::size;
use crate::output::view::BackupView;

/// Back up the store to a file while it is in use
///
/// The copy is consistent, checked and synced, and gets its name last, so a backup is either complete or absent. An earlier
/// backup of that name is replaced; any other file is left alone. A backup contains hashes and no secrets, and its mode is
/// 0600. A damaged store is not backed up, because such a backup could not be restored.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store backup keyward-backup.db
  keyward store backup keyward-backup.db --json")]
pub struct Args {
    /// The file to write
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    context.store_file("store backup")?;
    let (mut store, actor, now) = context.enter()?;
    let mut job = context.ui.job("copying the store");
    let copy = backup::run(&mut store, &actor, &args.file, now, |reached| {
        job.reach(reached);
    })?;
    drop(job);
    let view = BackupView {
        path: path_text(&args.file),
        size_bytes: copy.size_bytes,
        head: copy.head.into(),
    };
    let sentence = format!(
        "backed up the store to {} ({}); audit head {}",
        SafePath(&args.file),
        size(view.size_bytes),
        copy.head
    );
    context.ui.change(&view, &sentence)?;
    Ok(0)
}
