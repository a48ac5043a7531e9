//! `keyward list`.

use crate::context::Context;
use crate::domain::{Key, Safe, Status, Timestamp};
use crate::error::{Exit, Result};
use crate::ops::list;
use crate::options::{Everywhere, one_of};
use crate::output::relative::relative_or_never;
use crate::output::view::KeyView;
use crate::store::Order;

/// List keys
///
/// Revoked and expired keys are left out unless --all or --status asks for them.
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
    (
        "last-used",
        "By last use, longest unused first",
        Order::LastUsed,
    ),
];

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let request = list::Request {
        workspace: context.workspace.clone(),
        everywhere: args.everywhere.all_workspaces,
        statuses: args.status,
        all: args.all,
        environment: args.environment,
        name: args.name,
        owner: args.owner,
        labels: args.labels.iter().map(|label| split_label(label)).collect(),
        scopes: args.scopes,
        order: args.sort,
    };
    let everywhere = request.everywhere;
    let (mut store, actor, now) = context.enter_or_empty()?;
    let mut listing = context.ui.list("keys")?;
    list::run(&mut store, &actor, &request, now, |key| {
        listing.row(&KeyView::new(&key, now), || {
            let mut row = row(&key, now);
            if everywhere {
                row.insert(0, Safe(&key.workspace).to_string());
            }
            row
        })
    })?;
    let header = [
        "WORKSPACE",
        "NAME",
        "ENV",
        "PREFIX…HINT",
        "STATUS",
        "LAST USED",
        "EXPIRES",
        "ID",
    ];
    if context
        .ui
        .end(listing, &header[usize::from(!everywhere)..])?
    {
        context.ui.hint(
            "no keys to list: `keyward mint NAME` makes one, `keyward list --all` shows dead ones",
        );
    }
    Ok(0)
}

fn row(key: &Key, now: Timestamp) -> Vec<String> {
    vec![
        Safe(&key.name).to_string(),
        Safe(&key.environment).to_string(),
        format!("{}…{}", Safe(&key.prefix), Safe(&key.hint)),
        key.status(now).word().to_owned(),
        relative_or_never(key.last_used_at, now),
        relative_or_never(key.expires_at, now),
        Safe(key.id.as_str()).to_string(),
    ]
}

fn split_label(label: &str) -> (String, Option<String>) {
    match label.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (label.to_owned(), None),
    }
}
