//! `keyward store export` and `keyward store import`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::ValueHint;

use crate::commands::workspace::hint_at_choice;
use crate::context::{Context, Document, Records, SecretSource};
use crate::domain::Safe;
use crate::domain::mapping::Mapping;
use crate::domain::transfer::{FormatFields, KeyFields, LineOutcome, Refusal, WorkspaceFields};
use crate::domain::words::{Reached, counted, nearest};
use crate::error::{Exit, Result};
use crate::ops::store::export::{self, Record};
use crate::ops::store::import::{self, Notes, Outcome, Scopes};
use crate::output::table::listed;
use crate::output::view::ImportView;
use crate::store::Store;

/// Export every record as a line of JSON, with hashes and no secrets
///
/// One object per line, whatever the output format: the token formats of earlier policies, then each workspace
/// with its policy and its keys. `keyward store import`
/// reads it. Usage and the audit trail are not included; a backup has them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store export
  keyward store export -w default")]
pub struct ExportArgs {}

pub fn export(_args: ExportArgs, context: &mut Context) -> Result<()> {
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
    lines.finish()
}

/// Import workspaces and keys by hash
///
/// Reads one JSON object per line (or an array of them): what `keyward store export` prints, or another system's keys, which need
/// only the fields name and hash (the SHA-256 of the whole secret in hexadecimal or Base64; algorithm names another form:
/// sha512, sha256-after:| or sha256-after:_). Everything is imported, or nothing.
///
/// With --from, FILE is another system's table: an SQLite database, which is only read, or its rows as JSON. The systems are
/// better-auth, drf (djangorestframework-api-key), sanctum (Laravel), unkey and seam (prefixed-api-key); a TOML file describes
/// any other. A key without a name, or whose name is taken, gets a number, and a key's own rate becomes a plan of the policy.
///
/// An existing record is never changed. A line with the same values counts as unchanged. A line that differs is rejected
/// (exit 4) and the fields are named; fields that the line leaves out are not compared, and neither is lastUsedAt. Also
/// rejected: two lines with the same id or hash, the hash of a key that was pruned here, and links (replaces, replacedBy)
/// that no rotation makes: to another workspace or environment, in a circle, or to a key that does not link back.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store import keys.jsonl
  keyward store import keys.jsonl --dry-run
  keyward store import - --keep-going --json
  keyward store import app.db --from better-auth --scopes declare --sample better-auth.key")]
pub struct ImportArgs {
    /// The file, or - for stdin
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// The system that the keys come from, or a TOML file that says which columns they are in
    #[arg(long, value_name = "SYSTEM|MAPPING.toml", value_hint = ValueHint::FilePath)]
    from: Option<PathBuf>,

    /// A file with one original secret: refuse unless a line has its hash, and read the others in the same form
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    sample: Option<PathBuf>,

    /// Add scopes that the policy lacks to it (declare), or import keys without scopes (none)
    #[arg(long, value_name = "WHAT", default_value = "known", hide_default_value = true, value_parser = scopes)]
    scopes: Scopes,

    /// Put each owner's keys into a workspace of that name, which is created if needed
    #[arg(long, value_name = "FIELD", value_parser = ["owner"])]
    workspace_by: Option<String>,

    /// Skip rejected lines and import the rest
    #[arg(long)]
    keep_going: bool,

    /// Show what would be imported and import nothing
    #[arg(long)]
    dry_run: bool,
}

fn scopes(word: &str) -> Result<Scopes, String> {
    let words: Vec<&str> = Scopes::ALL.iter().map(|scopes| scopes.word()).collect();
    Scopes::of(word).ok_or_else(|| format!("one of {}", words.join(", ")))
}

