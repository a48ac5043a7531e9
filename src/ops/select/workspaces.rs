//! Which workspace a person means, or a calling key may look into; and what is said of a KEY that means several keys, or none.
//!
//! This module never reveals another workspace to a calling key.

use std::ops::Deref;

use super::{CANDIDATES, Selector, option, search};
use crate::domain::words::nearest;
use crate::domain::{Key, Safe, Timestamp, Workspace};
use crate::error::{Error, Kind, Result};
use crate::ops::access::Access;
use crate::store::Reader;

/// The workspaces a KEY may be in.
#[derive(Debug)]
pub struct Reach {
    workspaces: Vec<Workspace>,
    /// Whether a name is looked for in each of several.
    pub(in crate::ops) is_each_meant: bool,
    /// Whether its actor may see other workspaces.
    pub(super) is_operators: bool,
}

impl Deref for Reach {
    type Target = [Workspace];

    fn deref(&self) -> &[Workspace] {
        &self.workspaces
    }
}

impl IntoIterator for Reach {
    type Item = Workspace;
    type IntoIter = std::vec::IntoIter<Workspace>;

    fn into_iter(self) -> Self::IntoIter {
        self.workspaces.into_iter()
    }
}

/// The workspace a command works in: the named one, the caller's, the one in use, or the only one.
pub fn workspace(reader: &Reader<'_>, access: &Access, named: Option<&str>) -> Result<Workspace> {
    let mut found = found(reader, access, named)?;
    if found.len() > 1 {
        return Err(undecided(&found));
    }
    found.pop().ok_or_else(|| {
        Error::new(Kind::WorkspaceNotFound, "no workspace yet")
            .hinted("`keyward mint NAME` makes one, or `keyward workspace create NAME`")
    })
}

/// The workspaces a KEY may be in: the one a command works in, or all of them when none is chosen.
pub fn workspaces(reader: &Reader<'_>, access: &Access, named: Option<&str>) -> Result<Reach> {
    reach(reader, access, named, false)
}

/// The same, or every workspace the actor may see.
pub fn reach(
    reader: &Reader<'_>,
    access: &Access,
    named: Option<&str>,
    everywhere: bool,
) -> Result<Reach> {
    let is_operators = access.caller.is_none();
    let workspaces = match everywhere && is_operators {
        true => reader.workspaces()?,
        false => found(reader, access, named.filter(|_| !everywhere))?,
    };
    Ok(Reach { workspaces, is_each_meant: everywhere, is_operators })
}

