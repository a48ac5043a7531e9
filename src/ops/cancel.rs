//! Taking an unfinished rotation back.
//!
//! This module never brings a revoked key back: after `--now` there is nothing to return to.

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::key::{Key, Status};
use crate::domain::permission::Permission;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::limits;
use crate::ops::select::{self, Selector};
use crate::store::{Reader, Store};

/// A rotation that was taken back.
#[derive(Debug)]
pub struct Outcome {
    /// The old key, as it was before the rotation.
    pub key: Key,
    /// The new key, now revoked.
    pub cancelled: Key,
}

/// Revokes the new key and gives the old one its expiry and its name back. Either of the two may be named.
///
/// # Errors
/// `conflict` when there is no rotation, or when the new key is live and the old one dead; what selecting gives; the store's.
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
        new.revoke("retired", Some("rotation cancelled".to_owned()), now);
        writer.update_key(&new)?;
        let (action, details) = (
            Action::KeyRevoke,
            json!({ "reason": "retired", "cancelled": true }),
        );
        writer.audit(now, &access.actor, action, new.id.as_str(), &details)?;
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

/// The old and the new key of the unfinished rotation that the named key is part of.
fn rotation_of(reader: &Reader<'_>, named: &Key, now: Timestamp) -> Result<(Key, Key)> {
    let replacements = reader.keys_replacing(&named.id)?;
    let is_open = |key: &Key| {
        matches!(
            key.status(now),
            Status::Pending | Status::Active | Status::Disabled
        ) && key.replaced_by.is_none()
    };
    if let Some(new) = replacements.into_iter().find(is_open) {
        return Ok((named.clone(), new));
    }
    if let Some(rotation) = &named.rotation
        && is_open(named)
        && let Some(old) = reader.key_by_id(rotation.replaces.as_str())?
    {
        return Ok((old, named.clone()));
    }
    Err(Error::new(
        Kind::Conflict,
        format!("{} is in no unfinished rotation", named.id),
    ))
}
