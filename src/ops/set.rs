//! Changing a key's scopes, expiry, addresses, owner, labels and plan.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::domain::allowance::Allowance;
use crate::domain::audit::Action;
use crate::domain::difference::Difference;
use crate::domain::{Key, Network, Permission, Policy, Timestamp, When, Workspace};
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::change::{self, Outcome, refuse_dead};
use crate::ops::lineage::Meant;
use crate::ops::select::{self, Selector};
use crate::ops::succession::{Way, way_on};
use crate::ops::{limits, links, remedy};
use crate::store::{Store, Writer};

#[derive(Debug)]
pub struct Request {
    pub workspace: Option<String>,
    pub selector: Selector,
    /// The expiry; `None` means no change.
    pub expires: Option<When>,
    pub changes: Changes,
}

/// Changes to what a key may do and whose it is; `None` means no change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The scopes, which replace the current ones.
    pub scopes: Option<Vec<String>>,
    /// The networks, which replace the current ones.
    pub allow: Option<Vec<Network>>,
    /// The owner; `Some(None)` clears it.
    pub owner: Option<Option<String>>,
    /// The plan; `Some(None)` is that of its workspace.
    pub plan: Option<Option<String>>,
    /// Whether the current labels are removed first.
    pub clear_labels: bool,
    /// Labels to add or overwrite.
    pub labels: BTreeMap<String, String>,
}

impl Changes {
    /// Makes the changes to a record. Scopes that are there already, in whatever order, are not judged again.
    pub(super) fn apply(&self, policy: &Policy, key: &mut Key) -> Result<()> {
        if let Some(scopes) = &self.scopes
            && !are_same(scopes, &key.scopes)
        {
            policy.check_scopes(scopes, &key.scopes)?;
            key.scopes.clone_from(scopes);
        }
        if let Some(allow) = &self.allow {
            key.allow.clone_from(allow);
        }
        if let Some(owner) = &self.owner {
            key.owner.clone_from(owner);
        }
        if let Some(plan) = &self.plan {
            if let Some(plan) = plan {
                policy.plan(plan)?;
            }
            key.plan.clone_from(plan);
        }
        if self.clear_labels {
            key.labels.clear();
        }
        key.labels.extend(self.labels.clone());
        Ok(())
    }
}

impl Request {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.expires.is_none() && self.changes == Changes::default()
    }
}

/// Changes a key, or every key that its name stands for.
pub fn run(store: &mut Store, actor: &Actor, request: &Request, now: Timestamp) -> Result<Outcome> {
    store.write(|writer| {
        let act = Act { writer, access: Access::to(writer, actor, Permission::Set, now)?, now };
        let workspaces = select::workspaces(writer, &act.access, request.workspace.as_deref())?;
        let meant = Meant::by(writer, &workspaces, &request.selector, now)?;
        refuse_dead(&meant.key, now)?;
        let owner = select::owner_of(&workspaces, &meant.key);
        let policy = &owner.policy;
        let expiry = match &request.expires {
            None => None,
            wish => Some(policy.expiry(wish.as_ref(), now)?),
        };
        let mut changed = Vec::new();
        for key in meant.all() {
            // As this transaction has left it: shortening a superseded key's life is noted in its successor.
            let before = writer.key_by_id(key.id.as_str())?.expect("a key that is changed stays");
            let mut after = before.clone();
            request.changes.apply(policy, &mut after)?;
            match expiry {
                // A new expiry for the name is not an error for keys that are already in their grace period.
                Some(expiry) if key.id != meant.key.id && is_longer(&before, expiry) => {}
                Some(expiry) => live_until(&act, owner, &mut after, expiry)?,
                None => {}
            }
            if save(&act, &before, &after)? {
                changed.push(after.id);
            }
        }
        change::outcome(writer, &meant, changed, now)
    })
}

/// Whether this expiry would prolong a superseded key.
fn is_longer(key: &Key, expiry: Option<Timestamp>) -> bool {
    let is_later = |ends: Timestamp| expiry.is_none_or(|expiry| expiry > ends);
    key.replaced_by.is_some() && key.expires_at.is_some_and(is_later)
}

