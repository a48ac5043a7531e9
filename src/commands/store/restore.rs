//! `keyward store restore`.
//!
//! This module never decides what a backup may bring back.

use std::path::PathBuf;

use clap::ValueHint;

use crate::commands::Exit;
use crate::context::Context;
use crate::domain::audit::Head;
use crate::domain::sanitize::{SafePath, path_text};
use crate::error::Result;
use crate::ops::store::restore::{self, Compared, Outcome};
use crate::output::view::RestoreView;

/// Bring a backup back, without what was revoked since
///
/// Puts the backup's workspaces, keys and settings in the place of the present ones, in one step. What was revoked or has
/// expired since stays so, uses that were counted since are kept, and the audit trail goes on with what the backup changed.
/// Keys that were minted after the backup are gone. A store that is damaged is put aside, and its revocations are kept as far
/// as they can be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store restore keyward-backup.db --yes
  keyward store restore keyward-backup.db --yes --against \"$(cat audit-head.txt)\"")]
pub struct Args {
    /// The backup
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// A head that was kept elsewhere: refuse a trail that does not have it
    #[arg(long, value_name = "SEQ:HASH")]
    against: Option<Head>,
}

/// Runs the command.
pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    if !context.yes {
        let question = format!(
            "Put {} in the place of the present store? Keys minted since are gone.",
            SafePath(&args.file)
        );
        let otherwise = "pass --yes to restore without being asked";
        context.prompter.confirm(&question, otherwise)?;
    }
    let actor = context.onlooker()?;
    let request = restore::Request {
        store: context.store_path()?,
        backup: args.file,
        against: args.against,
        wait: context.patience(),
    };
    let mut bar = context.ui.percentage("keys");
    let now = context.now();
    let outcome = restore::run(&request, &actor, now, |done, of| bar.reach(done, of))?;
    drop(bar);
    tell(context, &outcome);
    let (compared, put_aside) = match &outcome.compared {
        Compared::Whole => ("whole", None),
        Compared::Salvaged(path, _) => ("salvaged", path.as_ref()),
        Compared::Nothing => ("nothing", None),
    };
    let view = RestoreView {
        path: path_text(&request.store),
        workspaces: outcome.info.workspaces,
        keys: outcome.info.keys,
        kept_revocations: outcome.kept.iter().map(ToString::to_string).collect(),
        compared,
        put_aside: put_aside.map(|path| path_text(path)),
        seq: outcome.head.seq,
        hash: outcome.head.hash.to_string(),
    };
    let sentence = format!(
        "{}: {} workspaces, {} keys, trail at {}",
        SafePath(&request.store),
        view.workspaces,
        view.keys,
        outcome.head
    );
    context.ui.change(&view, &sentence)?;
    Ok(0)
}

/// Says what stays revoked, and what could not be known.
fn tell(context: &Context, outcome: &Outcome) {
    for key in &outcome.kept {
        context
            .ui
            .status(&format!("{key} stays revoked: the backup has it alive"));
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
                    "not all of its revocations could be read: revoke again what was revoked since the backup",
                );
            }
        }
        Compared::Nothing => context.ui.warn(&format!(
            "there was no store to compare with: what was revoked after the backup (trail at {}) is not known to it",
            outcome.backup
        )),
    }
}
