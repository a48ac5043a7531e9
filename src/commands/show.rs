//! `keyward show`.

use crate::context::Context;
use crate::domain::key::UNDELIVERED;
use crate::domain::{KeyId, Network, Safe, Timestamp};
use crate::error::{Exit, Result};
use crate::ops::show::{self, Outcome};
use crate::options::KeyArgument;
use crate::output::relative::relative;
use crate::output::table;
use crate::output::view::KeyView;

/// Show one key
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward show ci-pipeline
  keyward show ci-pipeline -e live --json")]
pub struct Args {
    #[command(flatten)]
    key: KeyArgument,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter()?;
    let shown = show::run(
        &mut store,
        &actor,
        context.workspace.as_deref(),
        &args.key.selector(),
        now,
    )?;
    context.ui.record(&KeyView::new(&shown.key, now), || {
        table::render_record(&fields(&shown, now))
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
    let mut add = |name: &'static str, value: Option<String>| {
        fields.extend(
            value
                .filter(|value| !value.is_empty())
                .map(|value| (name, Safe(&value).to_string())),
        );
    };
    add("scopes", Some(key.scopes.join(", ")));
    add(
        "allowed from",
        Some(
            key.allow
                .iter()
                .map(Network::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        ),
    );
    add("owner", key.owner.clone());
    let labels: Vec<String> = key
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    add("labels", Some(labels.join(", ")));
    add(
        "replaces",
        key.rotation
            .as_ref()
            .map(|rotation| rotation.replaces.as_str().to_owned()),
    );
    add(
        "replaced by",
        key.replaced_by
            .as_ref()
            .map(|successor| match &shown.way_on {
                Some(way_on) => format!("{successor} ({way_on})"),
                None => successor.to_string(),
            }),
    );
    let others: Vec<&str> = shown.others.iter().map(KeyId::as_str).collect();
    let others = others.join(", ");
    add(
        "same name",
        (!others.is_empty()).then(|| format!("{others} can still verify")),
    );
    let lapsed_at = key.lapsed_at(now);
    add(
        "revoked",
        key.revoked_at
            .or(lapsed_at)
            .map(|revoked_at| time(Some(revoked_at))),
    );
    add(
        "reason",
        key.revoked_reason
            .clone()
            .or_else(|| lapsed_at.map(|_| UNDELIVERED.to_owned())),
    );
    add("message", key.revoked_message.clone());
    fields
}
