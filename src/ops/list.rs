//! Listing keys.
//!
//! This module never gathers the list: it hands over a page of keys at a time, so a store of any size fits.

use crate::domain::name::composed;
use crate::domain::{Key, KeySeq, Permission, Status, Timestamp};
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::select;
use crate::store::{Order, Reader, Store};

/// Which keys, and in what order.
#[derive(Debug)]
pub struct Request {
    pub workspace: Option<String>,
    /// Every workspace there is instead.
    pub everywhere: bool,
    /// The statuses to list; empty lists all but revoked and expired keys, unless `all`.
    pub statuses: Vec<Status>,
    /// Revoked and expired keys too.
    pub all: bool,
    pub environment: Option<String>,
    /// Whose name holds this text.
    pub name: Option<String>,
    pub owner: Option<String>,
    /// With all of these labels: a name, or a name and its value.
    pub labels: Vec<(String, Option<String>)>,
    /// With all of these scopes.
    pub scopes: Vec<String>,
    pub order: Order,
}

impl Request {
    fn takes(&self, key: &Key, now: Timestamp) -> bool {
        let status = key.status(now);
        let status_taken = match self.statuses.is_empty() {
            true => self.all || !matches!(status, Status::Expired | Status::Revoked),
            false => self.statuses.contains(&status),
        };
        status_taken
            && self.environment.as_ref().is_none_or(|environment| key.environment == *environment)
            && self
                .name
                .as_ref()
                .is_none_or(|name| composed(&key.name).contains(composed(name).as_ref()))
            && (self.owner.is_none() || key.owner == self.owner)
            && self.scopes.iter().all(|scope| key.scopes.contains(scope))
            && self.labels.iter().all(|(name, wanted)| match (key.labels.get(name), wanted) {
                (Some(value), Some(wanted)) => value == wanted,
                (found, None) => found.is_some(),
                (None, Some(_)) => false,
            })
    }
}

/// A label that is asked for: its name, and its value where one is given.
pub fn label(text: &str) -> (String, Option<String>) {
    match text.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (text.to_owned(), None),
    }
}

/// How many keys are read at once. Between two pages the store is not locked, so a slow reader such as a pager does not
/// keep the log from being cleared.
const PAGE: u32 = 2_000;

/// Calls the closure with every key that the request selects. A key that is renamed or revoked meanwhile is listed
/// once, in its state at that moment. Returns the name of the workspace that was listed, if there was one.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
    mut body: impl FnMut(Key) -> Result<()>,
) -> Result<Option<String>> {
    let admit = |reader: &Reader<'_>| Access::to(reader, actor, Permission::List, now);
    let workspaces = store.read(|reader| {
        let named = request.workspace.as_deref();
        select::selected_workspaces(reader, &admit(reader)?, named, request.everywhere)
    })?;
    let mut hand_over = |page: Vec<Key>| {
        let taken = page.into_iter().filter(|key| request.takes(key, now));
        taken.into_iter().try_for_each(&mut body)
    };
    let name = match workspaces.as_slice() {
        [workspace] => Some(workspace.name.clone()),
        _ => None,
    };
    if let ([workspace], Order::Created) = (workspaces.as_slice(), request.order) {
        let mut after = Some(KeySeq(0));
        while let Some(last) = after {
            let mut page = Vec::with_capacity(PAGE as usize);
            after = store.read(|reader| {
                // A caller that was revoked meanwhile gets nothing more.
                admit(reader)?;
                reader.for_each_key_after(workspace, last, PAGE, |_, key| {
                    page.push(key);
                    Ok(())
                })
            })?;
            hand_over(page)?;
        }
        return Ok(name);
    }
    let only = match workspaces.as_slice() {
        [] => return Ok(None),
        [workspace] => Some(workspace.id),
        _ => None,
    };
    let order = store.read(|reader| reader.keys_in_order(only, request.order))?;
    for seqs in order.chunks(PAGE as usize) {
        let page = store.read(|reader| {
            admit(reader)?;
            reader.keys_by_seq(seqs)
        })?;
        hand_over(page)?;
    }
    Ok(name)
}
