//! `keyward revoke`.
//!
//! This module never revokes without confirmation, by `--yes` or by an answer.

use crate::commands::change;
use crate::context::Context;
use crate::domain::{Key, KeyId, Lifetime, Safe, Status, Timestamp};
use crate::error::Result;
use crate::ops::revoke::{self, Reason};
use crate::ops::select::Selector;
use crate::options::one_of;
use crate::output::relative::{relative, relative_or_never};
use crate::output::view::Revoked;

/// Permanently revoke keys
///
/// A name means every key of that name and environment that can still verify, superseded and pending ones included; an id
/// or a prefix means one key. Several keys are revoked together or not at all. Records are kept. Without a terminal, --yes
/// is required.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward revoke ci-pipeline --yes
  keyward revoke ci-pipeline --reason compromised --message 'seen in a log' --yes
  keyward revoke ci-pipeline deploy --yes --json
  keyward revoke ci-pipeline --if-unused-for 30d --yes
  keyward revoke ci-pipeline --dry-run
  keyward revoke - --yes < key-ids")]
pub struct Args {
    /// The keys: ids or their beginnings, prefixes, or names; - reads them from stdin, one per line
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,

    /// The environment, where two environments share a name
    #[arg(short, long, value_name = "ENV")]
    environment: Option<String>,

    /// Why the keys are revoked
    #[arg(long, default_value = "unspecified", value_name = "REASON", value_parser = one_of(REASONS))]
    reason: Reason,

    /// Why, in your own words; stored in the record and the audit trail
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,

    /// Refuse if any of the keys was used within this time
    #[arg(long, value_name = "DURATION")]
    if_unused_for: Option<Lifetime>,

    /// Show what would be revoked and revoke nothing
    #[arg(long)]
    dry_run: bool,
}

const REASONS: &[(&str, &str, Reason)] = &[
    ("compromised", "The secret leaked or may have leaked", Reason::Compromised),
    ("superseded", "Replaced by another key", Reason::Superseded),
    ("retired", "No longer needed", Reason::Retired),
    ("unspecified", "No reason given", Reason::Unspecified),
];

pub fn run(args: Args, context: &mut Context) -> Result<()> {
    let environment = args.environment;
    let select = |text| Selector { text, environment: environment.clone() };
    let mut request = revoke::Request {
        workspace: context.workspace.clone(),
        selectors: context.keys(args.keys)?.into_iter().map(select).collect(),
        reason: args.reason,
        message: args.message,
        idle: args.if_unused_for,
    };
    let asks = !context.yes && !args.dry_run;
    if asks && !context.prompter.is_allowed() {
        // First of all: a script that forgot --yes gets this error, whatever else is wrong.
        context.prompter.confirm("", "pass --yes to confirm")?;
    }
    let mut store = context.open_store()?.rehearsing(args.dry_run);
    let actor = if args.dry_run { context.onlooker()? } else { context.actor(&mut store)? };
    if asks {
        let now = context.now();
        let keys = revoke::preview(&mut store, &actor, &request, now)?;
        let mut hit = keys.clone();
        hit.retain(|key| key.status(now) != Status::Revoked);
        ask(context, &hit, now)?;
        // What was shown is what is revoked, even if somebody renames keys meanwhile.
        let shown = |key: &Key| Selector { text: key.id.as_str().to_owned(), environment: None };
        request.selectors = keys.iter().map(shown).collect();
    }
    let now = context.now();
    let outcome = revoke::run(&mut store, &actor, &request, now)?;
    let verb = if args.dry_run { "would revoke" } else { "revoked" };
    let (rest, mut sentences) = (&outcome.rest, Vec::new());
    for outcome in &outcome.keys {
        let name = Safe(&outcome.key.name);
        let sentence = if outcome.changed {
            format!("{verb} {name} ({})", outcome.key.id)
        } else {
            let what = format!("{name} ({}) is already revoked", outcome.key.id);
            change::unchanged(&what, rest)
        };
        context.ui.status(&sentence);
        sentences.push(sentence);
    }
    context.ui.after(&sentences.join(", "), || {
        let mut listing = context.ui.list("keys")?;
        for outcome in &outcome.keys {
            listing.push(&Revoked::new(&outcome.key, outcome.changed, now))?;
        }
        if !outcome.rest.is_empty() {
            context.ui.warn(&outcome.rest.to_string());
            let ids: Vec<&str> = outcome.rest.ids.iter().map(KeyId::as_str).collect();
            listing.add("stillValid", &ids);
        }
        listing.finish()
    })
}

/// Asks about every key to revoke: a single one in the question itself, several above it, a line each.
fn ask(context: &Context, keys: &[Key], now: Timestamp) -> Result<()> {
    let described = |key: &Key| {
        let (name, hint) = (Safe(&key.name), Safe(&key.hint));
        let used = match key.last_used_at {
            None => "never used".to_owned(),
            Some(at) => format!("last used {}", relative(at, now)),
        };
        format!("{name} (…{hint}, {used})")
    };
    let question = match keys {
        [] => return Ok(()),
        [key] => format!("Permanently revoke {}?", described(key)),
        keys => {
            for key in keys {
                let (id, status) = (&key.id, standing(key, now));
                let line = format!("  {}  {id}, {status}", described(key));
                context.ui.notice(&line);
            }
            format!("Permanently revoke these {} keys?", keys.len())
        }
    };
    context.prompter.confirm(&question, "pass --yes")
}

/// What a key is, with what its status does not say.
fn standing(key: &Key, now: Timestamp) -> String {
    let status = key.status(now).word();
    match key.replaced_by {
        Some(_) => {
            let ends = relative_or_never(key.expires_at, now);
            format!("{status}, superseded, expires {ends}")
        }
        None => status.to_owned(),
    }
}
