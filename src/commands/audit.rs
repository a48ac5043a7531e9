//! `keyward audit`: the trail of every change.
//!
//! This module never writes to the trail, and never shortens the hash of its head: a part of it proves nothing.

use std::str::FromStr;

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::Value;

use crate::context::Context;
use crate::domain::audit::{Action, Event, Head};
use crate::domain::clock::DAY_MILLIS;
use crate::domain::record::RecordDigest;
use crate::domain::words::counted;
use crate::domain::{Safe, Timestamp, When};
use crate::error::{Error, Exit, Kind, Result};
use crate::ops::audit;
use crate::ops::events::{self, Request};
use crate::ops::select::Selector;
use crate::options::{Everywhere, look_back};
use crate::output::relative::moment;
use crate::output::table::{Cell, Column};
use crate::output::ui::Format;
use crate::output::view::{EventView, HeadView, TrailView};

pub(super) const EXAMPLES: &str = "Examples:
  keyward audit list
  keyward audit verify
  keyward audit head > audit-head.txt";

/// Read and check the audit trail
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    List(Box<ListArgs>),
    Verify(VerifyArgs),
    Head(HeadArgs),
}

impl Command {
    pub fn run(self, context: &mut Context) -> Result<Exit> {
        match self {
            Self::List(args) => list(*args, context).map(|()| 0),
            Self::Verify(args) => verify(args, context),
            Self::Head(args) => head(args, context).map(|()| 0),
        }
    }
}

/// How many of the newest events a terminal shows where nobody says how many.
const SCREENFUL: u32 = 50;

/// List events, oldest first
///
/// Where a workspace is chosen (-w, KEYWARD_WORKSPACE or `workspace use`), lists its events and those of its keys; otherwise,
/// or with -A, the whole trail. A name means every key that has or had it. On a terminal, only the newest 50 are listed
/// unless --limit says otherwise.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward audit list
  keyward audit list ci-pipeline --since 7d
  keyward audit list --action key.revoke,key.prune --until 2026-12-31
  keyward audit list --limit 20 --output jsonl")]
pub struct ListArgs {
    /// The key: its id or the beginning of it, its prefix, or its name; without one, everything
    #[arg(value_name = "KEY")]
    key: Option<String>,

    /// The environment, where two environments share the name
    #[arg(short, long, value_name = "ENV", requires = "key")]
    environment: Option<String>,

    /// List events from this time on: a date, a time, or a duration before now
    #[arg(long, value_name = "WHEN")]
    since: Option<When>,

    /// List events up to this time; a date includes its whole day
    #[arg(long, value_name = "WHEN")]
    until: Option<Until>,

    /// List events of this action (can be repeated)
    #[arg(long = "action", value_delimiter = ',', value_name = "ACTION", value_parser = action())]
    actions: Vec<Action>,

    /// List what this actor did: operator:NAME, key:ID, or only the NAME or ID
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,

    /// List only the newest N
    #[arg(long, value_name = "N")]
    limit: Option<u32>,

    #[command(flatten)]
    everywhere: Everywhere,
}

/// The end of a time: a date is all of its day.
#[derive(Debug, Clone)]
struct Until {
    when: When,
    is_day: bool,
}

impl FromStr for Until {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let when: When = text.parse()?;
        let is_day = matches!(when, When::At(_)) && text.len() == "2026-12-31".len();
        Ok(Self { when, is_day })
    }
}

fn action() -> impl TypedValueParser<Value = Action> {
    PossibleValuesParser::new(Action::ALL.iter().map(|action| action.word()))
        .map(|word| Action::of(&word).expect("clap lets no other word through"))
}

pub fn list(args: ListArgs, context: &mut Context) -> Result<()> {
    let now = context.now();
    let since = args.since.map(|when| look_back("--since", &when, now));
    let until = args.until.map(|until| {
        let moment = look_back("--until", &until.when, now)?;
        Ok(if until.is_day { moment.plus_millis(DAY_MILLIS - 1) } else { moment })
    });
    let is_screen = context.ui.is_for_people() && context.ui.width.is_some();
    let request = Request {
        workspace: context.workspace.clone(),
        everywhere: args.everywhere.all_workspaces,
        key: args.key.map(|text| Selector { text, environment: args.environment }),
        since: since.transpose()?,
        until: until.transpose()?,
        actions: args.actions,
        actor: args.actor,
        limit: args.limit.or(is_screen.then_some(SCREENFUL)),
    };
    let (mut store, actor, now) = context.enter_or_empty()?;
    let mut listing = context.ui.list("events")?;
    let fits = is_screen && context.ui.format != Format::Wide;
    let is_cut = events::run(&mut store, &actor, &request, now, |event| {
        listing.row(&EventView::new(&event), || row(&event, now, fits))
    })?;
    let columns = [
        Column::number("SEQ"),
        Column::last("WHEN"),
        Column::text("ACTOR"),
        Column::last("ACTION"),
        Column::from("SUBJECT"),
        Column::text("DETAILS"),
    ];
    if context.ui.end(listing, &columns)? {
        match is_cut {
            true => context.ui.hint("--limit 0 lists no events"),
            false => {
                context.ui.status(&nothing(&request));
                if !request.is_of_everything() {
                    context.ui.hint("`keyward audit list --all-workspaces` lists all events");
                }
            }
        }
    }
    if is_cut && args.limit.is_none() {
        context.ui.hint(&format!("these are the newest {SCREENFUL}; --limit N lists more"));
    }
    Ok(())
}

