//! The gate: keys that are stale, expiring, never used or too old.

use std::collections::BTreeSet;

use crate::domain::finding::{Criteria, Reason};
use crate::domain::policy::Outside;
use crate::domain::{Key, KeySeq, Permission, Timestamp, Workspace};
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::succession::{Way, way_on};
use crate::ops::{links, remedy, select};
use crate::store::{Reader, Store};

/// How many keys are read at once. Between two such pages nothing is held in the store.
const PAGE: u32 = 500;

#[derive(Debug)]
pub struct Request {
    pub workspace: Option<String>,
    /// Every workspace there is instead.
    pub all: bool,
    pub criteria: Criteria,
}

/// Something that is wrong with a key.
#[derive(Debug)]
pub struct Finding {
    pub key: Key,
    pub reason: Reason,
    /// The command that fixes it.
    pub remedy: String,
}

/// Calls the closure with every finding, in the order of workspaces and minting. Says how many there were.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
    mut body: impl FnMut(&Finding) -> Result<()>,
) -> Result<u64> {
    let admit = |reader: &Reader<'_>| Access::to(reader, actor, Permission::List, now);
    let workspaces = store.read(|reader| {
        let named = request.workspace.as_deref();
        select::selected_workspaces(reader, &admit(reader)?, named, request.all)
    })?;
    let exposed = match request.criteria.exposed {
        true => store.read(|reader| reader.exposed())?,
        false => BTreeSet::new(),
    };
    let mut count = 0;
    for workspace in workspaces {
        let mut after = Some(KeySeq(0));
        while let Some(last) = after {
            let mut findings = Vec::new();
            after = store.read(|reader| {
                admit(reader)?;
                let mut faults = Vec::new();
                let next = reader.for_each_key_after(&workspace, last, PAGE, |_, key| {
                    for reason in request.criteria.faults(&key, &workspace.policy, now)? {
                        faults.push((key.clone(), reason));
                    }
                    if exposed.contains(key.id.as_str()) && key.is_living(now) {
                        faults.push((key, Reason::Exposed));
                    }
                    Ok(())
                })?;
                for (key, reason) in faults {
                    if is_followed(reader, &workspace, &key, reason, now)? {
                        continue;
                    }
                    findings.push(Finding {
                        remedy: remedy(reader, reason, &key, &workspace, &request.criteria, now)?,
                        key,
                        reason,
                    });
                }
                Ok(next)
            })?;
            count += findings.len() as u64;
            findings.iter().try_for_each(&mut body)?;
        }
    }
    Ok(count)
}

/// Whether a rotation has superseded the key, and what follows it verifies: then the key ends by itself. Where a key has
/// expired, another that was minted under its name follows it too.
fn is_followed(
    reader: &Reader<'_>,
    workspace: &Workspace,
    key: &Key,
    reason: Reason,
    now: Timestamp,
) -> Result<bool> {
    if reason == Reason::Exposed {
        return Ok(false);
    }
    if reason == Reason::Expired {
        let holder = select::holder(reader, workspace, &key.environment, &key.name, now)?;
        return Ok(holder.is_some());
    }
    Ok(matches!(way_on(reader, key, now)?, Some(Way::Rotate(_))))
}

/// The command that fixes a fault. What is not used is spared if it comes into use before the command is run. A rotation that
/// is not finished, or whose new key has ended, is cancelled before the next; a successor that is disabled is enabled.
fn remedy(
    reader: &Reader<'_>,
    reason: Reason,
    key: &Key,
    workspace: &Workspace,
    criteria: &Criteria,
    now: Timestamp,
) -> Result<String> {
    let (id, place) = (&key.id, remedy::place(reader, &workspace.name)?);
    if reason == Reason::Expired {
        return Ok(remedy::mint_again(key, &place));
    }
    if reason == Reason::Exposed {
        return Ok(format!("keyward revoke {id}{place} --reason compromised"));
    }
    if reason == Reason::OutsidePolicy {
        let is_known = |scope: &&String| workspace.policy.scopes.contains_key(*scope);
        let known: Vec<String> = key.scopes.iter().filter(is_known).cloned().collect();
        let is_enough = !known.is_empty() && workspace.policy.check_scopes(&known, &[]).is_ok();
        return Ok(match workspace.policy.lacks(key) {
            Some(Outside::Scope(_)) if is_enough => {
                format!("keyward set {id}{place} --scope {}", known.join(" --scope "))
            }
            _ => format!("keyward revoke {id}{place}"),
        });
    }
    if reason.is_mended_by_rotation() {
        match way_on(reader, key, now)? {
            Some(Way::Enable(successor)) => {
                return Ok(format!("keyward enable {successor}{place}"));
            }
            Some(Way::Activate(old) | Way::Cancel(old)) => {
                return Ok(format!("keyward rotate {old}{place} --cancel"));
            }
            None | Some(Way::Rotate(_) | Way::Nothing) => {}
        }
        let is_pending = |replacement: &Key| replacement.is_pending(now);
        let is_under_way = links::replacements(reader, key)?.iter().any(is_pending);
        let cancel = if is_under_way { " --cancel" } else { "" };
        return Ok(format!("keyward rotate {id}{place}{cancel}"));
    }
    Ok(match &criteria.unused_for {
        Some(idle) => format!("keyward revoke {id}{place} --if-unused-for {idle}"),
        None => format!("keyward revoke {id}{place}"),
    })
}
