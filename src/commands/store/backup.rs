//! `keyward store backup` and `keyward store restore`.
//!
//! This module never copies the file by itself; the log beside it would be missing.

use std::path::PathBuf;

use clap::ValueHint;

use crate::context::Context;
use crate::domain::audit::Head;
use crate::domain::restoration::What;
use crate::domain::sanitize::path_text;
use crate::domain::words::counted;
use crate::domain::{KeyId, Network, Safe, SafePath, Timestamp};
use crate::error::Result;
use crate::ops::store::backup;
use crate::ops::store::restore::{self, Compared, Kept, Outcome};
use crate::output::relative::size;
use crate::output::table::listed;
use crate::output::view::{BackupView, KeptView, RestoreView};

/// Back up the store to a file while it is in use
///
/// The copy is consistent, checked and synced, and gets its name last, so a backup is either complete or absent. An earlier
/// backup of that name is replaced; any other file is left alone. A backup contains hashes and no secrets, and its mode is
/// 0600. A damaged store is not backed up, because such a backup could not be restored.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store backup keyward-backup.db
  keyward store backup keyward-backup.db --json")]
pub struct BackupArgs {
    /// The file to write
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,
}

pub fn backup(args: BackupArgs, context: &mut Context) -> Result<()> {
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
    context.ui.change(&view, &sentence)
}

/// Restore a backup; keys revoked since stay revoked
///
/// Replaces the current workspaces, keys and settings with the backup's in one step. Keys that were revoked, disabled,
/// narrowed, shortened or superseded since the backup stay that way, and the command names each of them. Usage since is kept, and the audit trail continues.
/// Keys minted after the backup are lost: keep an old key whose successor is lost with `keyward rotate KEY --cancel`. A
/// damaged store is kept in a file of its own, and what can still be read of it is used in the same way.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store restore keyward-backup.db --yes
  keyward store restore keyward-backup.db --yes --against \"$(cat audit-head.txt)\"")]
pub struct RestoreArgs {
    /// The backup
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// Refuse unless the trail contains this saved head
    #[arg(long, value_name = "SEQ:HASH")]
    against: Option<Head>,
}

pub fn restore(args: RestoreArgs, context: &mut Context) -> Result<()> {
    let file = context.store_file("store restore")?;
    let request = restore::Request {
        store: file,
        backup: args.file,
        against: args.against,
        wait: context.patience(),
    };
    if !context.yes {
        // A script that forgot --yes gets this error first, whatever else is wrong.
        if context.prompter.is_allowed() {
            restore::look(&request)?;
        }
        let question = format!(
            "Replace the current store with {}? Keys minted since the backup will be lost.",
            SafePath(&request.backup)
        );
        let otherwise = "pass --yes to confirm";
        context.prompter.confirm(&question, otherwise)?;
    }
    let actor = context.onlooker()?;
    let mut job = context.ui.job("checking the backup");
    let now = context.now();
    let outcome = restore::run(&request, &actor, now, |reached| job.reach(reached))?;
    drop(job);
    tell(context, &outcome, now);
    let (compared, put_aside) = match &outcome.compared {
        Compared::Whole => ("whole", None),
        Compared::Salvaged(path, _) => ("salvaged", path.as_ref()),
        Compared::Nothing => ("nothing", None),
    };
    let view = RestoreView {
        path: path_text(&request.store),
        workspaces: outcome.info.workspaces,
        keys: outcome.info.keys,
        kept: outcome.kept.iter().flat_map(kept).collect(),
        compared,
        put_aside: put_aside.map(|path| path_text(path)),
        head: outcome.head.into(),
    };
    let sentence = format!(
        "restored {} and {} to {}; audit head {}",
        counted(view.workspaces, "workspace"),
        counted(view.keys, "key"),
        SafePath(&request.store),
        outcome.head
    );
    context.ui.change(&view, &sentence)
}

fn kept(kept: &Kept) -> impl Iterator<Item = KeptView> + '_ {
    kept.what.iter().map(|what| KeptView {
        id: kept.key.id.to_string(),
        name: kept.key.name.clone(),
        what: *what,
    })
}

/// What a key keeps, and what the backup has instead.
fn sentence(kept: &Kept, what: What, now: Timestamp) -> String {
    let Kept { key, backup, .. } = kept;
    let expiry = |expires_at: Option<Timestamp>| match expires_at {
        Some(expires_at) => expires_at.to_string(),
        None => "never".to_owned(),
    };
    let or = |list: String, none: &str| {
        if list.is_empty() { none.to_owned() } else { list }
    };
    let allowed = |networks: &[Network]| or(listed(networks), "anywhere");
    let scopes = |scopes: &[String]| or(Safe(&listed(scopes)).to_string(), "none");
    let was = backup.status(now).word();
    let rest = match what {
        What::Revoked => format!("stays revoked ({was} in the backup)"),
        What::Disabled => format!("stays disabled ({was} in the backup)"),
        What::Allow => format!(
            "keeps its allow-list {} (in the backup: {})",
            allowed(&key.allow),
            allowed(&backup.allow)
        ),
        What::Scopes => format!(
            "keeps its scopes {} (in the backup: {})",
            scopes(&key.scopes),
            scopes(&backup.scopes)
        ),
        What::Expiry => format!(
            "keeps its shorter expiry {} (in the backup: {})",
            expiry(key.expires_at),
            expiry(backup.expires_at)
        ),
        What::Superseded => {
            let successor = key.replaced_by.as_ref().map(KeyId::as_str);
            let successor = successor.unwrap_or_default();
            let gone = if kept.is_followed {
                String::new()
            } else {
                format!(
                    ", which is not in the backup; `keyward rotate {} --cancel` keeps the old key",
                    key.id
                )
            };
            format!("stays superseded by {successor}{gone}")
        }
    };
    format!("{} ({}) {rest}", Safe(&key.name), key.id)
}

/// Says what was kept, and what could not be determined.
fn tell(context: &Context, outcome: &Outcome, now: Timestamp) {
    for kept in &outcome.kept {
        for what in &kept.what {
            context.ui.status(&sentence(kept, *what, now));
        }
    }
    match &outcome.compared {
        Compared::Whole => {}
        Compared::Salvaged(path, is_whole) => {
            if let Some(path) = path {
                let path = SafePath(path);
                context
                    .ui
                    .warn(&format!("the damaged store is kept as {path}"));
            }
            if !is_whole {
                context.ui.warn(
                    "not all of its records could be read: check what was revoked, disabled or narrowed since the backup",
                );
            }
        }
        Compared::Nothing => context.ui.warn(&format!(
            "no existing store was found, so what was revoked, disabled or narrowed after the backup (audit head {}) is lost",
            outcome.backup
        )),
    }
}
