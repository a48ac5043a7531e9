//! Deleting the records, with their usage, of keys that were revoked or expired long enough ago.
//!
//! This module never deletes a key that could come to verify again, nor a row of the audit trail.

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::clock::{Clock, DAY_MILLIS, Doubt};
use crate::domain::secret::EndedMark;
use crate::domain::words::counted;
use crate::domain::{Key, KeySeq, Lifetime, Permission, Status, Timestamp, Workspace};
use crate::error::{Error, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::{links, select, usage};
use crate::store::{Reader, Store};

/// How many keys are deleted in one transaction, so that others get their turn.
const PAGE: u32 = 500;

#[derive(Debug)]
pub struct Request {
    pub workspace: Option<String>,
    /// Every workspace there is instead.
    pub all: bool,
    /// How long a key must have been revoked or expired; by default the policy's retention.
    pub dead_for: Option<Lifetime>,
    /// How long none of them may have been used.
    pub idle: Option<Lifetime>,
    /// Whether nothing is deleted.
    pub is_rehearsal: bool,
}

impl Request {
    /// How long a key of this workspace must have been revoked or expired.
    fn retention<'a>(&'a self, workspace: &'a Workspace) -> &'a Lifetime {
        self.dead_for.as_ref().unwrap_or(&workspace.policy.usage_retention)
    }
}

/// Calls the closure with the keys whose records were deleted, a page at a time. If the store fails, the pages before
/// stay deleted. Returns how long the keys had to be revoked or expired, if that is the same in all workspaces.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
    mut body: impl FnMut(&[Key]) -> Result<()>,
) -> Result<Option<Lifetime>> {
    let workspaces = store.read(|reader| {
        let access = Access::to(reader, actor, Permission::Revoke, now)?;
        refuse_leap(reader.clock()?, now)?;
        if request.dead_for.is_some() {
            // A calling key is held to the policy's retention.
            access.require_operator()?;
        }
        let named = request.workspace.as_deref();
        select::selected_workspaces(reader, &access, named, request.all)
    })?;
    if request.idle.is_some() {
        for workspace in &workspaces {
            for_each_page(store, workspace, request, now, |store, keys| {
                store.read(|reader| {
                    let mut keys = keys.iter();
                    keys.try_for_each(|(_, key)| {
                        usage::refuse_used(reader, key, request.idle.as_ref(), now)
                    })
                })
            })?;
        }
    }
    for workspace in &workspaces {
        for_each_page(store, workspace, request, now, |store, keys| {
            let keys = match request.is_rehearsal {
                true => keys,
                false => delete(store, actor, keys, request, workspace, now)?,
            };
            let keys: Vec<Key> = keys.into_iter().map(|(_, key)| key).collect();
            body(&keys)
        })?;
    }
    let mut retentions = workspaces.iter().map(|workspace| request.retention(workspace));
    let first = retentions.next();
    Ok(first.filter(|first| retentions.all(|other| other == *first)).cloned())
}

/// How far ahead the clock must have leapt for nothing to be deleted by it, in milliseconds: a year, longer than any store
/// that is pruned is left alone.
const FAR_AHEAD: i64 = 366 * DAY_MILLIS;

/// Refuses to prune while the clock has leapt far ahead, perhaps wrongly.
fn refuse_leap(clock: Clock, now: Timestamp) -> Result<()> {
    match clock.doubt(now) {
        Some(Doubt::Ahead(millis)) if millis > FAR_AHEAD => Err(Error::conflict(format!(
            "the clock is {} ahead of this store's last recorded time, and deleted records cannot be restored",
            counted(millis / DAY_MILLIS, "day")
        ))
        .hinted("if the clock is right, run `keyward store check --reset-clock`")),
        _ => Ok(()),
    }
}

type Page = Vec<(KeySeq, Key)>;

/// Calls the closure with the keys that were revoked or expired long enough ago, page by page.
fn for_each_page(
    store: &mut Store,
    workspace: &Workspace,
    request: &Request,
    now: Timestamp,
    mut body: impl FnMut(&mut Store, Page) -> Result<()>,
) -> Result<()> {
    let mut after = Some(KeySeq(0));
    while let Some(last) = after {
        let mut page = Vec::new();
        after = store.read(|reader| {
            let next = reader.for_each_key_after(workspace, last, PAGE, |seq, key| {
                page.push((seq, key));
                Ok(())
            })?;
            keep_prunable(reader, &mut page, request, workspace, now)?;
            Ok(next)
        })?;
        if !page.is_empty() {
            body(store, page)?;
        }
    }
    Ok(())
}

/// Deletes those of the keys that are still to be deleted, and returns them.
fn delete(
    store: &mut Store,
    actor: &Actor,
    page: Page,
    request: &Request,
    workspace: &Workspace,
    now: Timestamp,
) -> Result<Page> {
    store.write(|writer| {
        let act = Act { writer, access: Access::to(writer, actor, Permission::Revoke, now)?, now };
        // Another process may have deleted a key, and a newer one may have its row number.
        let mut present = Vec::new();
        for (seq, seen) in &page {
            let key = writer.key_by_seq(*seq)?;
            present.extend(key.filter(|key| key.id == seen.id).map(|key| (*seq, key)));
        }
        keep_prunable(writer, &mut present, request, workspace, now)?;
        for (_, key) in &present {
            usage::refuse_used(writer, key, request.idle.as_ref(), now)?;
            let details = json!({
                "workspace": key.workspace,
                "name": key.name,
                "environment": key.environment,
                "prefix": key.prefix,
                "status": key.status(now).word(),
                EndedMark::FIELD: EndedMark::of(&key.hash).to_string(),
            });
            act.note(Action::KeyPrune, key.id.as_str(), &details)?;
        }
        let seqs: Vec<KeySeq> = present.iter().map(|(seq, _)| *seq).collect();
        writer.delete_keys(&seqs)?;
        Ok(present)
    })
}

/// Keeps in a page the keys that were revoked or expired long enough ago, and whose place no pending key will take: it needs
/// their records.
fn keep_prunable(
    reader: &Reader<'_>,
    page: &mut Page,
    request: &Request,
    workspace: &Workspace,
    now: Timestamp,
) -> Result<()> {
    let retention = request.retention(workspace);
    let mut kept = Vec::new();
    for (seq, key) in page.drain(..) {
        let Some(dead_since) = dead_since(&key, now) else {
            continue;
        };
        if retention.after(dead_since)? > now {
            continue;
        }
        let is_pending = |replacement: &Key| replacement.is_pending(now);
        if !links::replacements(reader, &key)?.iter().any(is_pending) {
            kept.push((seq, key));
        }
    }
    *page = kept;
    Ok(())
}

/// When a key was revoked or expired, if it was.
fn dead_since(key: &Key, now: Timestamp) -> Option<Timestamp> {
    match key.ended(now)? {
        Status::Revoked => key.revoked_at.or_else(|| key.lapsed_at(now)),
        _ => key.expires_at,
    }
}
