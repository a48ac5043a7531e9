//! Revoking keys permanently: all of them in one transaction, or none.

use std::collections::BTreeSet;

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::policy::RevokeBy;
use crate::domain::words::words;
use crate::domain::{Key, Lifetime, Permission, Safe, Status, Timestamp, Workspace};
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::lineage::{Meant, Rest};
use crate::ops::select::{self, Selector};
use crate::ops::{remedy, usage};
use crate::store::{Reader, Store};

words! {
    /// Why a key is revoked.
    pub enum Reason {
        /// Its secret is, or may be, in the wrong hands.
        Compromised = "compromised",
        /// Replaced by another key.
        Superseded = "superseded",
        /// No longer needed.
        Retired = "retired",
        /// No reason given.
        Unspecified = "unspecified",
    }
}

/// What to revoke.
#[derive(Debug)]
pub struct Request {
    /// The workspace.
    pub workspace: Option<String>,
    /// The keys.
    pub selectors: Vec<Selector>,
    /// Why: a word.
    pub reason: Reason,
    /// Why: the operator's own sentence.
    pub message: Option<String>,
    /// How long none of them may have been used.
    pub idle: Option<Lifetime>,
}

impl Request {
    /// Revokes this key for this reason.
    pub fn new(key: impl Into<Selector>, reason: Reason) -> Self {
        Self { workspace: None, selectors: vec![key.into()], reason, message: None, idle: None }
    }
}

/// The keys after revoking.
#[derive(Debug)]
pub struct Outcome {
    /// Each key that was named or that a name stood for.
    pub keys: Vec<Revoked>,
    /// Those of their lineages that were not meant.
    pub rest: Rest,
}

/// One key after revoking.
#[derive(Debug)]
pub struct Revoked {
    /// The key.
    pub key: Key,
    /// False when it was revoked before; its first date and reason stay.
    pub changed: bool,
}

/// Finds the keys that [`run`] would revoke, without revoking them.
pub fn preview(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
) -> Result<Vec<Key>> {
    store.read(|reader| {
        let access = Access::to(reader, actor, Permission::Revoke, now)?;
        reader.trust_rows();
        find(reader, &access, request, now)
    })
}

/// Revokes the keys and those that their names stand for, all or none.
///
/// # Errors
/// `key_not_found`, `ambiguous`, `scope_rejected`, `workspace_not_found`, `in_use`; the store's.
pub fn run(store: &mut Store, actor: &Actor, request: &Request, now: Timestamp) -> Result<Outcome> {
    store.write_with_reserve(|writer| {
        let act = Act { writer, access: Access::to(writer, actor, Permission::Revoke, now)?, now };
        // A record that somebody has changed is revoked all the same.
        writer.trust_rows();
        let found = find(writer, &act.access, request, now)?;
        let mut keys: Vec<Revoked> = Vec::new();
        for key in found {
            if key.status(now) != Status::Revoked || !writer.agrees_on_key(&key)? {
                usage::refuse_used(writer, &key, request.idle.as_ref(), now)?;
            }
            keys.push(end(&act, key, request.reason, request.message.clone())?);
        }
        let dealt_with: Vec<&Key> = keys.iter().map(|revoked| &revoked.key).collect();
        let rest = Rest::of(writer, &dealt_with, now)?;
        Ok(Outcome { keys, rest })
    })
}

/// Revokes a key, unless it is revoked.
pub(super) fn end(
    act: &Act<'_, '_>,
    mut key: Key,
    reason: Reason,
    message: Option<String>,
) -> Result<Revoked> {
    let is_sound = act.agrees_on_key(&key)?;
    let changed = key.status(act.now) != Status::Revoked || !is_sound;
    if changed {
        let mut details = json!({ "reason": reason.word(), "message": message });
        key.revoke(reason.word(), message, act.now);
        act.update_key(&key)?;
        if !is_sound {
            details["wasDamaged"] = json!(true);
        }
        act.note(Action::KeyRevoke, key.id.as_str(), &details)?;
    }
    Ok(Revoked { key, changed })
}

/// The keys, each once and in the order they were named.
fn find(
    reader: &Reader<'_>,
    access: &Access,
    request: &Request,
    now: Timestamp,
) -> Result<Vec<Key>> {
    let workspaces = select::workspaces(reader, access, request.workspace.as_deref())?;
    let (mut found, mut known) = (Vec::new(), BTreeSet::new());
    for selector in &request.selectors {
        let meant = Meant::by(reader, &workspaces, selector, now)?;
        refuse_name(reader, &workspaces, selector, &meant)?;
        for key in std::iter::once(meant.key).chain(meant.others) {
            if known.insert(key.id.clone()) {
                found.push(key);
            }
        }
    }
    Ok(found)
}

/// Refuses anything but an id if the policy allows revoking only by id.
fn refuse_name(
    reader: &Reader<'_>,
    workspaces: &[Workspace],
    selector: &Selector,
    meant: &Meant,
) -> Result<()> {
    let (key, text) = (&meant.key, &selector.text);
    let owner = select::owner_of(workspaces, key);
    let is_id = select::is_id_start(text) && key.id.as_str().starts_with(text.as_str());
    if owner.policy.revoke_by != RevokeBy::Id || is_id {
        return Ok(());
    }
    let ids: Vec<String> = meant.all().map(|key| key.id.to_string()).collect();
    Err(Error::new(
        Kind::KeyNotFound,
        format!("no key has the id \"{}\", and this workspace revokes only by id", Safe(text)),
    )
    .hinted(format!(
        "if {} is meant: `keyward revoke {}{}`",
        Safe(&key.name),
        ids.join(" "),
        remedy::place(reader, &owner.name)?
    )))
}
