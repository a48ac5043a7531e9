//! Workspaces: making, listing, showing, changing, renaming, deleting, choosing.
//!
//! This module never changes a key, except that it deletes the records of revoked and expired keys with their
//! workspace. It never deletes a key that is active, pending or disabled, and never an audit row.

pub mod set;

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::name::composed;
use crate::domain::sanitize::Quoted;
use crate::domain::secret::EndedMark;
use crate::domain::words::counted;
use crate::domain::workspace::Census;
use crate::domain::{KeySeq, Name, Permission, Policy, Safe, Timestamp, Workspace, WorkspaceId};
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::select;
use crate::store::{Reader, Store, Writer};

/// A workspace with the count of its keys.
#[derive(Debug)]
pub struct Outcome {
    pub workspace: Workspace,
    /// Its keys by status.
    pub census: Census,
}

impl Outcome {
    fn of(reader: &Reader<'_>, workspace: Workspace, now: Timestamp) -> Result<Self> {
        let census = reader.census(workspace.id, now)?;
        Ok(Self { workspace, census })
    }
}

/// Every workspace by name; a key sees its own alone.
pub fn list(store: &mut Store, actor: &Actor, now: Timestamp) -> Result<Vec<Outcome>> {
    store.read(|reader| {
        let access = Access::to(reader, actor, Permission::List, now)?;
        let found = match access.caller.is_some() {
            true => select::workspaces(reader, &access, None)?.into_iter().collect(),
            false => reader.workspaces()?,
        };
        found.into_iter().map(|workspace| Outcome::of(reader, workspace, now)).collect()
    })
}

/// The workspace that a command with this choice uses. None where it has to be chosen first; a choice that is not there is
/// found out by the command that needs one.
pub fn in_use(
    store: &mut Store,
    actor: &Actor,
    named: Option<&str>,
    now: Timestamp,
) -> Result<Option<WorkspaceId>> {
    store.read(|reader| {
        let access = Access::admit(reader, actor, now)?;
        let used = select::workspace(reader, &access, named).ok();
        Ok(used.map(|workspace| workspace.id))
    })
}

/// Whether none of several workspaces is chosen, and before so many were created there was at most one, which commands
/// used.
pub fn needs_choice(store: &mut Store, made: usize) -> Result<bool> {
    store.read(|reader| {
        let count = reader.workspaces()?.len();
        let is_chosen = reader.current_workspace()?.is_some();
        Ok(!is_chosen && count > 1 && count.saturating_sub(made) <= 1)
    })
}

pub fn show(
    store: &mut Store,
    actor: &Actor,
    named: Option<&str>,
    now: Timestamp,
) -> Result<Outcome> {
    store.read(|reader| {
        let access = Access::to(reader, actor, Permission::List, now)?;
        let workspace = select::workspace(reader, &access, named)?;
        Outcome::of(reader, workspace, now)
    })
}

#[derive(Debug, Clone)]
pub struct Request {
    pub name: Name,
    /// The preset the policy came from.
    pub preset: Option<String>,
    pub policy: Policy,
    /// The plan; the policy's default when not given.
    pub plan: Option<String>,
}

pub fn create(
    store: &mut Store,
    actor: &Actor,
    request: Request,
    now: Timestamp,
) -> Result<Outcome> {
    store.write(|writer| {
        let act = Act { writer, access: Access::of_operator(writer, actor, now)?, now };
        check_name(writer, request.name.as_str())?;
        let Request { name, preset, policy, plan } = request;
        let workspace = insert(&act, name.as_str(), preset, policy, plan)?;
        Outcome::of(writer, workspace, now)
    })
}

/// Adds a workspace and its audit row.
pub(in crate::ops) fn insert(
    act: &Act<'_, '_>,
    name: &str,
    preset: Option<String>,
    policy: Policy,
    plan: Option<String>,
) -> Result<Workspace> {
    if let Some(plan) = &plan {
        policy.plan(plan)?;
    }
    let plan = plan.or_else(|| policy.default_plan.clone());
    let mut workspace = Workspace {
        id: WorkspaceId(0),
        name: name.to_owned(),
        preset,
        policy,
        plan,
        created_at: act.now,
        created_by: act.access.actor.clone(),
    };
    workspace.id = act.insert_workspace(&workspace)?;
    let details = json!({
        "preset": workspace.preset,
        "plan": workspace.plan,
        "policy": workspace.policy.to_toml(),
    });
    act.note(Action::WorkspaceCreate, name, &details)?;
    Ok(workspace)
}

