//! Showing one key.
//!
//! This module never changes anything.

use crate::domain::key::Key;
use crate::domain::permission::Permission;
use crate::domain::timestamp::Timestamp;
use crate::domain::usage::LastUse;
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::select::{self, Selector};
use crate::store::Store;

/// Finds the key that a selector means, and its last use.
///
/// # Errors
/// `key_not_found`, `ambiguous`, `workspace_not_found`, `scope_rejected`; the store's.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    workspace: Option<&str>,
    selector: &Selector,
    now: Timestamp,
) -> Result<(Key, Option<LastUse>)> {
    store.read(|reader| {
        let access = Access::admit(reader, actor, now)?;
        access.require(Permission::List)?;
        let workspaces = select::workspaces(reader, &access, workspace)?;
        let key = select::key(reader, &workspaces, selector, now)?;
        let last_use = reader.last_use(reader.seq_of(&key.id)?)?;
        Ok((key, last_use))
    })
}
