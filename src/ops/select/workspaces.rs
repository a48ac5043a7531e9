//! Which workspace a person means, or a calling key may look into.
//!
//! This module never lets a calling key learn of a workspace that is not its own.

use super::CANDIDATES;
use crate::domain::{Safe, Workspace, WorkspaceId};
use crate::error::{Error, Kind, Result};
use crate::ops::access::Access;
use crate::store::Reader;

/// The workspace a command works in: the named one, the caller's, the one in use, or the only one.
pub fn workspace(reader: &Reader<'_>, access: &Access, named: Option<&str>) -> Result<Workspace> {
    let mut found = workspaces(reader, access, named)?;
    if found.len() > 1 {
        return Err(undecided(&found));
    }
    found.pop().ok_or_else(|| {
        Error::new(Kind::WorkspaceNotFound, "no workspace yet")
            .hinted("`keyward mint NAME` makes one, or `keyward workspace create NAME`")
    })
}

/// The workspaces a KEY may be in: the one a command works in, or all of them when none is chosen.
pub fn workspaces(
    reader: &Reader<'_>,
    access: &Access,
    named: Option<&str>,
) -> Result<Vec<Workspace>> {
    let own = access.caller.as_ref().map(|(key, _)| key.workspace_id);
    if let Some(name) = named {
        let found = reader.workspace_named(name)?;
        return match found.filter(|workspace| own.is_none_or(|own| own == workspace.id)) {
            Some(workspace) => Ok(vec![workspace]),
            None => Err(no_such_workspace(name)),
        };
    }
    let chosen = match own {
        Some(own) => Some(own),
        None => reader.current_workspace()?,
    };
    if let Some(id) = chosen
        && let Some(workspace) = reader.workspace_by_id(id)?
    {
        return Ok(vec![workspace]);
    }
    reader.workspaces()
}

/// The workspace a command works in, or every workspace the actor may see. A store that has none is no error where none
/// was named: there is nothing in it.
pub fn selected_workspaces(
    reader: &Reader<'_>,
    access: &Access,
    named: Option<&str>,
    all: bool,
) -> Result<Vec<Workspace>> {
    if all && access.caller.is_none() {
        return reader.workspaces();
    }
    match workspace(reader, access, named.filter(|_| !all)) {
        Err(error) if error.kind() == Kind::WorkspaceNotFound && named.is_none() => Ok(Vec::new()),
        found => found.map(|workspace| vec![workspace]),
    }
}

/// The workspaces a KEY may be in where it may be in any: every one the actor may see.
pub fn workspaces_anywhere(reader: &Reader<'_>, access: &Access) -> Result<Vec<Workspace>> {
    match access.caller {
        Some(_) => workspaces(reader, access, None),
        None => reader.workspaces(),
    }
}

/// The workspace a presented secret must belong to: the named one or the caller's own; without either, any.
pub fn confinement(
    reader: &Reader<'_>,
    access: &Access,
    named: Option<&str>,
) -> Result<Option<WorkspaceId>> {
    match named.is_some() || access.caller.is_some() {
        true => Ok(Some(workspace(reader, access, named)?.id)),
        false => Ok(None),
    }
}

/// The error of several workspaces none of which was chosen.
pub(super) fn undecided(found: &[Workspace]) -> Error {
    let names: Vec<String> = found
        .iter()
        .take(CANDIDATES)
        .map(|workspace| Safe(&workspace.name).to_string())
        .collect();
    let more = if found.len() > CANDIDATES {
        ", …"
    } else {
        ""
    };
    Error::new(
        Kind::Ambiguous,
        format!("there are several workspaces: {}{more}", names.join(", ")),
    )
    .hinted("pass -w NAME, or choose one with `keyward workspace use NAME`")
}

/// The error of a workspace that is not there.
pub fn no_such_workspace(name: &str) -> Error {
    Error::new(
        Kind::WorkspaceNotFound,
        format!("no workspace \"{}\"", Safe(name)),
    )
    .hinted("`keyward workspace list` lists them")
}
