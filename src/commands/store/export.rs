//! `keyward store export`.

use crate::context::Context;
use crate::domain::progress::Reached;
use crate::domain::transfer::{FormatFields, KeyFields, WorkspaceFields};
use crate::error::{Exit, Result};
use crate::ops::store::export::{self, Record};

/// Export every record as a line of JSON, with hashes and no secrets
///
/// One object a line, whatever the output format: the token formats of earlier policies, then each workspace
/// with its policy and its keys. `keyward store import`
/// reads it. Usage and the audit trail are not included; a backup has them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store export
  keyward store export -w default")]
pub struct Args {}

pub fn run(_args: Args, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter()?;
    let of = store.info()?.keys;
    let mut lines = context.ui.lines()?;
    // On a terminal the lines themselves say how far it has come.
    let is_seen = context.ui.width.is_some();
    let mut job = (!is_seen).then(|| context.ui.job("exporting keys"));
    let mut done = 0;
    let workspace = context.workspace.clone();
    export::run(&mut store, &actor, workspace.as_deref(), now, |record| match record {
        Record::Format(format) => lines.push(&FormatFields::from(format)),
        Record::Workspace(workspace) => lines.push(&WorkspaceFields::from(workspace)),
        Record::Key(key) => {
            done += 1;
            if let Some(job) = &mut job {
                job.reach(Reached { verb: "exported", done, of, unit: "keys" });
            }
            lines.push(&KeyFields::of(key, now))
        }
    })?;
    lines.finish()?;
    Ok(0)
}
