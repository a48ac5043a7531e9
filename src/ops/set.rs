//! Changing a key's scopes, expiry, addresses, owner and labels.
//!
//! This module never touches the secret, the name or the status.

use serde_json::{Value, json};

use crate::domain::address::Network;
use crate::domain::audit::Action;
use crate::domain::key::Key;
use crate::domain::label::Label;
use crate::domain::permission::Permission;
use crate::domain::timestamp::{Timestamp, When};
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::change::{Outcome, refuse_dead};
use crate::ops::select::{self, Selector};
use crate::store::{Store, Writer};

/// What is to change; `None` leaves a field as it is.
#[derive(Debug)]
pub struct Request {
    /// The workspace.
    pub workspace: Option<String>,
    /// The key.
    pub selector: Selector,
    /// The scopes, in place of the present ones.
    pub scopes: Option<Vec<String>>,
    /// The expiry.
    pub expires: Option<When>,
    /// The networks, in place of the present ones.
    pub allow: Option<Vec<Network>>,
    /// The owner; `Some(None)` clears it.
    pub owner: Option<Option<String>>,
    /// Whether the present labels go first.
    pub clear_labels: bool,
    /// Labels to add or overwrite.
    pub labels: Vec<Label>,
}

impl Request {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        let fields = self.scopes.is_some() || self.expires.is_some() || self.allow.is_some();
        !fields && self.owner.is_none() && !self.clear_labels && self.labels.is_empty()
    }
}

/// Changes a key.
///
/// # Errors
/// `invalid_scope`, `invalid_expiry`, `conflict` for a dead key; what selecting gives; the store's.
pub fn run(store: &mut Store, actor: &Actor, request: &Request, now: Timestamp) -> Result<Outcome> {
    store.write(|writer| {
        let access = Access::admit(writer, actor, now)?;
        access.require(Permission::Set)?;
        let workspaces = select::workspaces(writer, &access, request.workspace.as_deref())?;
        let mut key = select::key(writer, &workspaces, &request.selector, now)?;
        refuse_dead(&key, now)?;
        let before = fields(&key);
        let policy = &select::owner_of(&workspaces, &key).policy;
        if let Some(scopes) = &request.scopes {
            policy.check_scopes(scopes)?;
            key.scopes.clone_from(scopes);
        }
        if request.expires.is_some() {
            let expires_at = policy.expiry(request.expires.as_ref(), now)?;
            let is_later = expires_at.is_none_or(|expires_at| Some(expires_at) > key.expires_at);
            if key.replaced_by.is_some() && is_later {
                return Err(Error::new(
                    Kind::InvalidExpiry,
                    format!(
                        "{} is superseded, so its life can only be shortened",
                        key.id
                    ),
                ));
            }
            key.expires_at = expires_at;
            keep_on_cancel(writer, &key)?;
        }
        if let Some(allow) = &request.allow {
            key.allow.clone_from(allow);
        }
        if let Some(owner) = &request.owner {
            key.owner.clone_from(owner);
        }
        if request.clear_labels {
            key.labels.clear();
        }
        for label in &request.labels {
            key.labels.insert(label.name.clone(), label.value.clone());
        }
        let after = fields(&key);
        if after == before {
            return Ok(Outcome {
                key,
                changed: false,
            });
        }
        writer.update_key(&key)?;
        writer.audit(
            now,
            &access.actor,
            Action::KeySet,
            key.id.as_str(),
            &difference(&before, &after),
        )?;
        Ok(Outcome { key, changed: true })
    })
}

/// Makes a superseded key's shorter life outlast a cancelled rotation.
fn keep_on_cancel(writer: &Writer<'_>, key: &Key) -> Result<()> {
    let Some(successor) = &key.replaced_by else {
        return Ok(());
    };
    if let Some(mut successor) = writer.key_by_id(successor.as_str())?
        && let Some(rotation) = &mut successor.rotation
    {
        rotation.previous_expires_at = key.expires_at;
        writer.update_key(&successor)?;
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
    })
}

/// The fields that differ, each with what it was and what it is.
fn difference(before: &Value, after: &Value) -> Value {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return Value::Null;
    };
    let changed = after
        .iter()
        .filter(|(field, value)| before.get(*field) != Some(value));
    changed
        .map(|(field, value)| {
            (
                field.clone(),
                json!({ "from": before.get(field), "to": value }),
            )
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}