pub fn import(args: ImportArgs, context: &mut Context) -> Result<Exit> {
    let source = args.from.as_deref().map(|from| mapping(context, from)).transpose()?;
    let table = source.as_ref().and_then(|mapping| mapping.table.as_deref());
    let mut records = context.records(&args.file, table)?;
    let mut form = None;
    if source.is_some() || args.sample.is_some() {
        let unit = records.unit;
        let all: Vec<Vec<u8>> = records.collect::<Result<_>>()?;
        if let Some(mapping) = &source {
            import::check_columns(mapping, &all)?;
        }
        if let Some(path) = &args.sample {
            let path = match path.as_os_str() == "-" {
                true => SecretSource::Stdin,
                false => SecretSource::File(path.clone()),
            };
            let secret = context.read_secret(&path, "secret")?;
            form = Some(import::form_of(&secret, source.as_ref(), &all, unit)?);
        }
        records = Records::of(unit, all);
    }
    let request = import::Request {
        workspace: context.workspace.clone(),
        keep_going: args.keep_going,
        source,
        form,
        scopes: args.scopes,
        by_owner: args.workspace_by.is_some(),
        unit: records.unit,
    };
    let now = context.now();
    let mut made = None;
    let existing = match (context.existing_store()?, args.dry_run) {
        (None, true) => Some(Store::empty()),
        (existing, _) => existing,
    };
    let outcome = match existing {
        Some(store) => {
            let mut store = store.rehearsing(args.dry_run);
            let actor =
                if args.dry_run { context.onlooker()? } else { context.actor(&mut store)? };
            import::run(&mut store, &actor, &request, &mut records, now, &mut context.rng)?
        }
        None => {
            let (place, wait) = (context.store_place()?, context.patience());
            if !place.makes_itself() {
                return Err(place.absent());
            }
            let path = place.clone().file("this import")?;
            let actor = context.onlooker()?;
            let taken = import::into_new(
                &path,
                wait,
                &actor,
                &request,
                &mut records,
                now,
                &mut context.rng,
            )?;
            made = Some(place);
            taken
        }
    };
    drop(records);
    if let Some(place) = made {
        context.say_made(&place);
    }
    if let (Some(form), Some(_)) = (form, &args.sample) {
        context.ui.status(&format!("the sample's hash is in the file, as {}", form.word()));
    }
    let is_made = |outcome: &&LineOutcome| outcome.code == "created" && outcome.id.is_none();
    let workspaces = outcome.lines.iter().filter(is_made).count();
    let sentence = sentence(&outcome, args.dry_run);
    context.ui.after(&sentence, || {
        let mut listing = context.ui.list("results")?;
        for line in &outcome.lines {
            listing.push(&ImportView::new(line))?;
        }
        listing.finish()
    })?;
    context.ui.status(&sentence);
    let unit = request.unit.word();
    let mut hinted = BTreeSet::new();
    for line in &outcome.lines {
        let Some(Refusal { message, hint, .. }) = &line.refusal else {
            continue;
        };
        context.ui.status(&format!("{unit} {} ({}): {message}", line.index + 1, line.code));
        if let Some(hint) = hint.as_deref().filter(|hint| hinted.insert(*hint)) {
            context.ui.hint(hint);
        }
    }
    tell(context, &outcome.notes, unit);
    if workspaces > 0 && !args.dry_run {
        hint_at_choice(context, &mut context.open_store()?, workspaces);
    }
    Ok(outcome.refused.map_or(0, |kind| kind.exit()))
}

/// The mapping of a system, or the one in a file.
fn mapping(context: &mut Context, from: &Path) -> Result<Mapping> {
    if let Some(mapping) = from.to_str().and_then(Mapping::named) {
        return Ok(mapping);
    }
    let text = context.read_text(from, Document::Mapping).map_err(|error| {
        let names: Vec<&str> = Mapping::names().collect();
        let meant = nearest(&from.to_string_lossy(), names.iter().copied());
        let meant = meant.map_or_else(String::new, |meant| format!("did you mean {meant}? "));
        error.hinted(format!("{meant}the systems are {}; any other needs a file", names.join(", ")))
    })?;
    Mapping::from_toml(&text)
}

fn sentence(outcome: &Outcome, is_rehearsal: bool) -> String {
    let count = |code: &str| outcome.lines.iter().filter(|line| line.code == code).count();
    let (created, unchanged, differ) = (count("created"), count("unchanged"), count("differs"));
    let rejected = outcome.lines.len() - created - unchanged - differ;
    let verb = if differ == 1 { "differs" } else { "differ" };
    let rest = format!("{unchanged} unchanged, {differ} {verb}, {rejected} rejected");
    match is_rehearsal {
        true => format!("would create {created}: {rest}"),
        false => format!("{created} created, {rest}"),
    }
}

/// Says what is otherwise than in the file.
fn tell(context: &Context, notes: &Notes, unit: &str) {
    /// How many names are listed.
    const MOST: usize = 10;
    if !notes.added.is_empty() {
        let added: Vec<&str> = notes.added.iter().map(String::as_str).collect();
        context.ui.status(&format!("added to the policy: {}", listed(&added)));
    }
    for (number, name) in notes.numbered.iter().take(MOST) {
        let name = Safe(name);
        context
            .ui
            .status(&format!("{unit} {number}: the name was taken or missing, so it is {name}"));
    }
    if let more @ 1.. = notes.numbered.len().saturating_sub(MOST) {
        context.ui.status(&format!("{more} more names got a number"));
    }
    for (what, count) in &notes.dropped {
        context.ui.status(&format!("not imported: {} of {}", Safe(what), counted(*count, "key")));
    }
    if notes.expired > 0 {
        context.ui.status(&format!("already expired: {}", counted(notes.expired, "key")));
    }
}
