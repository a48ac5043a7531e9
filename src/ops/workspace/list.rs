//! Listing and showing workspaces.

use crate::domain::{Permission, Timestamp, WorkspaceId};
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
            true => select::workspaces(reader, &access, None)?.into_iter().collect(),
            false => reader.workspaces()?,
        };
        found.into_iter().map(|workspace| Outcome::of(reader, workspace, now)).collect()
    })
}

/// The workspace that a command with this choice uses. None where it has to be chosen first; a choice that is not there is
/// found out by the command that needs one.
pub fn in_use(
    store: &mut Store,
    actor: &Actor,
    named: Option<&str>,
    now: Timestamp,
) -> Result<Option<WorkspaceId>> {
    store.read(|reader| {
        let access = Access::admit(reader, actor, now)?;
        let used = select::workspace(reader, &access, named).ok();
        Ok(used.map(|workspace| workspace.id))
    })
}

/// Whether none of several workspaces is chosen, and before so many were created there was at most one, which commands
/// used.
pub fn needs_choice(store: &mut Store, made: usize) -> Result<bool> {
    store.read(|reader| {
        let count = reader.workspaces()?.len();
        let is_chosen = reader.current_workspace()?.is_some();
        Ok(!is_chosen && count > 1 && count.saturating_sub(made) <= 1)
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