/// What was looked for and not found.
fn nothing(request: &Request) -> String {
    if request.is_of_everything() {
        return "no events yet".to_owned();
    }
    let mut sentence = "no events".to_owned();
    if let Some(key) = &request.key {
        sentence += &format!(" of key {}", Safe(&key.text));
    }
    if let Some(workspace) = request.workspace.as_deref().filter(|_| !request.everywhere) {
        sentence += &format!(" in workspace {}", Safe(workspace));
    }
    let mut filters = Vec::new();
    let actions: Vec<&str> = request.actions.iter().map(|action| action.word()).collect();
    if !actions.is_empty() {
        filters.push(format!("with action {}", actions.join(" or ")));
    }
    if let Some(actor) = &request.actor {
        filters.push(format!("by {}", Safe(actor)));
    }
    filters.extend(request.since.map(|since| format!("since {since}")));
    filters.extend(request.until.map(|until| format!("until {until}")));
    if filters.is_empty() { sentence } else { format!("{sentence} {}", filters.join(" ")) }
}

fn row(event: &Event, now: Timestamp, fits: bool) -> Vec<Cell> {
    vec![
        event.seq.to_string().into(),
        moment(Some(event.time), now),
        Safe(&event.actor).to_string().into(),
        Safe(&event.action).to_string().into(),
        Safe(&event.subject).to_string().into(),
        summary(&event.details, fits).into(),
    ]
}

/// The details in a line for people: what is not there, what is too long for a line, such as a policy, and the record's digest
/// are left to --json. Off a terminal nothing is too long.
fn summary(details: &str, fits: bool) -> String {
    /// In characters.
    const LONGEST: usize = 60;
    let Ok(Value::Object(details)) = serde_json::from_str(details) else {
        return Safe(details).to_string();
    };
    let shown = details.iter().filter_map(|(name, value)| {
        let value = match value {
            Value::Null => return None,
            _ if name == RecordDigest::FIELD => return None,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match value.as_str() {
            "[]" | "{}" => None,
            text if fits && text.chars().count() > LONGEST => Some(format!("{}=…", Safe(name))),
            text => Some(format!("{}={}", Safe(name), Safe(text))),
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Check that the audit trail is intact
///
/// Names the first row that was edited, inserted, deleted, reordered or hidden from the trail's index, or that ended a key
/// which can be used again, and exits with 9. A chain cannot reveal that its newest rows were removed or that all of it was
/// rewritten: save `keyward audit head` elsewhere from time to time, and compare with --against.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward audit verify
  keyward audit verify --json
  keyward audit verify --against \"$(cat audit-head.txt)\"")]
pub struct VerifyArgs {
    /// A saved head that the trail must still contain
    #[arg(long, value_name = "SEQ:HASH")]
    against: Option<Head>,
}

pub fn verify(args: VerifyArgs, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter()?;
    let mut job = context.ui.job("checking the audit trail");
    let outcome =
        audit::verify(&mut store, &actor, args.against, now, |reached| job.reach(reached))?;
    drop(job);
    let first_bad = outcome.first_bad.or(outcome.misindexed).or(outcome.contradicted);
    let view = TrailView { ok: first_bad.is_none(), checked: outcome.checked, first_bad };
    context.ui.record(&view, || {
        let verdict = match (outcome.first_bad, outcome.misindexed, outcome.contradicted) {
            (None, None, None) => "audit trail intact".to_owned(),
            (Some(seq), ..) => format!("audit trail broken at row {seq}"),
            (None, Some(seq), _) => format!("the audit trail's index does not match row {seq}"),
            (None, None, Some(seq)) => format!("a key that row {seq} ended can be used again"),
        };
        format!("{verdict}: {} checked\n", counted(outcome.checked, "row"))
    })?;
    if view.ok && args.against.is_none() {
        context.ui.hint(
            "to detect a truncated or rewritten trail, compare it with a saved head: `keyward audit verify --against SEQ:HASH`",
        );
    }
    Ok(if view.ok { 0 } else { Kind::Damaged.exit() })
}

/// Print the audit trail's head (SEQ:HASH) to save elsewhere
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward audit head
  keyward audit head > audit-head.txt")]
pub struct HeadArgs {}

pub fn head(_args: HeadArgs, context: &mut Context) -> Result<()> {
    let (mut store, actor, now) = context.enter_or_empty()?;
    let head = audit::head(&mut store, &actor, now)?;
    context.ui.record(&HeadView::from(head), || format!("{head}\n"))
}
