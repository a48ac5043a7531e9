//! `keyward store import`.

use std::path::PathBuf;

use clap::ValueHint;

use crate::commands::workspace::hint_at_choice;
use crate::context::Context;
use crate::domain::transfer::LineOutcome;
use crate::error::{Exit, Result};
use crate::ops::store::import;
use crate::output::view::ImportView;
use crate::store::Store;

/// Import workspaces and keys by hash
///
/// Reads a JSON object a line: what `keyward store export` prints, or another system's keys, which need only the fields
/// name and hash (the SHA-256 of the whole secret in hexadecimal or Base64; algorithm names another form: sha512,
/// sha256-after:| or sha256-after:_). Everything is imported, or nothing.
///
/// An existing record is never changed. A line with the same values counts as unchanged. A line that differs is rejected
/// (exit 4) and the fields are named; fields that the line leaves out are not compared, and neither is lastUsedAt. Also
/// rejected: two lines with the same id or hash, the hash of a key that was pruned here, and links (replaces, replacedBy)
/// that no rotation makes: to another workspace or environment, in a circle, or to a key that does not link back.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store import keys.jsonl
  keyward store import keys.jsonl --dry-run
  keyward store import - --keep-going --json")]
pub struct Args {
    /// The file, or - for standard input
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// Skip rejected lines and import the rest
    #[arg(long)]
    keep_going: bool,

    /// Show what would be imported and import nothing
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let mut lines = context.lines(&args.file, "reading lines")?;
    let request =
        import::Request { workspace: context.workspace.clone(), keep_going: args.keep_going };
    let now = context.now();
    let mut made = None;
    let existing = match (context.existing_store()?, args.dry_run) {
        (None, true) => Some(Store::empty()),
        (existing, _) => existing,
    };
    let (outcomes, refused) = match existing {
        Some(store) => {
            let mut store = store.rehearsing(args.dry_run);
            let actor = match args.dry_run {
                true => context.onlooker()?,
                false => context.actor(&mut store)?,
            };
            import::run(&mut store, &actor, &request, &mut lines, now, &mut context.rng)?
        }
        None => {
            let (place, wait) = (context.store_place()?, context.patience());
            if !place.makes_itself() {
                return Err(place.absent());
            }
            let path = place.clone().file("this import")?;
            let actor = context.onlooker()?;
            let taken =
                import::into_new(&path, wait, &actor, &request, &mut lines, now, &mut context.rng)?;
            made = Some(place);
            taken
        }
    };
    drop(lines);
    if let Some(place) = made {
        context.say_made(&place);
    }
    let is_made = |outcome: &&LineOutcome| outcome.code == "created" && outcome.id.is_none();
    let workspaces = outcomes.iter().filter(is_made).count();
    let count = |code: &str| outcomes.iter().filter(|outcome| outcome.code == code).count();
    let (created, unchanged, differ) = (count("created"), count("unchanged"), count("differs"));
    let refused_lines = outcomes.len() - created - unchanged - differ;
    let verb = if differ == 1 { "differs" } else { "differ" };
    let rest = format!("{unchanged} unchanged, {differ} {verb}, {refused_lines} refused");
    let sentence = match args.dry_run {
        true => format!("would create {created}: {rest}"),
        false => format!("{created} created, {rest}"),
    };
    context.ui.after(&sentence, || {
        let mut listing = context.ui.list("results")?;
        for outcome in &outcomes {
            listing.push(&ImportView::new(outcome))?;
        }
        listing.finish()
    })?;
    context.ui.status(&sentence);
    for outcome in &outcomes {
        if let Some((_, why)) = &outcome.refusal {
            context.ui.status(&format!("line {} ({}): {why}", outcome.index + 1, outcome.code));
        }
    }
    if workspaces > 0 && !args.dry_run {
        hint_at_choice(context, &mut context.open_store()?, workspaces);
    }
    Ok(refused.map_or(0, |kind| kind.exit()))
}
