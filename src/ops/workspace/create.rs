//! Making a workspace.

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::{Name, Policy, Safe, Timestamp, Workspace, WorkspaceId};
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::workspace::Outcome;
use crate::store::{Store, Writer};

/// What to create.
#[derive(Debug, Clone)]
pub struct Request {
    /// The name.
    pub name: Name,
    /// The preset the policy came from.
    pub preset: Option<String>,
    /// The policy.
    pub policy: Policy,
    /// The plan; the policy's default when not given.
    pub plan: Option<String>,
}

/// Makes a workspace.
pub fn run(store: &mut Store, actor: &Actor, request: Request, now: Timestamp) -> Result<Outcome> {
    store.write(|writer| {
        let access = Access::admit(writer, actor, now)?;
        access.require_operator()?;
        check_name(writer, request.name.as_str())?;
        let Request { name, preset, policy, plan } = request;
        let workspace = insert(writer, &access, name.as_str(), preset, policy, plan, now)?;
        Outcome::of(writer, workspace, now)
    })
}

/// Adds a workspace and its audit row.
pub(in crate::ops) fn insert(
    writer: &Writer<'_>,
    access: &Access,
    name: &str,
    preset: Option<String>,
    policy: Policy,
    plan: Option<String>,
    now: Timestamp,
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
        created_at: now,
        created_by: access.actor.clone(),
    };
    workspace.id = writer.insert_workspace(&workspace)?;
    let details = json!({
        "preset": workspace.preset,
        "plan": workspace.plan,
        "policy": workspace.policy.to_toml(),
    });
    writer.audit(now, &access.actor, Action::WorkspaceCreate, name, &details)?;
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
