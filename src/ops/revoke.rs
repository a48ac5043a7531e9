//! Revoking keys, for ever: many in one transaction, or none.
//!
//! This module never deletes a record.

use std::collections::BTreeSet;

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::key::{Key, Status};
use crate::domain::lifetime::Lifetime;
use crate::domain::permission::Permission;
use crate::domain::policy::RevokeBy;
use crate::domain::sanitize::Safe;
use crate::domain::timestamp::Timestamp;
use crate::domain::workspace::Workspace;
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::select::{self, Selector};
use crate::ops::{idle, limits};
use crate::store::{Reader, Store};

/// Why a key is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its secret is, or may be, in the wrong hands.
    Compromised,
    /// Another key took its place.
    Superseded,
    /// It is no longer needed.
    Retired,
    /// None of these is said.
    Unspecified,
}

impl Reason {
    /// The word that is recorded.
    pub fn word(self) -> &'static str {
        match self {
            Self::Compromised => "compromised",
            Self::Superseded => "superseded",
            Self::Retired => "retired",
            Self::Unspecified => "unspecified",
        }
    }
}

/// What is to be revoked.
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

/// One key after revoking.
#[derive(Debug)]
pub struct Outcome {
    /// The key.
    pub key: Key,
    /// False when it was revoked before; its first date and reason stay.
    pub changed: bool,
}

/// Finds the keys that [`run`] would revoke, without revoking them.
///
/// # Errors
/// As [`run`].
pub fn preview(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
) -> Result<Vec<Key>> {
    store.read(|reader| {
        let access = Access::admit(reader, actor, now)?;
        reader.believe_everything();
        find(reader, &access, request, now)
    })
}

/// Revokes the keys, all or none.
///
/// # Errors
/// `key_not_found`, `ambiguous`, `scope_rejected`, `workspace_not_found`, `in_use`; the store's.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
) -> Result<Vec<Outcome>> {
    store.write_urgently(|writer| {
        let access = Access::admit(writer, actor, now)?;
        // A record that somebody has changed is revoked all the same.
        writer.believe_everything();
        let mut outcomes: Vec<Outcome> = Vec::new();
        let mut seen = BTreeSet::new();
        for mut key in find(writer, &access, request, now)? {
            let is_new = seen.insert(key.id.clone());
            if !is_new {
                continue;
            }
            let is_sound = writer.agrees_on_key(&key)?;
            let changed = key.status(now) != Status::Revoked || !is_sound;
            if changed {
                idle::refuse_used(writer, &key, request.idle.as_ref(), now)?;
                key.revoke(request.reason.word(), request.message.clone(), now);
                writer.update_key(&key)?;
                let mut details =
                    json!({ "reason": request.reason.word(), "message": request.message });
                if !is_sound {
                    details["wasDamaged"] = json!(true);
                }
                writer.audit(
                    now,
                    &access.actor,
                    Action::KeyRevoke,
                    key.id.as_str(),
                    &details,
                )?;
            }
            outcomes.push(Outcome { key, changed });
        }
        Ok(outcomes)
    })
}

fn find(
    reader: &Reader<'_>,
    access: &Access,
    request: &Request,
    now: Timestamp,
) -> Result<Vec<Key>> {
    access.require(Permission::Revoke)?;
    let workspaces = select::workspaces(reader, access, request.workspace.as_deref())?;
    request
        .selectors
        .iter()
        .map(|selector| find_one(reader, &workspaces, selector, now))
        .collect()
}

fn find_one(
    reader: &Reader<'_>,
    workspaces: &[Workspace],
    selector: &Selector,
    now: Timestamp,
) -> Result<Key> {
    let key = select::key(reader, workspaces, selector, now)?;
    let owner = select::owner_of(workspaces, &key);
    let by_id_alone = owner.policy.revoke_by == RevokeBy::Id;
    let is_id = select::is_id_start(&selector.text) && key.id.as_str().starts_with(&selector.text);
    if by_id_alone && !is_id {
        return Err(Error::new(
            Kind::KeyNotFound,
            format!(
                "there is no key with the id \"{}\", and this workspace revokes by id alone",
                Safe(&selector.text)
            ),
        )
        .hinted(format!(
            "if {} is meant: `keyward revoke {}{}`",
            Safe(&key.name),
            key.id,
            limits::place(reader, owner)?
        )));
    }
    Ok(key)
}
