//! Deleting a workspace that nothing lives in.
//!
//! This module never deletes a key that is active, pending or disabled, and never an audit row.

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::ended::EndedMark;
use crate::domain::sanitize::Quoted;
use crate::domain::words::counted;
use crate::domain::{KeySeq, Safe, Timestamp};
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::select;
use crate::ops::workspace::Outcome;
use crate::store::{Reader, Store};

/// What [`run`] would delete: the workspace and how many records of revoked and expired keys.
pub fn preview(
    store: &mut Store,
    actor: &Actor,
    name: &str,
    now: Timestamp,
) -> Result<(Outcome, u64)> {
    store.read(|reader| {
        let access = Access::admit(reader, actor, now)?;
        let outcome = find(reader, &access, name, now)?;
        let records = reader.count_keys(outcome.workspace.id)?;
        Ok((outcome, records))
    })
}

/// Deletes a workspace and the records of its revoked and expired keys.
pub fn run(store: &mut Store, actor: &Actor, name: &str, now: Timestamp) -> Result<Outcome> {
    store.write(|writer| {
        let access = Access::admit(writer, actor, now)?;
        let outcome = find(writer, &access, name, now)?;
        let id = outcome.workspace.id;
        let records = writer.count_keys(id)?;
        writer.for_each_key_after(&outcome.workspace, KeySeq(0), u32::MAX, |_, key| {
            let details = json!({
                "workspace": name,
                "name": key.name,
                EndedMark::FIELD: EndedMark::of(&key.hash).to_string(),
            });
            let (action, subject) = (Action::KeyPrune, key.id.as_str());
            writer.audit(now, &access.actor, action, subject, &details)
        })?;
        writer.delete_workspace(id)?;
        writer.forget_current_workspace(id)?;
        writer.audit(
            now,
            &access.actor,
            Action::WorkspaceDelete,
            name,
            &json!({ "keys": records }),
        )?;
        Ok(outcome)
    })
}

fn find(reader: &Reader<'_>, access: &Access, name: &str, now: Timestamp) -> Result<Outcome> {
    access.require_operator()?;
    let workspace = select::workspace(reader, access, Some(name))?;
    let outcome = Outcome::of(reader, workspace, now)?;
    let living = outcome.census.living;
    match living {
        0 => Ok(outcome),
        _ => Err(Error::new(
            Kind::Conflict,
            format!("workspace {} still has {}", Safe(name), counted(living, "live key")),
        )
        .hinted(format!("`keyward list -w {}` lists them", Quoted(name)))),
    }
}
