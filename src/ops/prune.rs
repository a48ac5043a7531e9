//! Deleting the records of keys that have been dead for long enough, with what they were used for.
//!
//! This module never deletes a key that could come to verify again, nor a row of the audit trail.

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::key::{Key, KeySeq, Status};
use crate::domain::lifetime::Lifetime;
use crate::domain::permission::Permission;
use crate::domain::timestamp::Timestamp;
use crate::domain::workspace::Workspace;
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::{idle, select};
use crate::store::{Reader, Store};

/// How many keys are deleted in one transaction, so that others get their turn.
const PAGE: u32 = 500;

/// What is to be deleted.
#[derive(Debug)]
pub struct Request {
    /// The workspace.
    pub workspace: Option<String>,
    /// Every workspace there is instead.
    pub all: bool,
    /// How long a key has to be dead; the policy's retention when not given.
    pub dead_for: Option<Lifetime>,
    /// How long none of them may have been used.
    pub idle: Option<Lifetime>,
    /// Whether nothing is deleted.
    pub is_rehearsal: bool,
}

/// Calls the closure with the keys whose records are deleted, a page at a time and before they are.
///
/// # Errors
/// The closure's; `in_use`, then nothing is deleted; `scope_rejected`, `workspace_not_found`, `ambiguous`; the store's,
/// after which the pages before stay deleted.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
    mut body: impl FnMut(&[Key]) -> Result<()>,
) -> Result<()> {
    let workspaces = store.read(|reader| {
        let access = Access::admit(reader, actor, now)?;
        access.require(Permission::Revoke)?;
        let named = request.workspace.as_deref();
        select::these_or_all(reader, &access, named, request.all)
    })?;
    if request.idle.is_some() {
        for workspace in &workspaces {
            for_each_page(store, workspace, request, now, |store, keys| {
                store.read(|reader| {
                    let mut keys = keys.iter();
                    keys.try_for_each(|(_, key)| {
                        idle::refuse_used(reader, key, request.idle.as_ref(), now)
                    })
                })
            })?;
        }
    }
    for workspace in &workspaces {
        for_each_page(store, workspace, request, now, |store, keys| {
            if !request.is_rehearsal {
                delete(store, actor, &keys, now)?;
            }
            let keys: Vec<Key> = keys.into_iter().map(|(_, key)| key).collect();
            body(&keys)
        })?;
    }
    Ok(())
}

type Page = Vec<(KeySeq, Key)>;

/// Calls the closure with the keys that are dead for long enough, page by page.
fn for_each_page(
    store: &mut Store,
    workspace: &Workspace,
    request: &Request,
    now: Timestamp,
    mut body: impl FnMut(&mut Store, Page) -> Result<()>,
) -> Result<()> {
    let retention = request.dead_for.as_ref();
    let retention = retention.unwrap_or(&workspace.policy.usage_retention);
    let mut after = Some(KeySeq(0));
    while let Some(last) = after {
        let mut page = Vec::new();
        after = store.read(|reader| {
            let next = reader.for_each_key_after(workspace, last, PAGE, |seq, key| {
                if let Some(dead_since) = dead_since(&key, now)
                    && retention.after(dead_since)? <= now
                {
                    page.push((seq, key));
                }
                Ok(())
            })?;
            let mut kept = Vec::new();
            for (seq, key) in page.drain(..) {
                if !is_awaited(reader, &key, now)? {
                    kept.push((seq, key));
                }
            }
            page = kept;
            Ok(next)
        })?;
        if !page.is_empty() {
            body(store, page)?;
        }
    }
    Ok(())
}

fn delete(store: &mut Store, actor: &Actor, page: &Page, now: Timestamp) -> Result<()> {
    store.write(|writer| {
        let access = Access::admit(writer, actor, now)?;
        access.require(Permission::Revoke)?;
        let mut seqs = Vec::new();
        for (seq, key) in page {
            // Another process may have deleted it, and a younger key have its row number.
            let is_there = writer.find_seq(&key.id)? == Some(*seq);
            if !is_there {
                continue;
            }
            seqs.push(*seq);
            let details = json!({
                "workspace": key.workspace,
                "name": key.name,
                "environment": key.environment,
                "prefix": key.prefix,
                "status": key.status(now).word(),
            });
            let (action, subject) = (Action::KeyPrune, key.id.as_str());
            writer.audit(now, &access.actor, action, subject, &details)?;
        }
        writer.delete_keys(&seqs)
    })
}

/// Since when a key is dead, if it is. What is dead stays so, except that the clock may have been wrong.
fn dead_since(key: &Key, now: Timestamp) -> Option<Timestamp> {
    match key.status(now) {
        Status::Revoked => key.revoked_at.or_else(|| key.lapsed_at(now)),
        Status::Expired => key.expires_at,
        Status::Active | Status::Pending | Status::Disabled => None,
    }
}

/// Whether a pending key will take this one's place, which needs its record.
fn is_awaited(reader: &Reader<'_>, key: &Key, now: Timestamp) -> Result<bool> {
    let replacements = reader.keys_replacing(&key.id)?;
    let is_pending = |replacement: &Key| replacement.status(now) == Status::Pending;
    Ok(replacements.iter().any(is_pending))
}
