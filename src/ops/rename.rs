//! Renaming a key.
//!
//! This module never renames a dead key: its record stays as it was.

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::key::Status;
use crate::domain::name::Name;
use crate::domain::permission::Permission;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::change::{Outcome, refuse_dead};
use crate::ops::limits;
use crate::ops::select::{self, Selector};
use crate::store::Store;

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
            limits::check_name(writer, owner, &key.environment, name.as_str(), now)?;
        }
        if let (Some(rotation), Status::Pending) = (&key.rotation, key.status(now)) {
            return Err(Error::new(
                Kind::Conflict,
                format!(
                    "{} waits to replace {} and has its name",
                    key.id, rotation.replaces
                ),
            )
            .hinted(format!("rename {} instead", rotation.replaces)));
        }
        let from = std::mem::replace(&mut key.name, name.to_string());
        let mut renamed = vec![key.clone()];
        // A replacement that is pending goes by the name of the key it waits for.
        for mut replacement in writer.keys_replacing(&key.id)? {
            if replacement.status(now) == Status::Pending {
                replacement.name.clone_from(&key.name);
                renamed.push(replacement);
            }
        }
        let (action, details) = (Action::KeyRename, json!({ "from": from, "to": key.name }));
        for key in &renamed {
            writer.update_key(key)?;
            writer.audit(now, &access.actor, action, key.id.as_str(), &details)?;
        }
        Ok(Outcome { key, changed: true })
    })
}
