//! Names and ids that begin as a person has begun to type them.
//!
//! Nothing is checked or recorded: anyone who can read the store's file may see the names.

use std::collections::BTreeSet;

use crate::domain::{Key, KeyId, Policy, Timestamp, Workspace, preset};
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::select;
use crate::store::{Reader, Store};

/// How many names are offered: more than a screen shows.
const MOST: usize = 200;

/// What could be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A KEY: its name, or its id once that is begun.
    Keys {
        /// Whether revoked and expired keys are of use.
        shows_ended: bool,
    },
    Workspaces,
    Environments,
    Scopes,
    Plans,
}

/// What was typed.
#[derive(Debug)]
pub struct Request<'a> {
    pub wanted: Wanted,
    pub workspace: Option<&'a str>,
    pub environment: Option<&'a str>,
    pub preset: Option<&'a str>,
    /// The beginning of what is wanted.
    pub front: &'a str,
}

/// Each name that begins so, with what helps to recognise it.
pub fn run(
    store: &mut Store,
    request: &Request<'_>,
    now: Timestamp,
) -> Result<Vec<(String, String)>> {
    store.read(|reader| match request.wanted {
        Wanted::Keys { shows_ended } => keys(reader, request, shows_ended, now),
        Wanted::Workspaces => {
            let names = reader.workspace_names(request.front, MOST)?;
            Ok(names.into_iter().map(|name| (name, String::new())).collect())
        }
        Wanted::Environments => words(reader, request, now, |policy| policy.environments),
        Wanted::Scopes => words(reader, request, now, |policy| policy.scopes.into_keys().collect()),
        Wanted::Plans => words(reader, request, now, |policy| policy.plans.into_keys().collect()),
    })
}

fn keys(
    reader: &Reader<'_>,
    request: &Request<'_>,
    shows_ended: bool,
    now: Timestamp,
) -> Result<Vec<(String, String)>> {
    let workspaces = workspaces(reader, request, now)?;
    // A name is nobody's where no workspace was chosen.
    let mut found = match workspaces.as_slice() {
        [workspace] => {
            let ended_by = (!shows_ended).then_some(now);
            reader
                .key_names(workspace.id, request.environment, request.front, ended_by, MOST)?
                .into_iter()
                .map(|name| (name, String::new()))
                .collect()
        }
        _ => Vec::new(),
    };
    if request.front.starts_with(KeyId::PREFIX) {
        let only = match workspaces.as_slice() {
            [workspace] => Some(workspace.id),
            _ => None,
        };
        let ids = reader.keys_by_id_start(only, request.front, MOST as u32)?;
        let ids = ids.into_iter().filter(|key| {
            let environment = request.environment;
            environment.is_none_or(|environment| key.environment == environment)
                && (shows_ended || key.is_living(now))
        });
        found.extend(ids.map(|key: Key| (key.id.as_str().to_owned(), key.name)));
    }
    Ok(found)
}

/// Words of the policies of the workspaces that may be meant, or of the preset that was named.
fn words(
    reader: &Reader<'_>,
    request: &Request<'_>,
    now: Timestamp,
    of: fn(Policy) -> Vec<String>,
) -> Result<Vec<(String, String)>> {
    let mut policies = match request.preset {
        Some(preset) => vec![preset::load(preset)?],
        None => workspaces(reader, request, now)?
            .into_iter()
            .map(|workspace| workspace.policy)
            .collect(),
    };
    if policies.is_empty() {
        // The first key makes a workspace of this preset.
        policies.push(preset::load(preset::DEFAULT)?);
    }
    let words: BTreeSet<String> = policies.into_iter().flat_map(of).collect();
    Ok(words.into_iter().map(|word| (word, String::new())).collect())
}

fn workspaces(
    reader: &Reader<'_>,
    request: &Request<'_>,
    now: Timestamp,
) -> Result<Vec<Workspace>> {
    let access = Access::admit(reader, &Actor::Operator(String::new()), now)?;
    let within = select::workspaces(reader, &access, request.workspace)?;
    Ok(within.into_iter().collect())
}
