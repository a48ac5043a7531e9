//! Cancelling a rotation that is not finished, or whose new key has ended before the old one or is gone.
//!
//! This module never brings a revoked key back: after `--now` there is nothing to return to.

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::{Key, KeyId, Permission, Status, Timestamp};
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::select::{self, Selector};
use crate::ops::succession::{Way, expiry_before, had_expiry, way_on};
use crate::ops::{limits, links, remedy};
use crate::store::{Reader, Store};

/// What is recorded of a new key whose rotation was cancelled.
const CANCELLED: &str = "rotation cancelled";

/// A rotation that was taken back.
#[derive(Debug)]
pub struct Outcome {
    /// The old key, in its current state.
    pub key: Key,
    /// The new key's id.
    pub successor: KeyId,
    /// The new key, revoked or expired, if its record is in the store.
    pub cancelled: Option<Key>,
    pub was: Option<Status>,
    /// What became of the old key.
    pub old: Old,
}

/// What a cancelled rotation makes of the old key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old {
    /// It had not been superseded yet, and is unchanged.
    Untouched,
    /// It has the expiry back that it had before.
    Restored,
    /// It is superseded no longer, and has the expiry that it was given since.
    Shortened,
    /// It is no longer superseded, but its earlier expiry is not known.
    Kept,
}

/// An old key and what has replaced it or is to replace it.
struct Pair {
    old: Key,
    successor: KeyId,
    /// Nothing where its record is not in the store.
    new: Option<Key>,
}

impl Pair {
    fn of(old: Key, new: Key) -> Self {
        Self { old, successor: new.id.clone(), new: Some(new) }
    }
}

/// Revokes the new key, if it has not ended already, and gives the old one its expiry and its name back. Either of the two
/// may be named.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    workspace: Option<&str>,
    selector: &Selector,
    now: Timestamp,
) -> Result<Outcome> {
    store.write(|writer| {
        let access = Access::to(writer, actor, Permission::Rotate, now)?;
        let workspaces = select::workspaces(writer, &access, workspace)?;
        let act = Act { writer, access, now };
        let named = select::key(writer, &workspaces, selector, now)?;
        let place = remedy::place(writer, &named.workspace)?;
        let Pair { mut old, successor, mut new } = rotation_of(writer, &named, &place, now)?;
        refuse_caller(&act.access, &old)?;
        let was = new.as_ref().map(|new| new.standing(now));
        if was != Some(Status::Pending) && !old.is_living(now) {
            let status = old.standing(now).word();
            let message = format!("the rotation is finished: {} is {status}", old.id);
            let error = Error::conflict(message);
            return Err(match way_on(writer, &old, now)? {
                Some(way) => error.hinted(way.hint(&place)),
                None => error,
            });
        }
        let before = match (&old.replaced_by, &new) {
            (None, _) => None,
            (Some(_), Some(new)) => Some(new.previous_expires_at()),
            (Some(_), None) => expiry_before(writer, &old, &successor)?,
        };
        let outcome = match before {
            _ if old.replaced_by.is_none() => Old::Untouched,
            None => Old::Kept,
            Some(before) if had_expiry(writer, &old, &successor, before)? => Old::Restored,
            Some(_) => Old::Shortened,
        };
        if let Some(before) = before {
            old.expires_at = before;
        }
        old.replaced_by = None;
        end(&act, &successor, new.as_mut())?;
        if outcome != Old::Untouched {
            let owner = select::owner_of(&workspaces, &old);
            limits::check_name(writer, owner, &old.environment, &old.name, now)?;
        }
        writer.update_key(&old)?;
        let details = json!({ "cancelled": successor.as_str() });
        act.note(Action::KeyCancel, old.id.as_str(), &details)?;
        Ok(Outcome { key: old, successor, cancelled: new, was, old: outcome })
    })
}