/// Refuses a name that another workspace has.
pub(super) fn check_name(writer: &Writer<'_>, name: &str) -> Result<()> {
    match writer.workspace_named(name)? {
        None => Ok(()),
        Some(_) => Err(Error::new(
            Kind::NameTaken,
            format!("the workspace \"{}\" already exists", Safe(name)),
        )
        .hinted("`keyward workspace set` changes its policy")),
    }
}

/// Renames a workspace. Says whether the name was another.
pub fn rename(
    store: &mut Store,
    actor: &Actor,
    from: &str,
    to: &Name,
    now: Timestamp,
) -> Result<(Outcome, bool)> {
    store.write(|writer| {
        let act = Act { writer, access: Access::of_operator(writer, actor, now)?, now };
        let mut workspace = select::workspace(writer, &act.access, Some(from))?;
        let changed = workspace.name != to.as_str();
        if changed {
            // A name that an older keyward took in another form is the same name.
            if composed(&workspace.name) != to.as_str() {
                check_name(writer, to.as_str())?;
            }
            workspace.name = to.to_string();
            writer.update_workspace(&workspace)?;
            act.note(Action::WorkspaceRename, to.as_str(), &json!({ "from": from }))?;
        }
        Ok((Outcome::of(writer, workspace, now)?, changed))
    })
}

/// What [`delete`] would delete: the workspace and how many records of revoked and expired keys.
pub fn preview_deletion(
    store: &mut Store,
    actor: &Actor,
    name: &str,
    now: Timestamp,
) -> Result<(Outcome, u64)> {
    store.read(|reader| {
        let access = Access::of_operator(reader, actor, now)?;
        let outcome = find(reader, &access, name, now)?;
        let records = reader.count_keys(outcome.workspace.id)?;
        Ok((outcome, records))
    })
}

/// Deletes a workspace and the records of its revoked and expired keys.
pub fn delete(store: &mut Store, actor: &Actor, name: &str, now: Timestamp) -> Result<Outcome> {
    store.write(|writer| {
        let act = Act { writer, access: Access::of_operator(writer, actor, now)?, now };
        let outcome = find(writer, &act.access, name, now)?;
        let id = outcome.workspace.id;
        let records = writer.count_keys(id)?;
        writer.for_each_key_after(&outcome.workspace, KeySeq(0), u32::MAX, |_, key| {
            let details = json!({
                "workspace": name,
                "name": key.name,
                EndedMark::FIELD: EndedMark::of(&key.hash).to_string(),
            });
            act.note(Action::KeyPrune, key.id.as_str(), &details)
        })?;
        writer.delete_workspace(id)?;
        writer.forget_current_workspace(id)?;
        act.note(Action::WorkspaceDelete, name, &json!({ "keys": records }))?;
        Ok(outcome)
    })
}

fn find(reader: &Reader<'_>, access: &Access, name: &str, now: Timestamp) -> Result<Outcome> {
    let workspace = select::workspace(reader, access, Some(name))?;
    let outcome = Outcome::of(reader, workspace, now)?;
    let living = outcome.census.living;
    match living {
        0 => Ok(outcome),
        _ => Err(Error::conflict(format!(
            "workspace {} still has {}",
            Safe(name),
            counted(living, "live key")
        ))
        .hinted(format!("`keyward list -w {}` lists them", Quoted(name)))),
    }
}

/// Makes the choice. Says whether it was another before.
pub fn choose(
    store: &mut Store,
    actor: &Actor,
    name: &str,
    now: Timestamp,
) -> Result<(Outcome, bool)> {
    store.write(|writer| {
        let act = Act { writer, access: Access::of_operator(writer, actor, now)?, now };
        let workspace = select::workspace(writer, &act.access, Some(name))?;
        let changed = writer.current_workspace()? != Some(workspace.id);
        if changed {
            writer.set_current_workspace(workspace.id)?;
            act.note(Action::WorkspaceUse, name, &json!({}))?;
        }
        Ok((Outcome::of(writer, workspace, now)?, changed))
    })
}
