//! Listing keys.
//!
//! This module never gathers the list: it hands over one key at a time, so a store of any size fits.

use crate::domain::key::{Key, Status};
use crate::domain::permission::Permission;
use crate::domain::timestamp::Timestamp;
use crate::error::{Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::select;
use crate::store::{Order, Store};

/// Which keys, and in what order.
#[derive(Debug)]
pub struct Request {
    /// The workspace.
    pub workspace: Option<String>,
    /// The statuses to list; empty lists the living, unless `all`.
    pub statuses: Vec<Status>,
    /// Dead keys too.
    pub all: bool,
    /// Of this environment.
    pub environment: Option<String>,
    /// Whose name holds this text.
    pub name: Option<String>,
    /// Of this owner.
    pub owner: Option<String>,
    /// With all of these labels: a name, or a name and its value.
    pub labels: Vec<(String, Option<String>)>,
    /// With all of these scopes.
    pub scopes: Vec<String>,
    /// The order.
    pub order: Order,
}

impl Request {
    fn takes(&self, key: &Key, now: Timestamp) -> bool {
        let status = key.status(now);
        let status_taken = match self.statuses.is_empty() {
            true => self.all || status.is_living(),
            false => self.statuses.contains(&status),
        };
        status_taken
            && self
                .environment
                .as_ref()
                .is_none_or(|environment| key.environment == *environment)
            && self
                .name
                .as_ref()
                .is_none_or(|name| key.name.contains(name.as_str()))
            && (self.owner.is_none() || key.owner == self.owner)
            && self.scopes.iter().all(|scope| key.scopes.contains(scope))
            && self
                .labels
                .iter()
                .all(|(name, wanted)| match (key.labels.get(name), wanted) {
                    (Some(value), Some(wanted)) => value == wanted,
                    (found, None) => found.is_some(),
                    (None, Some(_)) => false,
                })
    }
}

/// Calls the closure with every key that the request takes.
///
/// # Errors
/// The closure's; `scope_rejected`, `workspace_not_found`, `ambiguous`; the store's.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
    mut body: impl FnMut(Key) -> Result<()>,
) -> Result<()> {
    store.read(|reader| {
        let access = Access::admit(reader, actor, now)?;
        access.require(Permission::List)?;
        let workspace = match select::workspace(reader, &access, request.workspace.as_deref()) {
            // A store with no workspace has no keys to list; that is an answer.
            Err(error)
                if error.kind() == Kind::WorkspaceNotFound && request.workspace.is_none() =>
            {
                return Ok(());
            }
            found => found?,
        };
        reader.for_each_key(workspace.id, request.order, |key| {
            match request.takes(&key, now) {
                true => body(key),
                false => Ok(()),
            }
        })
    })
}
