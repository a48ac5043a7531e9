//! `keyward list`.

use crate::context::Context;
use crate::domain::{Safe, Status};
use crate::error::Result;
use crate::ops::{list, select};
use crate::options::{Everywhere, one_of};
use crate::output::keys::{COLUMNS, row};
use crate::output::view::KeyView;
use crate::store::Order;

/// List keys
///
/// Revoked and expired keys are left out unless --all or --status asks for them. On a terminal the table fits its width;
/// --output wide has every column.
///
/// The columns of --output tsv are those of the JSON object, in this order, and --header names them in the first line: id,
/// workspace, name, environment, scopes, prefix, short, keyHint, status, createdAt, createdBy, expiresAt, lastUsedAt,
/// revokedAt, revokedReason, replaces, replacedBy, allow, owner, labels, plan. Lists are joined by commas. An empty list
/// has no header.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward list
  keyward list --all --sort last-used
  keyward list --status active,pending -e live
  keyward list --owner platform --label team=core
  keyward list --all-workspaces --sort expires
  keyward list --output jsonl")]
pub struct Args {
    /// List keys of this status (can be repeated)
    #[arg(long, value_delimiter = ',', value_name = "STATUS", value_parser = one_of(STATUSES))]
    status: Vec<Status>,

    /// Include revoked and expired keys
    #[arg(short, long)]
    all: bool,

    /// List keys in this environment
    #[arg(short, long, value_name = "ENV")]
    environment: Option<String>,

    /// List keys whose name contains this text
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,

    /// List keys of this owner
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,

    /// List keys with this label (can be repeated)
    #[arg(long = "label", value_name = "NAME[=VALUE]")]
    labels: Vec<String>,

    /// List keys with this scope (can be repeated)
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,

    /// Sort by this
    #[arg(long, default_value = "created", value_name = "ORDER", value_parser = one_of(ORDERS))]
    sort: Order,

    #[command(flatten)]
    everywhere: Everywhere,
}

const STATUSES: &[(&str, &str, Status)] = &[
    ("active", "", Status::Active),
    ("pending", "", Status::Pending),
    ("disabled", "", Status::Disabled),
    ("expired", "", Status::Expired),
    ("revoked", "", Status::Revoked),
];

const ORDERS: &[(&str, &str, Order)] = &[
    ("created", "As minted", Order::Created),
    ("name", "By name", Order::Name),
    ("environment", "By environment", Order::Environment),
    ("expires", "By expiry, soonest first", Order::Expires),
    ("last-used", "By last use, longest unused first", Order::LastUsed),
];

pub fn run(args: Args, context: &mut Context) -> Result<()> {
    let request = list::Request {
        workspace: context.workspace.clone(),
        everywhere: args.everywhere.all_workspaces,
        statuses: args.status,
        all: args.all,
        environment: args.environment,
        name: args.name,
        owner: args.owner,
        labels: args.labels.iter().map(|label| list::label(label)).collect(),
        scopes: args.scopes,
        order: args.sort,
    };
    let everywhere = request.everywhere;
    let (mut store, actor, now) = context.enter_or_empty()?;
    let mut listing = context.ui.list("keys")?;
    let workspace = list::run(&mut store, &actor, &request, now, |key| {
        listing.row(&KeyView::new(&key, now), || row(&key, now))
    })?;
    let columns = COLUMNS.map(|column| if everywhere { column.shown("WORKSPACE") } else { column });
    if context.ui.end(listing, &columns)? {
        let place = workspace.as_deref();
        context.ui.status(&nothing(&request, place));
        if let Some(hint) = way_on(&request) {
            context.ui.hint(&hint);
        }
    }
    Ok(())
}

/// What was looked for and not found.
fn nothing(request: &list::Request, workspace: Option<&str>) -> String {
    let statuses = request.statuses.iter().map(|status| status.word());
    let statuses = statuses.collect::<Vec<_>>().join(" or ");
    let mut filters = Vec::new();
    let mut filter = |name: &str, value: &str| filters.push(format!("{name} {}", Safe(value)));
    if let Some(environment) = &request.environment {
        filter("environment", environment);
    }
    if let Some(name) = &request.name {
        filter("a name that contains", name);
    }
    if let Some(owner) = &request.owner {
        filter("owner", owner);
    }
    for (name, value) in &request.labels {
        match value {
            Some(value) => filter("label", &format!("{name}={value}")),
            None => filter("label", name),
        }
    }
    for scope in &request.scopes {
        filter("scope", scope);
    }
    let mut sentence = "no".to_owned();
    if !statuses.is_empty() {
        sentence += &format!(" {statuses}");
    }
    sentence += " keys";
    if let Some(workspace) = workspace {
        sentence += &format!(" in workspace {}", Safe(workspace));
    }
    if !filters.is_empty() {
        sentence += &format!(" with {}", filters.join(", "));
    }
    sentence
}

/// What lists more, or makes a key.
fn way_on(request: &list::Request) -> Option<String> {
    let is_filtered = request.environment.is_some()
        || request.name.is_some()
        || request.owner.is_some()
        || !request.labels.is_empty()
        || !request.scopes.is_empty();
    let place = request.workspace.as_deref().map(|name| format!(" {}", select::option(name)));
    let place = place.unwrap_or_default();
    let mints = format!("`keyward mint NAME{place}` mints one");
    let place = if request.everywhere { " --all-workspaces".to_owned() } else { place };
    let lists = format!("`keyward list --all{place}` lists revoked and expired keys too");
    match (request.statuses.is_empty() && !request.all, is_filtered) {
        (true, false) => Some(format!("{mints}, {lists}")),
        (true, true) => Some(lists),
        (false, false) if request.all => Some(mints),
        (false, _) => None,
    }
}
