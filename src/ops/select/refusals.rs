//! What is said of a KEY that means several keys, or none.
//!
//! This module never reveals another workspace to a calling key.

use super::workspaces::Reach;
use super::{CANDIDATES, Selector, option, search};
use crate::domain::{Key, Safe, Timestamp, Workspace};
use crate::error::{Error, Kind, Result};
use crate::store::Reader;

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
        None => "`keyward list --all` shows every key".to_owned(),
    };
    Ok(Error::new(
        Kind::KeyNotFound,
        format!("no key \"{}\"{environment}{place}", Safe(&selector.text)),
    )
    .hinted(hint))
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