/// Gives a key this expiry; that of a superseded one is only ever shortened.
fn live_until(
    act: &Act<'_, '_>,
    owner: &Workspace,
    key: &mut Key,
    expiry: Option<Timestamp>,
) -> Result<()> {
    if is_longer(key, expiry) {
        let error = Error::new(
            Kind::InvalidExpiry,
            format!("{} is superseded, so its expiry can only be moved earlier", key.id),
        );
        return Err(match way_on(act, key, act.now)? {
            Some(way @ Way::Cancel(_)) => error.hinted(way.hint(&remedy::place(act, &owner.name)?)),
            _ => error,
        });
    }
    if expiry != key.expires_at {
        key.expires_at = expiry;
        limits::check_expiry(act, expiry, act.now)?;
        keep_on_cancel(act, key)?;
    }
    Ok(())
}

/// Makes these changes to each of the keys. Says whether anything was different.
pub(super) fn change_all(
    act: &Act<'_, '_>,
    policy: &Policy,
    keys: &[Key],
    changes: &Changes,
) -> Result<bool> {
    let mut is_any = false;
    for before in keys {
        let mut after = before.clone();
        changes.apply(policy, &mut after)?;
        is_any |= save(act, before, &after)?;
    }
    Ok(is_any)
}

/// Saves a changed record with its audit row. Says whether anything was different.
fn save(act: &Act<'_, '_>, before: &Key, after: &Key) -> Result<bool> {
    let (was, is) = (fields(before), fields(after));
    if was == is {
        return Ok(false);
    }
    let added = after.scopes.iter();
    let added = added.filter(|scope| !before.scopes.contains(scope));
    act.access.require_grant(&[Permission::Set], &added.cloned().collect::<Vec<_>>())?;
    act.update_key(after)?;
    if before.plan != after.plan {
        carry_rate(act, after, act.now)?;
    }
    act.note(Action::KeySet, after.id.as_str(), &difference(&was, &is))?;
    Ok(true)
}

/// Holds what a key has used of a rate against its new one: another plan gives no second burst.
fn carry_rate(writer: &Writer<'_>, key: &Key, now: Timestamp) -> Result<()> {
    let owner = writer.workspace_by_id(key.workspace_id)?;
    let rate = owner.and_then(|owner| Allowance::of(&owner, key.plan.as_deref()).rate);
    match rate {
        Some(rate) => writer.convert_rate_state(&key.id, rate, writer.clock()?.seen.max(now)),
        None => Ok(()),
    }
}

/// What the changes make different in any of these keys.
pub(super) fn differences(
    policy: &Policy,
    keys: &[Key],
    changes: &Changes,
) -> Result<Vec<Difference>> {
    let mut differences = Vec::new();
    for before in keys {
        let mut after = before.clone();
        changes.apply(policy, &mut after)?;
        for difference in Difference::between(&fields(before), &fields(&after)) {
            if !differences.contains(&difference) {
                differences.push(difference);
            }
        }
    }
    Ok(differences)
}

fn are_same(some: &[String], others: &[String]) -> bool {
    let sorted = |scopes: &[String]| {
        let mut scopes = scopes.to_vec();
        scopes.sort_unstable();
        scopes
    };
    sorted(some) == sorted(others)
}

/// Makes a superseded key's shorter life outlast a cancelled rotation.
fn keep_on_cancel(act: &Act<'_, '_>, key: &Key) -> Result<()> {
    if let Some(mut successor) = links::successor(act, key)?
        && let Some(rotation) = &mut successor.rotation
    {
        rotation.previous_expires_at = key.expires_at;
        act.update_key(&successor)?;
        let previous = key.expires_at.map(|expires_at| expires_at.to_string());
        let details = json!({ "previousExpiresAt": previous });
        act.note(Action::KeySet, successor.id.as_str(), &details)?;
    }
    Ok(())
}

fn fields(key: &Key) -> Value {
    json!({
        "scopes": key.scopes,
        "expiresAt": key.expires_at.map(|expires_at| expires_at.to_string()),
        "allow": key.allow.iter().map(Network::to_string).collect::<Vec<_>>(),
        "owner": key.owner,
        "labels": key.labels,
        "plan": key.plan,
    })
}

/// The fields that differ, each with its old and its new value.
fn difference(before: &Value, after: &Value) -> Value {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return Value::Null;
    };
    let changed = after.iter().filter(|(field, value)| before.get(*field) != Some(value));
    changed
        .map(|(field, value)| (field.clone(), json!({ "from": before.get(field), "to": value })))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
