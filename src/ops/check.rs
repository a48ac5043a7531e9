//! The gate: keys that are stale, expiring, never used or too old.
//!
//! This module never gathers its findings: it hands them over page by page.

use crate::domain::finding::{Criteria, Reason};
use crate::domain::key::{Key, KeySeq, Status};
use crate::domain::permission::Permission;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::{limits, select};
use crate::store::{Reader, Store};

/// How many keys are read at once. Between two such pages nothing is held in the store.
const PAGE: u32 = 500;

/// What is looked for, and where.
#[derive(Debug)]
pub struct Request {
    /// The workspace.
    pub workspace: Option<String>,
    /// Every workspace there is instead.
    pub all: bool,
    /// What is looked for.
    pub criteria: Criteria,
}

/// Something that is wrong with a key.
#[derive(Debug)]
pub struct Finding {
    /// The key.
    pub key: Key,
    /// What.
    pub reason: Reason,
    /// The command that mends it.
    pub remedy: String,
}

/// Calls the closure with every finding, in the order of workspaces and minting. Says how many there were.
///
/// # Errors
/// The closure's; `scope_rejected`, `workspace_not_found`, `ambiguous`; the store's.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
    mut body: impl FnMut(&Finding) -> Result<()>,
) -> Result<u64> {
    let admit = |reader: &Reader<'_>| {
        let access = Access::admit(reader, actor, now)?;
        access.require(Permission::List)?;
        Ok(access)
    };
    let workspaces = store.read(|reader| {
        let named = request.workspace.as_deref();
        select::these_or_all(reader, &admit(reader)?, named, request.all)
    })?;
    let mut count = 0;
    for workspace in workspaces {
        let mut after = Some(KeySeq(0));
        while let Some(last) = after {
            let mut findings = Vec::new();
            after = store.read(|reader| {
                admit(reader)?;
                let mut faults = Vec::new();
                let next = reader.for_each_key_after(&workspace, last, PAGE, |_, key| {
                    for reason in request.criteria.faults(&key, now)? {
                        faults.push((key.clone(), reason));
                    }
                    Ok(())
                })?;
                let place = limits::place(reader, &workspace)?;
                for (key, reason) in faults {
                    findings.push(Finding {
                        remedy: remedy(reader, reason, &key, &place, &request.criteria, now)?,
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

/// The command that mends a fault. What is not used is spared if it comes into use before the command is run, and an
/// unfinished rotation is taken back before the next.
fn remedy(
    reader: &Reader<'_>,
    reason: Reason,
    key: &Key,
    place: &str,
    criteria: &Criteria,
    now: Timestamp,
) -> Result<String> {
    let id = &key.id;
    if reason.is_mended_by_rotation() {
        let is_pending = |replacement: &Key| replacement.status(now) == Status::Pending;
        let is_under_way = reader.keys_replacing(id)?.iter().any(is_pending);
        let cancel = if is_under_way { " --cancel" } else { "" };
        return Ok(format!("keyward rotate {id}{place}{cancel}"));
    }
    Ok(match &criteria.unused_for {
        Some(idle) => format!("keyward revoke {id}{place} --if-unused-for {idle}"),
        None => format!("keyward revoke {id}{place}"),
    })
}
