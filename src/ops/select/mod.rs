//! What a person means by a KEY, and in which workspace: ids, their beginnings, prefixes and names.
//!
//! This module never guesses: what could mean two things is an error that lists them.

mod workspaces;

use crate::domain::sanitize::Quoted;
use crate::domain::template::MAXIMUM_PART;
use crate::domain::{Key, KeyId, Timestamp, Workspace};
use crate::error::Result;
use crate::ops::links;
use crate::store::Reader;
use workspaces::{ambiguous, not_found, undecided};

pub use workspaces::{
    Reach, confinement, no_such_workspace, reach, selected_workspaces, workspace, workspaces,
};

/// How many random characters of an id are enough to name a key.
const SHORTEST_ID: usize = 6;
/// How many candidates an ambiguity lists.
const CANDIDATES: usize = 10;

/// A KEY as typed.
#[derive(Debug, Clone)]
pub struct Selector {
    /// The text.
    pub text: String,
    /// The environment, which distinguishes two keys of one name.
    pub environment: Option<String>,
}

impl From<&str> for Selector {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), environment: None }
    }
}

/// The key a selector means.
///
/// A whole id wins. Otherwise everything it could mean is looked up: the beginning of an id, a prefix, the prefix's
/// short part, a name. A name means its holder, where there is none the newest key that can still verify, or else the one
/// that had it last; `ops::lineage` adds those it stands for. Where no workspace was chosen, ids and prefixes are still one
/// key's, but a name is nobody's, unless every workspace is meant.
///
/// # Errors
/// `key_not_found`, or `ambiguous` with the candidates.
pub fn key(reader: &Reader<'_>, reach: &Reach, selector: &Selector, now: Timestamp) -> Result<Key> {
    find(reader, reach, selector, now).map(|(key, _)| key)
}

/// The same, with whether it was meant by its name alone.
pub(super) fn find(
    reader: &Reader<'_>,
    reach: &Reach,
    selector: &Selector,
    now: Timestamp,
) -> Result<(Key, bool)> {
    let searched = match &**reach {
        [_, _, ..] if !reach.is_each_meant => &[],
        meant => meant,
    };
    match search(reader, reach, searched, selector, now)? {
        Some(found) => Ok(found),
        None => Err(not_found(reader, reach, selector, now)?),
    }
}

/// Looks for ids and prefixes in the first workspaces and for names in the others. Without any of those, what is neither an
/// id nor a prefix needs a choice.
fn search(
    reader: &Reader<'_>,
    workspaces: &[Workspace],
    searched: &[Workspace],
    selector: &Selector,
    now: Timestamp,
) -> Result<Option<(Key, bool)>> {
    if let [] | [_] = searched {
        reader.ahead(|reader| search_each(reader, workspaces, searched, selector, now));
    }
    search_each(reader, workspaces, searched, selector, now)
}

fn search_each(
    reader: &Reader<'_>,
    workspaces: &[Workspace],
    searched: &[Workspace],
    selector: &Selector,
    now: Timestamp,
) -> Result<Option<(Key, bool)>> {
    let text = selector.text.as_str();
    let within = |key: &Key| workspaces.iter().any(|workspace| workspace.id == key.workspace_id);
    let asked_for = |key: &Key| {
        let environment = selector.environment.as_ref();
        within(key) && environment.is_none_or(|environment| key.environment == *environment)
    };
    if let Some(key) = reader.key_by_id(text)? {
        return Ok(asked_for(&key).then_some((key, false)));
    }
    let mut found = by_id_start(reader, workspaces, text)?;
    found.extend(by_prefix(reader, text)?);
    found.retain(asked_for);
    let is_name = found.is_empty();
    if is_name && searched.is_empty() && !workspaces.is_empty() {
        return Err(undecided(workspaces));
    }
    for workspace in searched {
        let mut named = reader.keys_named(workspace.id, text)?;
        named.retain(asked_for);
        found.extend(those_meant(reader, named, now)?);
    }
    found.sort_by(|one, other| one.id.cmp(&other.id));
    found.dedup_by(|one, other| one.id == other.id);
    if found.len() > 1 {
        return Err(ambiguous(text, found, now));
    }
    Ok(found.pop().map(|key| (key, is_name)))
}

pub fn owner_of<'a>(workspaces: &'a [Workspace], key: &Key) -> &'a Workspace {
    let owner = workspaces.iter().find(|workspace| workspace.id == key.workspace_id);
    owner.expect("a key is selected from its workspace")
}

