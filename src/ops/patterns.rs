//! The rules and the watch list of a store, for scans where it is not.

use std::collections::BTreeSet;

use crate::domain::known_format::KnownFormat;
use crate::domain::pattern::{Pattern, slug};
use crate::domain::scan::{WatchList, WatchedKey};
use crate::domain::token::TokenFormat;
use crate::domain::transfer::FormatFields;
use crate::domain::{KeySeq, Permission, Timestamp, Workspace};
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::scan::require_environment;
use crate::ops::select;
use crate::store::{Reader, Store};

#[derive(Debug)]
pub struct Request {
    /// The workspace; without one, every workspace's formats and those that none has any more.
    pub workspace: Option<String>,
    /// The environment; without one, all.
    pub environment: Option<String>,
}

#[derive(Debug)]
pub struct Outcome {
    pub patterns: Vec<Pattern>,
    /// Whose formats have no rule: workspaces, and templates that none has any more.
    pub without: Vec<String>,
}

/// The rules for a store's formats.
pub fn run(store: &mut Store, actor: &Actor, request: &Request, now: Timestamp) -> Result<Outcome> {
    store.read(|reader| {
        let mut outcome = Outcome { patterns: Vec::new(), without: Vec::new() };
        let mut ids = BTreeSet::new();
        for (owner, format) in formats(reader, actor, request, now)? {
            let Some(format) = narrowed(format, request.environment.as_deref()) else {
                continue;
            };
            let word = match slug(owner.as_deref().unwrap_or(&format.prefix)) {
                word if word.is_empty() => "keys".to_owned(),
                word => word,
            };
            let id = (1..).map(|nth| match nth {
                1 => format!("keyward-{word}"),
                nth => format!("keyward-{word}-{nth}"),
            });
            let id = id.into_iter().find(|id| !ids.contains(id)).unwrap_or(word);
            match Pattern::of(&format, id.clone()) {
                Some(pattern) if outcome.patterns.iter().any(|one| one.regex == pattern.regex) => {}
                Some(pattern) => {
                    ids.insert(id);
                    outcome.patterns.push(pattern);
                }
                None => {
                    let template = format.template.to_string();
                    outcome.without.push(owner.unwrap_or(template));
                }
            }
        }
        Ok(outcome)
    })
}

/// The formats with their workspaces' names, where they are a workspace's.
fn formats(
    reader: &Reader<'_>,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
) -> Result<Vec<(Option<String>, TokenFormat)>> {
    let (workspaces, is_everything) = workspaces(reader, actor, request, now)?;
    let mut formats = Vec::new();
    for workspace in workspaces {
        formats.push((Some(workspace.name), workspace.policy.token_format()?));
    }
    if is_everything {
        for format in reader.formats()? {
            if let KnownFormat::Minted(format) = format
                && formats.iter().all(|(_, known)| *known != format)
            {
                formats.push((None, format));
            }
        }
    }
    let environments = formats.iter().flat_map(|(_, format)| &format.environments);
    require_environment(environments, request.environment.as_deref())?;
    Ok(formats)
}

fn workspaces(
    reader: &Reader<'_>,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
) -> Result<(Vec<Workspace>, bool)> {
    let access = Access::to(reader, actor, Permission::List, now)?;
    let named = request.workspace.as_deref();
    let is_everything = named.is_none() && access.caller.is_none();
    let all = select::selected_workspaces(reader, &access, named, is_everything)?;
    Ok((all.into_iter().collect(), is_everything))
}

/// The format for this environment alone; nothing where it has no such.
fn narrowed(format: TokenFormat, environment: Option<&str>) -> Option<TokenFormat> {
    match environment {
        None => Some(format),
        Some(one) if format.environments.iter().any(|known| known == one) => {
            Some(TokenFormat { environments: vec![one.to_owned()], ..format })
        }
        Some(_) => None,
    }
}

/// The formats and the public fronts of all keys.
pub fn watch_list(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
) -> Result<WatchList> {
    store.read(|reader| {
        let mut list = WatchList { formats: Vec::new(), keys: Vec::new() };
        for (_, format) in formats(reader, actor, request, now)? {
            list.formats.push(FormatFields::from(&KnownFormat::Minted(format)));
        }
        let (workspaces, _) = workspaces(reader, actor, request, now)?;
        for workspace in workspaces {
            reader.for_each_key_after(&workspace, KeySeq(0), u32::MAX, |_, key| {
                let is_asked =
                    request.environment.as_ref().is_none_or(|one| *one == key.environment);
                if is_asked && !key.prefix.is_empty() {
                    list.keys.push(WatchedKey {
                        status: key.status(now).word().to_owned(),
                        prefix: key.prefix,
                        id: key.id.as_str().to_owned(),
                        name: key.name,
                        workspace: workspace.name.clone(),
                        environment: key.environment,
                    });
                }
                Ok(())
            })?;
        }
        Ok(list)
    })
}
