//! Cancelling a rotation that is not finished, or whose new key has ended before the old one.
//!
//! This module never brings a revoked key back: after `--now` there is nothing to return to.

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::key::{Key, Status};
use crate::domain::permission::Permission;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::select::{self, Selector};
use crate::ops::{limits, links};
use crate::store::{Reader, Store};

/// A rotation that was taken back.
#[derive(Debug)]
pub struct Outcome {
    /// The old key, as it was before the rotation.
    pub key: Key,
    /// The new key, revoked or expired.
    pub cancelled: Key,
}

/// Revokes the new key, if it has not ended already, and gives the old one its expiry and its name back. Either of the two
/// may be named.
///
/// # Errors
/// `conflict` when there is no rotation, or when the new key is live and the old one dead; `scope_rejected` for a caller that
/// may not rotate the old key, or is superseded itself; what selecting gives; the store's.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    workspace: Option<&str>,
    selector: &Selector,
    now: Timestamp,
) -> Result<Outcome> {
    store.write(|writer| {
        let access = Access::admit(writer, actor, now)?;
        access.require(Permission::Rotate)?;
        let workspaces = select::workspaces(writer, &access, workspace)?;
        let named = select::key(writer, &workspaces, selector, now)?;
        let (mut old, mut new) = rotation_of(writer, &named, now)?;
        refuse_caller(&access, &old)?;
        let was_pending = new.status(now) == Status::Pending;
        if !was_pending && !old.status(now).is_living() {
            return Err(Error::new(
                Kind::Conflict,
                format!(
                    "the rotation is finished: {} is {}",
                    old.id,
                    old.status(now).word()
                ),
            ));
        }
        let was_superseded = old.replaced_by.take().is_some();
        if was_superseded && let Some(rotation) = &new.rotation {
            old.expires_at = rotation.previous_expires_at;
        }
        if new.status(now).is_living() {
            new.revoke("retired", Some("rotation cancelled".to_owned()), now);
            writer.update_key(&new)?;
            let (action, details) = (
                Action::KeyRevoke,
                json!({ "reason": "retired", "cancelled": true }),
            );
            writer.audit(now, &access.actor, action, new.id.as_str(), &details)?;
        }
        if was_superseded {
            let owner = select::owner_of(&workspaces, &old);
            limits::check_name(writer, owner, &old.environment, &old.name, now)?;
        }
        writer.update_key(&old)?;
        let details = json!({ "cancelled": new.id.as_str() });
        writer.audit(
            now,
            &access.actor,
            Action::KeyCancel,
            old.id.as_str(),
            &details,
        )?;
        Ok(Outcome {
            key: old,
            cancelled: new,
        })
    })
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

/// The old and the new key of the rotation that the named key is part of, if that can still be cancelled.
fn rotation_of(reader: &Reader<'_>, named: &Key, now: Timestamp) -> Result<(Key, Key)> {
    let replacements = links::replacements(reader, named)?;
    let is_open = |key: &Key| {
        matches!(
            key.status(now),
            Status::Pending | Status::Active | Status::Disabled
        ) && key.replaced_by.is_none()
    };
    // Without its successor the old key has nothing to make way for.
    let is_abandoned = |old: &Key, new: &Key| {
        old.status(now).is_living()
            && old.replaced_by.as_ref() == Some(&new.id)
            && !new.status(now).is_living()
            && new.replaced_by.is_none()
    };
    let is_the_new = |new: &Key| is_open(new) || is_abandoned(named, new);
    if let Some(new) = replacements.into_iter().find(is_the_new) {
        return Ok((named.clone(), new));
    }
    if let Some(old) = links::predecessor(reader, named)?
        && (is_open(named) || is_abandoned(&old, named))
    {
        return Ok((old, named.clone()));
    }
    Err(Error::new(
        Kind::Conflict,
        format!("{} is in no unfinished rotation", named.id),
    ))
}
