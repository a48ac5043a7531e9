//! `keyward usage`.

use clap::ValueEnum;

use crate::context::Context;
use crate::domain::{Day, Safe, When};
use crate::error::{Error, Result};
use crate::ops::select::Selector;
use crate::ops::usage::{self, Grouping};
use crate::options::{Everywhere, look_back};
use crate::output::usage::{UsageView, table};

/// Show how keys were used
///
/// Shows valid requests, their cost, and refused ones by reason, for each key and UTC day, or summed as --by says. Revoked
/// and expired keys are included as long as their records are kept. Requests with an unknown secret are not counted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward usage
  keyward usage ci-pipeline --since 7d
  keyward usage --by key --since 2026-01-01 --until 2026-01-31
  keyward usage --by environment,day --output tsv
  keyward usage --by workspace --json")]
pub struct Args {
    /// The key: its id or the beginning of it, its prefix, or its name; without one, every key
    #[arg(value_name = "KEY")]
    key: Option<String>,

    /// The environment, where two environments share the name
    #[arg(short, long, value_name = "ENV", requires = "key")]
    environment: Option<String>,

    /// Sum by this (can be repeated) [default: key,day]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "BY")]
    by: Vec<By>,

    /// Start with this day: a date, or a duration before now
    #[arg(long, value_name = "WHEN")]
    since: Option<When>,

    /// End with this day
    #[arg(long, value_name = "WHEN")]
    until: Option<When>,

    #[command(flatten)]
    everywhere: Everywhere,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// Each key
    Key,
    /// Each day, in UTC
    Day,
    /// Each environment
    Environment,
    /// Each workspace, all of them unless -w names one
    Workspace,
}

pub fn run(args: Args, context: &mut Context) -> Result<()> {
    let now = context.now();
    let day = |option: &str, when: Option<When>| {
        let moment = when.map(|when| look_back(option, &when, now));
        moment.transpose().map(|moment| moment.map(Day::of))
    };
    let request = usage::Request {
        workspace: context.workspace.clone(),
        all: args.everywhere.all_workspaces,
        key: args.key.map(|text| Selector { text, environment: args.environment }),
        by: grouping(&args.by),
        since: day("--since", args.since)?,
        until: day("--until", args.until)?,
    };
    if let (Some(since), Some(until)) = (request.since, request.until)
        && until < since
    {
        return Err(Error::usage("--until is before --since"));
    }
    let mut store = context.open_store_or_empty()?;
    let actor = context.actor(&mut store)?;
    let people = context.ui.is_for_people();
    let mut rows = Vec::new();
    let mut listing = context.ui.list("usage")?;
    usage::run(&mut store, &actor, &request, now, |row| {
        let view =
            UsageView::new(row.workspace, row.key.as_ref(), row.environment, row.day, &row.tally);
        if people {
            rows.push(view);
            return Ok(());
        }
        listing.push(&view)
    })?;
    listing.finish()?;
    if people && rows.is_empty() {
        context.ui.status(&nothing(&request));
        context.ui.hint("each `keyward verify` counts as a use");
    } else if people {
        let (columns, cells) = table(&rows);
        context.ui.data(&context.ui.table(&columns, cells))?;
    }
    Ok(())
}

/// What was looked for and not found.
fn nothing(request: &usage::Request) -> String {
    let is_ever = request.since.is_none() && request.until.is_none();
    let mut sentence =
        if is_ever { "no usage recorded yet" } else { "no usage recorded" }.to_owned();
    if let Some(key) = &request.key {
        sentence += &format!(" of key {}", Safe(&key.text));
    }
    if let Some(workspace) = request.workspace.as_deref().filter(|_| !request.all) {
        sentence += &format!(" in workspace {}", Safe(workspace));
    }
    sentence += &request.since.map_or_else(String::new, |day| format!(" since {day}"));
    sentence += &request.until.map_or_else(String::new, |day| format!(" until {day}"));
    sentence
}

fn grouping(by: &[By]) -> Grouping {
    let has = |wanted| by.contains(&wanted);
    Grouping {
        key: has(By::Key) || by.is_empty(),
        day: has(By::Day) || by.is_empty(),
        environment: has(By::Environment),
        workspace: has(By::Workspace),
    }
}
