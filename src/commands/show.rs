//! `keyward show`.

use crate::context::Context;
use crate::domain::key::UNDELIVERED;
use crate::domain::{KeyId, Safe, Timestamp};
use crate::error::{Exit, Result};
use crate::ops::show::{self, Outcome};
use crate::options::{Everywhere, KeyArgument};
use crate::output::relative::relative;
use crate::output::table::{listed, render_record};
use crate::output::view::KeyView;

/// Show one key
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward show ci-pipeline
  keyward show ci-pipeline -e live --json
  keyward show ci-pipeline --all-workspaces")]
pub struct Args {
    #[command(flatten)]
    key: KeyArgument,

    #[command(flatten)]
    everywhere: Everywhere,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter()?;
    let selector = args.key.selector();
    let shown = match args.everywhere.all_workspaces {
        true => show::anywhere(&mut store, &actor, &selector, now)?,
        false => {
            let workspace = context.workspace.as_deref();
            show::run(&mut store, &actor, workspace, &selector, now)?
        }
    };
    context.ui.record(&KeyView::new(&shown.key, now), || {
        render_record(&fields(&shown, now))
    })?;
    Ok(0)
}

fn fields(shown: &Outcome, now: Timestamp) -> Vec<(&'static str, String)> {
    let key = &shown.key;
    let time = |time: Option<Timestamp>| match time {
        Some(time) => format!("{} ({time})", relative(time, now)),
        None => "never".to_owned(),
    };
    let mut fields = vec![
        ("name", Safe(&key.name).to_string()),
        ("id", Safe(key.id.as_str()).to_string()),
        ("workspace", Safe(&key.workspace).to_string()),
        ("environment", Safe(&key.environment).to_string()),
        ("status", key.status(now).word().to_owned()),
        ("prefix", Safe(&key.prefix).to_string()),
        ("hint", format!("…{}", Safe(&key.hint))),
        (
            "created",
            format!(
                "{} by {}",
                time(Some(key.created_at)),
                Safe(&key.created_by)
            ),
        ),
        (
            "last used",
            match shown.last_use.as_ref().and_then(|last| last.address) {
                Some(address) => format!("{} from {address}", time(key.last_used_at)),
                None => time(key.last_used_at),
            },
        ),
        ("expires", time(key.expires_at)),
    ];
    let mut add = |name: &'static str, value: String| {
        if !value.is_empty() {
            fields.push((name, Safe(&value).to_string()));
        }
    };
    let or_none = |value: Option<&str>| value.unwrap_or_default().to_owned();
    add("scopes", listed(&key.scopes));
    add("allowed from", listed(&key.allow));
    add("owner", or_none(key.owner.as_deref()));
    let labels = key.labels.iter();
    add(
        "labels",
        listed(labels.map(|(name, value)| format!("{name}={value}"))),
    );
    add("replaces", or_none(key.replaces().map(KeyId::as_str)));
    let way_on = shown.way_on.as_ref().map(|way_on| format!(" ({way_on})"));
    if let Some(successor) = &key.replaced_by {
        add(
            "replaced by",
            format!("{successor}{}", way_on.unwrap_or_default()),
        );
    }
    if !shown.others.is_empty() {
        let others = listed(shown.others.iter().map(KeyId::as_str));
        add("same name", format!("{others} can still verify"));
    }
    let lapsed_at = key.lapsed_at(now);
    if let Some(revoked_at) = key.revoked_at.or(lapsed_at) {
        add("revoked", time(Some(revoked_at)));
    }
    let undelivered = lapsed_at.map(|_| UNDELIVERED);
    add(
        "reason",
        or_none(key.revoked_reason.as_deref().or(undelivered)),
    );
    add("message", or_none(key.revoked_message.as_deref()));
    fields
}
