//! `keyward show`, and `keyward whoami`, which shows the caller.

use crate::context::Context;
use crate::domain::{Key, KeyId, Safe, Status, Timestamp};
use crate::error::Result;
use crate::ops::show::{self, Outcome};
use crate::ops::whoami;
use crate::options::{Everywhere, KeyArgument};
use crate::output::relative::relative;
use crate::output::table::{listed, render_record};
use crate::output::view::{CallerView, LimitsView, Shown};

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

pub fn run(args: Args, context: &mut Context) -> Result<()> {
    let (mut store, actor, now) = context.enter()?;
    let selector = args.key.selector();
    let shown = match args.everywhere.all_workspaces {
        true => show::anywhere(&mut store, &actor, &selector, now)?,
        false => {
            let workspace = context.workspace.as_deref();
            show::run(&mut store, &actor, workspace, &selector, now)?
        }
    };
    let limits = &shown.limits;
    let limits = LimitsView::new(limits.allowance, limits.used, limits.at);
    let view = Shown::new(&shown.key, limits, now);
    context.ui.record(&view, || render_record(&fields(&shown, &view, limits, now)))
}

fn fields(
    shown: &Outcome,
    view: &Shown<'_>,
    limits: LimitsView,
    now: Timestamp,
) -> Vec<(&'static str, String)> {
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
        ("created", format!("{} by {}", time(Some(key.created_at)), Safe(&key.created_by))),
        (
            "last used",
            match shown.last_use.as_ref().and_then(|last| last.address) {
                Some(address) => format!("{} from {address}", time(key.last_used_at)),
                None => time(key.last_used_at),
            },
        ),
        (
            if key.expires_at.is_some_and(|expires_at| expires_at <= now) {
                "expired"
            } else {
                "expires"
            },
            time(key.expires_at),
        ),
    ];
    if key.is_pending(now) {
        let lapses = time(key.life().lapses_at());
        fields.push(("lapses", format!("{lapses} unless it is activated")));
    }
    let mut add = |name: &'static str, value: String| {
        if !value.is_empty() {
            fields.push((name, Safe(&value).to_string()));
        }
    };
    for (name, value) in view.terms() {
        add(name, value);
    }
    let (old, new) = &shown.neighbours;
    if let Some(id) = key.replaces() {
        add("replaces", format!("{id} ({})", standing(old.as_ref(), now)));
    }
    if let Some(id) = &key.replaced_by {
        let way_on = shown.way_on.as_ref().map(|way_on| format!("; {way_on}"));
        let way_on = way_on.unwrap_or_default();
        let standing = standing(new.as_ref(), now);
        add("replaced by", format!("{id} ({standing}{way_on})"));
    }
    if let Some(rate) = limits.rate {
        let whole = match rate.whole_at {
            Some(whole_at) => format!(", full again {}", relative(whole_at.0, now)),
            None => String::new(),
        };
        add("rate", format!("{}: {} left{whole}", rate.limit, rate.remaining));
    }
    if let Some(quota) = limits.quota {
        let resets = time(Some(quota.resets_at.0));
        let (left, limit) = (quota.remaining, quota.limit);
        add("quota", format!("{left} of {limit} credits left this month; resets {resets}"));
    }
    if !shown.others.is_empty() {
        let others = listed(shown.others.iter().map(KeyId::as_str));
        add("same name", format!("{others} can still verify"));
    }
    let lapsed_at = key.lapsed_at(now);
    if let Some(revoked_at) = key.revoked_at.or(lapsed_at) {
        add("revoked", time(Some(revoked_at)));
    }
    add("reason", key.reason(now).unwrap_or_default().to_owned());
    add("message", key.revoked_message.clone().unwrap_or_default());
    fields
}

/// What another key of the lineage is, with when it ended or will end.
fn standing(key: Option<&Key>, now: Timestamp) -> String {
    let Some(key) = key else {
        return "no record".to_owned();
    };
    let status = key.standing(now);
    let ended = match status {
        Status::Revoked => key.revoked_at.or_else(|| key.lapsed_at(now)),
        _ => key.expires_at,
    };
    match (status, ended) {
        (Status::Revoked | Status::Expired, Some(ended)) => {
            format!("{} {}", status.word(), relative(ended, now))
        }
        (_, Some(expires_at)) => {
            format!("{}, expires {}", status.word(), relative(expires_at, now))
        }
        _ => status.word().to_owned(),
    }
}

/// Show the current caller
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward whoami
  keyward whoami --as secret-file --json")]
pub struct WhoamiArgs {}

pub fn whoami(_args: WhoamiArgs, context: &mut Context) -> Result<()> {
    let (mut store, actor, now) = context.enter_or_empty()?;
    let outcome = whoami::run(&mut store, &actor, context.workspace.as_deref(), now)?;
    let (view, sentence) = match &outcome {
        whoami::Outcome::Operator { name, workspace } => {
            let place = match workspace {
                Some(workspace) => format!(", working in {}", Safe(workspace)),
                None => String::new(),
            };
            (
                CallerView::operator(name, workspace.clone()),
                format!("operator {}{place}\n", Safe(name)),
            )
        }
        whoami::Outcome::Caller(key) => {
            let (name, workspace) = (Safe(&key.name), Safe(&key.workspace));
            let sentence =
                format!("key {name} ({}) of {workspace}/{}\n", key.id, Safe(&key.environment));
            (CallerView::key(key), sentence)
        }
    };
    context.ui.record(&view, || sentence)
}