fn found(reader: &Reader<'_>, access: &Access, named: Option<&str>) -> Result<Vec<Workspace>> {
    let own = access.caller.as_ref().map(|(key, _)| key.workspace_id);
    if let Some(name) = named {
        let found = reader.workspace_named(name)?;
        return match found.filter(|workspace| own.is_none_or(|own| own == workspace.id)) {
            Some(workspace) => Ok(vec![workspace]),
            None => Err(match own {
                Some(_) => no_such_workspace(name, &[]),
                None => no_such_workspace(name, &reader.workspaces()?),
            }),
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

/// The workspace a command works in, or every workspace the actor may see. If none was named, a store without
/// workspaces is not an error; it is empty.
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

/// The workspace a presented secret must belong to: the named one or the caller's own; without either, any.
pub fn confinement(
    reader: &Reader<'_>,
    access: &Access,
    named: Option<&str>,
) -> Result<Option<Workspace>> {
    match named.is_some() || access.caller.is_some() {
        true => workspace(reader, access, named).map(Some),
        false => Ok(None),
    }
}

/// The error of several workspaces none of which was chosen.
pub(super) fn undecided(found: &[Workspace]) -> Error {
    let names: Vec<String> =
        found.iter().take(CANDIDATES).map(|workspace| Safe(&workspace.name).to_string()).collect();
    let more = if found.len() > CANDIDATES { ", …" } else { "" };
    Error::new(Kind::Ambiguous, format!("there are several workspaces: {}{more}", names.join(", ")))
        .hinted("pass -w NAME, or choose one with `keyward workspace use NAME`")
}

/// The error of a workspace that does not exist, with the nearest of those that do.
pub fn no_such_workspace(name: &str, others: &[Workspace]) -> Error {
    let names = others.iter().map(|workspace| workspace.name.as_str());
    let meant = match nearest(name, names) {
        Some(meant) => format!("did you mean {}? ", Safe(meant)),
        None => String::new(),
    };
    Error::new(Kind::WorkspaceNotFound, format!("no workspace \"{}\"", Safe(name)))
        .hinted(format!("{meant}`keyward workspace list` lists all workspaces"))
}

/// How many other workspaces are looked into for a key that is not where it was looked for.
const LOOKED_INTO: usize = 1_000;

/// The candidates in an order that a reader can follow: ids have none.
pub(super) fn ambiguous(text: &str, mut found: Vec<Key>, now: Timestamp) -> Error {
    let place = |key: &Key| {
        let words = [&key.workspace, &key.environment, &key.name];
        (words.map(String::clone), key.created_at)
    };
    found.sort_by_key(place);
    let candidates: Vec<String> = found
        .iter()
        .take(CANDIDATES)
        .map(|key| {
            let status = key.status(now).word();
            format!(
                "{} ({}/{} {}, {status})",
                key.id,
                Safe(&key.workspace),
                Safe(&key.environment),
                Safe(&key.name)
            )
        })
        .collect();
    let more = if found.len() > CANDIDATES { ", …" } else { "" };
    Error::new(
        Kind::Ambiguous,
        format!("\"{}\" could be several keys: {}{more}", Safe(text), candidates.join(", ")),
    )
    .hinted("name it by its id, or pass -e ENVIRONMENT or -w WORKSPACE")
}

/// The error of a key that is not found. To an operator it names another workspace that has the key.
pub(super) fn not_found(
    reader: &Reader<'_>,
    reach: &Reach,
    selector: &Selector,
    now: Timestamp,
) -> Result<Error> {
    let place = match &**reach {
        [workspace] => format!(" in workspace {}", Safe(&workspace.name)),
        _ => String::new(),
    };
    let environment = match &selector.environment {
        Some(environment) => format!(" of environment {}", Safe(environment)),
        None => String::new(),
    };
    let hint = match elsewhere(reader, reach, selector, now)? {
        Some(other) => {
            format!("workspace {} has it: pass {}", Safe(&other.name), option(&other.name))
        }
        None => {
            let meant = match similar(reader, reach, selector)? {
                Some(name) => format!("did you mean {}? ", Safe(&name)),
                None => String::new(),
            };
            format!("{meant}`keyward list --all{}` shows every key", way_to(reader, reach)?)
        }
    };
    Ok(Error::new(
        Kind::KeyNotFound,
        format!("no key \"{}\"{environment}{place}", Safe(&selector.text)),
    )
    .hinted(hint))
}

/// The options without which a listing would not show these workspaces.
fn way_to(reader: &Reader<'_>, reach: &Reach) -> Result<String> {
    if !reach.is_operators {
        return Ok(String::new());
    }
    Ok(match &**reach {
        [here] if reader.current_workspace()? == Some(here.id) => String::new(),
        [here] if reader.workspaces()?.len() > 1 => format!(" {}", option(&here.name)),
        [_] => String::new(),
        _ => " --all-workspaces".to_owned(),
    })
}

/// The name of a key of the workspace that is nearest to what was typed, if the operator asks: one of the first names, or of
/// those that begin with the same letter.
fn similar(reader: &Reader<'_>, reach: &Reach, selector: &Selector) -> Result<Option<String>> {
    const COMPARED: usize = 1_000;
    let ([here], true) = (&**reach, reach.is_operators) else { return Ok(None) };
    let first: String = selector.text.chars().take(1).collect();
    let environment = selector.environment.as_deref();
    let mut names = reader.key_names(here.id, environment, "", None, COMPARED)?;
    names.extend(reader.key_names(here.id, environment, &first, None, COMPARED)?);
    let names = names.iter().map(String::as_str);
    Ok(nearest(&selector.text, names).map(str::to_owned))
}

/// Another workspace that has what a selector means, if the operator asks.
fn elsewhere(
    reader: &Reader<'_>,
    reach: &Reach,
    selector: &Selector,
    now: Timestamp,
) -> Result<Option<Workspace>> {
    let [here] = &**reach else { return Ok(None) };
    if !reach.is_operators {
        return Ok(None);
    }
    for other in reader.workspaces()?.into_iter().take(LOOKED_INTO) {
        let one = std::slice::from_ref(&other);
        if other.id != here.id && !matches!(search(reader, one, one, selector, now), Ok(None)) {
            return Ok(Some(other));
        }
    }
    Ok(None)
}
