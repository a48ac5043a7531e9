//! What a person means by a workspace or a KEY: ids, their beginnings, prefixes and names.
//!
//! This module never guesses: what could mean two things is an error that lists them.

use crate::domain::key::{Key, KeyId, Status};
use crate::domain::sanitize::Safe;
use crate::domain::timestamp::Timestamp;
use crate::domain::workspace::Workspace;
use crate::error::{Error, Kind, Result};
use crate::ops::access::Access;
use crate::store::Reader;

/// How many random characters of an id are enough to name a key.
const SHORTEST_ID: usize = 6;
/// How many candidates an ambiguity lists.
const CANDIDATES: usize = 10;
/// The longest public random part a template may have.
const LONGEST_SHORT: usize = 128;

/// A KEY as it was typed.
#[derive(Debug, Clone)]
pub struct Selector {
    /// The text.
    pub text: String,
    /// The environment that tells apart two keys of one name.
    pub environment: Option<String>,
}

/// The workspace a command works in: the named one, the caller's, the one in use, or the only one.
///
/// # Errors
/// `workspace_not_found` when there is none, `ambiguous` when there are several and none was chosen.
pub fn workspace(reader: &Reader<'_>, access: &Access, named: Option<&str>) -> Result<Workspace> {
    let mut found = workspaces(reader, access, named)?;
    if found.len() > 1 {
        return Err(undecided(&found));
    }
    found.pop().ok_or_else(|| {
        Error::new(Kind::WorkspaceNotFound, "there is no workspace yet")
            .hinted("`keyward mint NAME` makes one, or `keyward workspace create NAME`")
    })
}

/// The workspaces a KEY may be in: the one a command works in, or all of them when none is chosen.
///
/// # Errors
/// `workspace_not_found` when the named one does not exist, or is not the caller's.
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

/// The error of several workspaces none of which was chosen.
fn undecided(found: &[Workspace]) -> Error {
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
        format!("there is no workspace \"{}\"", Safe(name)),
    )
    .hinted("`keyward workspace list` shows those there are")
}

/// The key a selector means.
///
/// A whole id wins. Otherwise everything it could mean is looked up: the beginning of an id, a prefix, the prefix's
/// short part, a name. A name means its living holder; dead keys have it only when nothing living does. Where no
/// workspace was chosen, ids and prefixes are still one key's, but a name is nobody's.
///
/// # Errors
/// `key_not_found`, or `ambiguous` with the candidates.
pub fn key(
    reader: &Reader<'_>,
    workspaces: &[Workspace],
    selector: &Selector,
    now: Timestamp,
) -> Result<Key> {
    let text = selector.text.as_str();
    let within = |key: &Key| {
        workspaces
            .iter()
            .any(|workspace| workspace.id == key.workspace_id)
    };
    if let Some(key) = reader.key_by_id(text)?.filter(within) {
        return Ok(key);
    }
    let mut found = by_id_start(reader, workspaces, text)?;
    found.extend(by_prefix(reader, text)?.into_iter().filter(within));
    match workspaces {
        [workspace] => found.extend(by_name(reader, workspace, text, now)?),
        [] => {}
        several if found.is_empty() => return Err(undecided(several)),
        _ => {}
    }
    if let Some(environment) = &selector.environment {
        found.retain(|key| key.environment == *environment);
    }
    found.sort_by(|one, other| one.id.cmp(&other.id));
    found.dedup_by(|one, other| one.id == other.id);
    if found.len() > 1 {
        return Err(ambiguous(text, &found, now));
    }
    found.pop().ok_or_else(|| not_found(workspaces, selector))
}

/// The workspace, of those a key was selected from, that owns it.
pub fn owner_of<'a>(workspaces: &'a [Workspace], key: &Key) -> &'a Workspace {
    let owner = workspaces
        .iter()
        .find(|workspace| workspace.id == key.workspace_id);
    owner.expect("a key is selected from its workspace")
}

fn by_id_start(reader: &Reader<'_>, workspaces: &[Workspace], text: &str) -> Result<Vec<Key>> {
    let long_enough = text
        .strip_prefix(KeyId::PREFIX)
        .is_some_and(|random| random.len() >= SHORTEST_ID);
    if !long_enough || !text.is_ascii() {
        return Ok(Vec::new());
    }
    let only = match workspaces {
        [workspace] => Some(workspace.id),
        _ => None,
    };
    reader.keys_by_id_start(only, text, CANDIDATES as u32 + 1)
}

/// Looks for the text as a short part, and for every tail of it as the short part of a prefix that is the whole text.
fn by_prefix(reader: &Reader<'_>, text: &str) -> Result<Vec<Key>> {
    let random = text.len()
        - text
            .trim_end_matches(|character: char| character.is_ascii_alphanumeric())
            .len();
    let mut found = Vec::new();
    for length in 1..=random.min(LONGEST_SHORT) {
        let short = &text[text.len() - length..];
        let candidates = reader.keys_with_short(short)?;
        found.extend(
            candidates
                .into_iter()
                .filter(|key| key.prefix == text || key.short == text),
        );
    }
    Ok(found)
}

fn by_name(
    reader: &Reader<'_>,
    workspace: &Workspace,
    name: &str,
    now: Timestamp,
) -> Result<Vec<Key>> {
    let mut holders = Vec::new();
    let mut others = Vec::new();
    for key in reader.keys_named(workspace.id, name)? {
        match holds_its_name(reader, &key, now)? {
            true => holders.push(key),
            false => others.push(key),
        }
    }
    Ok(if holders.is_empty() { others } else { holders })
}

/// Whether a name is this key's own. A pending replacement has it once the key it waits for has let go of it.
///
/// # Errors
/// The store's.
pub fn holds_its_name(reader: &Reader<'_>, key: &Key, now: Timestamp) -> Result<bool> {
    match &key.rotation {
        Some(rotation) if key.status(now) == Status::Pending => {
            let old = reader.key_by_id(rotation.replaces.as_str())?;
            Ok(!old.is_some_and(|old| old.holds_its_name(now)))
        }
        _ => Ok(key.holds_its_name(now)),
    }
}

fn ambiguous(text: &str, found: &[Key], now: Timestamp) -> Error {
    let candidates: Vec<String> = found
        .iter()
        .take(CANDIDATES)
        .map(|key| {
            let status = key.status(now).word();
            format!(
                "{} ({}/{} {}, {status})",
                key.id,
                Safe(&key.workspace),
                key.environment,
                Safe(&key.name)
            )
        })
        .collect();
    let more = if found.len() > CANDIDATES {
        ", …"
    } else {
        ""
    };
    Error::new(
        Kind::Ambiguous,
        format!(
            "\"{}\" could be several keys: {}{more}",
            Safe(text),
            candidates.join(", ")
        ),
    )
    .hinted("name it by its id, or pass -e ENVIRONMENT or -w WORKSPACE")
}

fn not_found(workspaces: &[Workspace], selector: &Selector) -> Error {
    let place = match workspaces {
        [workspace] => format!(" in workspace {}", Safe(&workspace.name)),
        _ => String::new(),
    };
    let environment = match &selector.environment {
        Some(environment) => format!(" of environment {}", Safe(environment)),
        None => String::new(),
    };
    Error::new(
        Kind::KeyNotFound,
        format!(
            "there is no key \"{}\"{environment}{place}",
            Safe(&selector.text)
        ),
    )
    .hinted("`keyward list --all` shows every key")
}
