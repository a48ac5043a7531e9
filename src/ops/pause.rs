//! Disabling and enabling a key: the pause that can be taken back.
//!
//! This module never pauses a key that is pending or dead.

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::key::{State, Status};
use crate::domain::lifetime::Lifetime;
use crate::domain::permission::Permission;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::change::Outcome;
use crate::ops::idle;
use crate::ops::select::{self, Selector};
use crate::store::Store;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Pause.
    Disable,
    /// Resume.
    Enable,
}

/// Disables or enables a key; one that is so already is left alone. With `idle`, a key that was used within this time is
/// not disabled.
///
/// # Errors
/// `conflict` when the key is pending or dead; `in_use`; what selecting gives; the store's.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    workspace: Option<&str>,
    selector: &Selector,
    change: Change,
    idle: Option<&Lifetime>,
    now: Timestamp,
) -> Result<Outcome> {
    let (permission, wanted, action) = match change {
        Change::Disable => (Permission::Disable, State::Disabled, Action::KeyDisable),
        Change::Enable => (Permission::Enable, State::Active, Action::KeyEnable),
    };
    store.write(|writer| {
        let access = Access::admit(writer, actor, now)?;
        access.require(permission)?;
        let workspaces = select::workspaces(writer, &access, workspace)?;
        let mut key = select::key(writer, &workspaces, selector, now)?;
        let status = key.status(now);
        if !matches!(status, Status::Active | Status::Disabled) {
            let verb = permission.word();
            return Err(Error::new(
                Kind::Conflict,
                format!(
                    "{} is {}: there is nothing to {verb}",
                    key.id,
                    status.word()
                ),
            ));
        }
        if key.state == wanted {
            return Ok(Outcome {
                key,
                changed: false,
            });
        }
        idle::refuse_used(writer, &key, idle, now)?;
        key.state = wanted;
        writer.update_key(&key)?;
        writer.audit(now, &access.actor, action, key.id.as_str(), &json!({}))?;
        Ok(Outcome { key, changed: true })
    })
}