/// Whether the text is the beginning of an id, long enough to name a key.
pub fn is_id_start(text: &str) -> bool {
    let random = text.strip_prefix(KeyId::PREFIX);
    text.is_ascii() && random.is_some_and(|random| random.len() >= SHORTEST_ID)
}

/// What else than a name a text is: a key's id wherever that key is, or, of this workspace's keys, the beginning of an id or
/// the public front of a token.
pub fn other_meaning(
    reader: &Reader<'_>,
    workspace: &Workspace,
    text: &str,
) -> Result<Option<&'static str>> {
    if reader.find_seq(&KeyId::from_stored(text.to_owned()))?.is_some() {
        return Ok(Some("a key's id"));
    }
    if !by_id_start(reader, std::slice::from_ref(workspace), text)?.is_empty() {
        return Ok(Some("the beginning of a key's id"));
    }
    let mut fronts = by_prefix(reader, text)?.into_iter();
    let is_own = fronts.any(|key| key.workspace_id == workspace.id);
    Ok(is_own.then_some("a key's prefix"))
}

fn by_id_start(reader: &Reader<'_>, workspaces: &[Workspace], text: &str) -> Result<Vec<Key>> {
    if !is_id_start(text) {
        return Ok(Vec::new());
    }
    let only = match workspaces {
        [workspace] => Some(workspace.id),
        _ => None,
    };
    reader.keys_by_id_start(only, text, CANDIDATES as u32 + 1)
}

/// Looks for the text as a short part, and for every tail of it as the short part of a prefix that is the whole text. The short
/// part of a prefix that came from elsewhere is all of it, whatever its characters.
fn by_prefix(reader: &Reader<'_>, text: &str) -> Result<Vec<Key>> {
    let random = text.len()
        - text.trim_end_matches(|character: char| character.is_ascii_alphanumeric()).len();
    let tails = (1..=random.min(MAXIMUM_PART)).map(|length| &text[text.len() - length..]);
    let mut found = reader.keys_with_short(&tails.chain([text]).collect::<Vec<_>>())?;
    found.retain(|key| key.prefix == text || key.short == text);
    Ok(found)
}

/// Of the keys that have or had a name, newest first, the one that it means in each environment where any of them can still
/// verify. Where none can, the last of each environment, so that revoking by name twice finds the same key twice.
fn those_meant(reader: &Reader<'_>, named: Vec<Key>, now: Timestamp) -> Result<Vec<Key>> {
    let mut best: Vec<(Claim, Key)> = Vec::new();
    for key in named {
        let claim = match key.is_living(now) {
            false => Claim::Past,
            true if holds_its_name(reader, &key, now)? => Claim::Held,
            true => Claim::Living,
        };
        match best.iter_mut().find(|(_, newer)| newer.environment == key.environment) {
            Some(newer) if newer.0 < claim => *newer = (claim, key),
            Some(_) => {}
            None => best.push((claim, key)),
        }
    }
    if best.iter().any(|(claim, _)| *claim > Claim::Past) {
        best.retain(|(claim, _)| *claim > Claim::Past);
    }
    Ok(best.into_iter().map(|(_, key)| key).collect())
}

/// How good a key's claim to its name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    /// It had the name.
    Past,
    /// It can still verify, and has been superseded or waits to supersede another.
    Living,
    /// The name is its own.
    Held,
}

/// Whether a name is this key's own. A pending replacement has it once the key it waits for has let go of it.
pub fn holds_its_name(reader: &Reader<'_>, key: &Key, now: Timestamp) -> Result<bool> {
    match &key.rotation {
        Some(_) if key.is_pending(now) => {
            let old = links::predecessor(reader, key)?;
            Ok(!old.is_some_and(|old| old.holds_its_name(now)))
        }
        _ => Ok(key.holds_its_name(now)),
    }
}

/// The key that holds a name in an environment.
pub fn holder(
    reader: &Reader<'_>,
    workspace: &Workspace,
    environment: &str,
    name: &str,
    now: Timestamp,
) -> Result<Option<Key>> {
    for key in reader.keys_named(workspace.id, name)? {
        if key.environment == environment && holds_its_name(reader, &key, now)? {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

/// The option that names a workspace.
pub fn option(workspace: &str) -> String {
    match workspace.starts_with('-') {
        // With an equals sign, a name that begins with a dash is not taken for an option.
        true => format!("-w={}", Quoted(workspace)),
        false => format!("-w {}", Quoted(workspace)),
    }
}
