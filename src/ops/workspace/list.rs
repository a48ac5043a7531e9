//! Listing and showing workspaces.

use crate::domain::{Permission, Timestamp};
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::select;
use crate::ops::workspace::Outcome;
use crate::store::Store;

/// Every workspace by name; a key sees its own alone.
pub fn run(store: &mut Store, actor: &Actor, now: Timestamp) -> Result<Vec<Outcome>> {
    store.read(|reader| {
        let access = Access::admit(reader, actor, now)?;
        access.require(Permission::List)?;
        let found = match access.caller.is_some() {
            true => select::workspaces(reader, &access, None)?,
            false => reader.workspaces()?,
        };
        found
            .into_iter()
            .map(|workspace| Outcome::of(reader, workspace, now))
            .collect()
    })
}

/// One workspace.
pub fn show(
    store: &mut Store,
    actor: &Actor,
    named: Option<&str>,
    now: Timestamp,
) -> Result<Outcome> {
    store.read(|reader| {
        let access = Access::admit(reader, actor, now)?;
        access.require(Permission::List)?;
        let workspace = select::workspace(reader, &access, named)?;
        Outcome::of(reader, workspace, now)
    })
}
