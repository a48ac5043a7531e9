//! `keyward check`.

use crate::context::Context;
use crate::domain::finding::{Criteria, Reason};
use crate::domain::{Key, Lifetime, Safe, Timestamp};
use crate::error::{Error, Exit, FINDINGS, Result};
use crate::ops::check;
use crate::options::Everywhere;
use crate::output::relative::moment;
use crate::output::table::{Cell, Column};
use crate::output::view::FindingView;

/// Find keys that are stale, expiring, never used or too old
///
/// A gate for pipelines: exits with 18 if it finds any, with 0 if not. Each finding comes with the command that fixes it.
/// Revoked keys are skipped, and so are keys superseded by a rotation while their successor verifies. Expired keys are skipped
/// unless --expired-within is given. Disabled keys are checked for use and policy only, pending keys for policy only.
///
/// In the table, WHEN is the time that the finding is about: when the key was minted, was last used, or expires. --output
/// wide has all three.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward check --older-than 90d
  keyward check --expiring-within 14d --all-workspaces --json
  keyward check --unused-for 90d --expiring-within 7d")]
pub struct Args {
    /// Find keys that expire within this time
    #[arg(long, value_name = "DURATION")]
    expiring_within: Option<Lifetime>,

    /// Find keys that expired within this time and were not rotated
    #[arg(long, value_name = "DURATION")]
    expired_within: Option<Lifetime>,

    /// Find keys not used for this long (never-used keys count from when they were minted)
    #[arg(long, value_name = "DURATION")]
    unused_for: Option<Lifetime>,

    /// Find keys that were never used
    #[arg(long)]
    never_used: bool,

    /// Find keys minted at least this long ago
    #[arg(long, value_name = "DURATION")]
    older_than: Option<Lifetime>,

    /// Find keys whose environment or scopes the policy no longer has
    #[arg(long)]
    outside_policy: bool,

    /// Find keys whose secret `keyward scan --record` has found
    #[arg(long)]
    exposed: bool,

    #[command(flatten)]
    everywhere: Everywhere,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let request = check::Request {
        workspace: context.workspace.clone(),
        all: args.everywhere.all_workspaces,
        criteria: Criteria {
            expiring_within: args.expiring_within,
            expired_within: args.expired_within,
            unused_for: args.unused_for,
            never_used: args.never_used,
            older_than: args.older_than,
            outside_policy: args.outside_policy,
            exposed: args.exposed,
        },
    };
    if request.criteria.are_none() {
        return Err(Error::usage("tell check what to look for").hinted(
            "pass --expiring-within, --expired-within, --unused-for, --never-used, --older-than, --outside-policy or --exposed",
        ));
    }
    let (mut store, actor, now) = context.enter()?;
    let mut listing = context.ui.list("findings")?;
    check::run(&mut store, &actor, &request, now, |finding| {
        let key = &finding.key;
        let view = FindingView::new(key, finding.reason, &finding.remedy, now);
        listing.row(&view, || {
            vec![
                Cell::from(Safe(&key.name).to_string()),
                Safe(&key.environment).to_string().into(),
                finding.reason.word().into(),
                moment(when(key, finding.reason), now),
                Cell::from(finding.remedy.clone()).short(shortened(&finding.remedy)),
                Safe(&key.workspace).to_string().into(),
                Safe(key.id.as_str()).to_string().into(),
                moment(Some(key.created_at), now),
                moment(key.last_used_at, now),
                moment(key.expires_at, now),
            ]
        })
    })?;
    let columns = [
        Column::text("NAME"),
        Column::last("ENV"),
        Column::last("REASON"),
        Column::last("WHEN"),
        Column::last("REMEDY"),
        Column::text("WORKSPACE").wide(),
        Column::text("ID").wide(),
        Column::last("MINTED").wide(),
        Column::last("LAST USED").wide(),
        Column::last("EXPIRES").wide(),
    ];
    if context.ui.end(listing, &columns)? {
        context.ui.status("no keys found");
        return Ok(0);
    }
    Ok(FINDINGS)
}

/// The moment that a finding is about.
fn when(key: &Key, reason: Reason) -> Option<Timestamp> {
    match reason {
        Reason::Unused | Reason::Exposed => key.last_used_at,
        Reason::Expiring | Reason::Expired => key.expires_at,
        Reason::NeverUsed | Reason::Old | Reason::OutsidePolicy => Some(key.created_at),
    }
}

/// The remedy where there is little room: without the program's name.
fn shortened(remedy: &str) -> String {
    remedy.strip_prefix("keyward ").unwrap_or(remedy).to_owned()
}
