//! Renaming a key.
//!
//! This module never renames a dead key: its record stays as it was.

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::key::Key;
use crate::domain::name::Name;
use crate::domain::permission::Permission;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::mint;
use crate::ops::select::{self, Selector};
use crate::store::Store;

/// A key after a change that may have been none.
#[derive(Debug)]
pub struct Outcome {
    /// The key.
    pub key: Key,
    /// Whether anything changed.
    pub changed: bool,
}

/// Renames a key.
///
/// # Errors
/// `name_taken`, `conflict` for a dead key; what selecting gives; the store's.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    workspace: Option<&str>,
    selector: &Selector,
    name: &Name,
    now: Timestamp,
) -> Result<Outcome> {
    store.write(|writer| {
        let access = Access::admit(writer, actor, now)?;
        access.require(Permission::Rename)?;
        let workspaces = select::workspaces(writer, &access, workspace)?;
        let mut key = select::key(writer, &workspaces, selector, now)?;
        refuse_dead(&key, now)?;
        if key.name == name.as_str() {
            return Ok(Outcome {
                key,
                changed: false,
            });
        }
        if key.replaced_by.is_none() {
            let owner = select::owner_of(&workspaces, &key);
            mint::check_name(writer, owner, &key.environment, name.as_str(), now)?;
        }
        let from = std::mem::replace(&mut key.name, name.to_string());
        writer.update_key(&key)?;
        let details = json!({ "from": from, "to": key.name });
        writer.audit(
            now,
            &access.actor,
            Action::KeyRename,
            key.id.as_str(),
            &details,
        )?;
        Ok(Outcome { key, changed: true })
    })
}

/// Refuses to change a key that is revoked or expired.
///
/// # Errors
/// `conflict`.
pub(super) fn refuse_dead(key: &Key, now: Timestamp) -> Result<()> {
    let status = key.status(now);
    match status.is_living() {
        true => Ok(()),
        false => Err(Error::new(
            Kind::Conflict,
            format!("{} is {} and stays as it is", key.id, status.word()),
        )
        .hinted("mint a new key instead")),
    }
}