/// Revokes the new key, unless it has ended. If its record is not in the store, the trail records the revocation, so
/// that no backup makes it live again.
fn end(act: &Act<'_, '_>, successor: &KeyId, new: Option<&mut Key>) -> Result<()> {
    match new {
        Some(new) if !new.is_living(act.now) => return Ok(()),
        Some(new) => {
            new.revoke("retired", Some(CANCELLED.to_owned()), act.now);
            act.update_key(new)?;
        }
        None if act.was_ended(successor.as_str())? => return Ok(()),
        None => {}
    }
    let details = json!({ "reason": "retired", "message": CANCELLED, "cancelled": true });
    act.note(Action::KeyRevoke, successor.as_str(), &details)
}

/// Refuses a caller that gains or gives away more than it may.
///
/// SECURITY: the old key gets its whole life back. A superseded caller would so prolong its own and end its successor, and
/// one that may rotate would decide on keys whose scopes it may not grant.
fn refuse_caller(access: &Access, old: &Key) -> Result<()> {
    access.require_grant(&[Permission::Rotate], &old.scopes)?;
    match &access.caller {
        Some((caller, _)) if caller.id == old.id && old.replaced_by.is_some() => Err(Error::new(
            Kind::ScopeRejected,
            format!(
                "the calling key {} is superseded and may not cancel its own rotation",
                caller.id
            ),
        )),
        _ => Ok(()),
    }
}

/// The rotation that the named key is part of, if it can still be cancelled: its new key has not been superseded itself, or all
/// that followed the old one has ended.
fn rotation_of(reader: &Reader<'_>, named: &Key, place: &str, now: Timestamp) -> Result<Pair> {
    let is_open = |key: &Key| key.is_living(now) && key.replaced_by.is_none();
    if let Some(new) = links::replacements(reader, named)?.into_iter().find(is_open) {
        return Ok(Pair::of(named.clone(), new));
    }
    let before = links::predecessor(reader, named)?;
    if let Some(old) = &before
        && is_open(named)
    {
        return Ok(Pair::of(old.clone(), named.clone()));
    }
    let before = before.filter(|old| old.replaced_by.as_ref() == Some(&named.id));
    for old in [Some(named.clone()), before].into_iter().flatten() {
        if let Some(successor) = old.replaced_by.clone()
            && way_on(reader, &old, now)? == Some(Way::Cancel(old.id.clone()))
        {
            return Ok(Pair { new: links::successor(reader, &old)?, successor, old });
        }
    }
    Err(refusal(reader, named, place, now)?)
}

/// Why this key has no rotation to cancel, and what can be done instead.
fn refusal(reader: &Reader<'_>, named: &Key, place: &str, now: Timestamp) -> Result<Error> {
    let (id, status) = (&named.id, named.standing(now));
    if let Some(successor) = &named.replaced_by {
        let error = Error::conflict(format!(
            "the rotation of {id} is finished: {successor}, which replaced it, {}",
            match reader.key_by_id(successor.as_str())? {
                Some(new) if new.replaced_by.is_some() => "was replaced in turn".to_owned(),
                Some(new) => format!("is {}", new.standing(now).word()),
                None => "is not in this store".to_owned(),
            }
        ));
        return Ok(match way_on(reader, named, now)? {
            Some(way) => error.hinted(way.hint(place)),
            None => error,
        });
    }
    Ok(match &named.rotation {
        None if status == Status::Pending => {
            let error = Error::conflict(format!("{id} is pending, but it replaces no other key"));
            error.hinted(format!(
                "present its secret to `keyward activate`, or `keyward revoke {id}{place}`"
            ))
        }
        Some(rotation) if !named.is_living(now) => {
            let old = &rotation.replaces;
            let error = Error::conflict(format!(
                "the rotation of {old} has ended: {id}, its replacement, is {}",
                status.word()
            ));
            match reader.key_by_id(old.as_str())? {
                Some(old) if old.status(now) == Status::Active && old.replaced_by.is_none() => {
                    error.hinted(format!(
                        "{} was not superseded: run `keyward rotate {}{place}` to start again",
                        old.id, old.id
                    ))
                }
                _ => error,
            }
        }
        _ => {
            let error = Error::conflict(format!("{id} is not being rotated"));
            match status {
                Status::Active => {
                    error.hinted(format!("run `keyward rotate {id}{place}` to start a rotation"))
                }
                _ => error,
            }
        }
    })
}
