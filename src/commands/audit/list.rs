//! `keyward audit list`.

use serde_json::Value;

use crate::context::Context;
use crate::domain::audit::Event;
use crate::domain::record::RecordDigest;
use crate::domain::{Safe, Timestamp};
use crate::error::{Exit, Result};
use crate::ops::audit;
use crate::output::relative::relative;
use crate::output::view::EventView;

/// List events, oldest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward audit list
  keyward audit list --limit 20 --output jsonl")]
pub struct Args {
    /// List only the newest N
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter_or_empty()?;
    let mut listing = context.ui.list("events")?;
    audit::list(&mut store, &actor, args.limit, now, |event| {
        listing.row(&EventView::new(&event), || row(&event, now))
    })?;
    let header = ["SEQ", "WHEN", "ACTOR", "ACTION", "SUBJECT", "DETAILS"];
    if context.ui.end(listing, &header)? {
        context.ui.hint("no events yet");
    }
    Ok(0)
}

fn row(event: &Event, now: Timestamp) -> Vec<String> {
    vec![
        event.seq.to_string(),
        relative(event.time, now),
        Safe(&event.actor).to_string(),
        Safe(&event.action).to_string(),
        Safe(&event.subject).to_string(),
        summary(&event.details),
    ]
}

/// The details in a line for people: what is not there, what is too long for a line, such as a policy, and the record's digest
/// are left to --json.
fn summary(details: &str) -> String {
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
            text if text.chars().count() > LONGEST => Some(format!("{}=…", Safe(name))),
            text => Some(format!("{}={}", Safe(name), Safe(text))),
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}
