//! Showing one key.

use crate::domain::allowance::{Allowance, Used};
use crate::domain::timestamp::Month;
use crate::domain::usage::LastUse;
use crate::domain::{Key, KeyId, Permission, Timestamp, Workspace};
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::select::{self, Selector};
use crate::ops::succession::{Way, way_on};
use crate::ops::{lineage, remedy};
use crate::store::{Reader, Store};

#[derive(Debug)]
pub struct Outcome {
    pub key: Key,
    pub last_use: Option<LastUse>,
    /// The others of its name and environment that are still valid, the newest first.
    pub others: Vec<KeyId>,
    /// The key that it replaces, and the one that replaced it, where their records are kept.
    pub neighbours: (Option<Key>, Option<Key>),
    /// What its plan allows, and what is used of that.
    pub limits: Limits,
    /// What can be done where the key was superseded, and all that followed it has ended or is gone.
    pub way_on: Option<String>,
}

/// What a plan allows a key, and what is used of it at this time.
#[derive(Debug)]
pub struct Limits {
    pub allowance: Allowance,
    pub used: Used,
    /// When: now, or the time of the last count if that is later.
    pub at: Timestamp,
}

/// Finds the key that a selector means.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    workspace: Option<&str>,
    selector: &Selector,
    now: Timestamp,
) -> Result<Outcome> {
    store.read(|reader| {
        let access = Access::to(reader, actor, Permission::List, now)?;
        let workspaces = select::workspaces(reader, &access, workspace)?;
        let key = select::key(reader, &workspaces, selector, now)?;
        shown(reader, &workspaces, key, now)
    })
}

/// Finds the key that a selector means in every workspace.
pub fn anywhere(
    store: &mut Store,
    actor: &Actor,
    selector: &Selector,
    now: Timestamp,
) -> Result<Outcome> {
    store.read(|reader| {
        let access = Access::to(reader, actor, Permission::List, now)?;
        let workspaces = select::reach(reader, &access, None, true)?;
        let key = select::key(reader, &workspaces, selector, now)?;
        shown(reader, &workspaces, key, now)
    })
}

fn shown(
    reader: &Reader<'_>,
    workspaces: &[Workspace],
    key: Key,
    now: Timestamp,
) -> Result<Outcome> {
    let owner = select::owner_of(workspaces, &key);
    let at = now.max(reader.clock()?.seen);
    let allowance = Allowance::of(owner, key.plan.as_deref());
    let seq = reader.seq_of(&key.id)?;
    let (last_use, whole_at) = reader.metered(seq, allowance.rate, reader.has_relatives(&key)?)?;
    let credits = reader.credits_spent(owner.id, Month::of(at))?;
    let own_credits = match allowance.own_quota {
        Some(_) => reader.credits_of(seq, Month::of(at))?,
        None => 0,
    };
    let used = Used { whole_at, credits, own_credits };
    let record = |id: Option<&KeyId>| match id {
        Some(id) => reader.key_by_id(id.as_str()),
        None => Ok(None),
    };
    let neighbours = (record(key.replaces())?, record(key.replaced_by.as_ref())?);
    let others = lineage::still_valid(reader, &key, now)?;
    let way_on = match way_on(reader, &key, now)? {
        Some(way @ Way::Cancel(_)) => Some(way.hint(&remedy::place(reader, &owner.name)?)),
        _ => None,
    };
    Ok(Outcome {
        way_on,
        neighbours,
        limits: Limits { allowance, used, at },
        key,
        last_use,
        others: others.into_iter().map(|other| other.id).collect(),
    })
}
