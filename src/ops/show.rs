//! Showing one key.
//!
//! This module never changes anything.

use crate::domain::key::Key;
use crate::domain::permission::Permission;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::select::{self, Selector};
use crate::store::Store;

/// Finds the key that a selector means.
///
/// # Errors
/// `key_not_found`, `ambiguous`, `workspace_not_found`, `scope_rejected`; the store's.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    workspace: Option<&str>,
    selector: &Selector,
    now: Timestamp,
) -> Result<Key> {
    store.read(|reader| {
        let access = Access::admit(reader, actor, now)?;
        access.require(Permission::List)?;
        let workspaces = select::workspaces(reader, &access, workspace)?;
        select::key(reader, &workspaces, selector, now)
    })
}
