//! Changing a workspace's policy and plan.
//!
//! This module never changes the keys that are there: they keep their tokens, expiry and scopes.

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::policy::Policy;
use crate::domain::policy_changes::PolicyChanges;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::select;
use crate::ops::workspace::Outcome;
use crate::store::Store;

/// What is to change.
#[derive(Debug)]
pub struct Request {
    /// The workspace.
    pub workspace: Option<String>,
    /// The policy to put in the old one's place, with the preset it came from.
    pub policy: Option<(Option<String>, Policy)>,
    /// Fields to change, in that policy or in the present one.
    pub changes: PolicyChanges,
    /// The plan.
    pub plan: Option<String>,
}

impl Request {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.policy.is_none() && self.plan.is_none() && self.changes == PolicyChanges::default()
    }
}

/// Changes a workspace. Says whether anything was different.
///
/// # Errors
/// `invalid_policy`, `usage` for an unknown plan, `workspace_not_found`, `ambiguous`, `scope_rejected`; the store's.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    request: Request,
    now: Timestamp,
) -> Result<(Outcome, bool)> {
    store.write(|writer| {
        let access = Access::admit(writer, actor, now)?;
        access.require_operator()?;
        let before = select::workspace(writer, &access, request.workspace.as_deref())?;
        let mut after = before.clone();
        if let Some((preset, policy)) = request.policy {
            after.preset = preset;
            after.policy = policy;
        }
        request.changes.apply(&mut after.policy)?;
        let is_plan_asked = request.plan.is_some();
        if is_plan_asked {
            after.plan = request.plan;
        }
        match &after.plan {
            Some(plan) if after.policy.plan(plan).is_err() && !is_plan_asked => {
                // The plan went with the old policy.
                after.plan.clone_from(&after.policy.default_plan);
            }
            Some(plan) => {
                after.policy.plan(plan)?;
            }
            None => after.plan.clone_from(&after.policy.default_plan),
        }
        let changed = after.policy != before.policy
            || after.plan != before.plan
            || after.preset != before.preset;
        if changed {
            writer.update_workspace(&after)?;
            let details = json!({
                "preset": after.preset,
                "plan": after.plan,
                "from": before.policy.to_toml(),
                "to": after.policy.to_toml(),
            });
            writer.audit(
                now,
                &access.actor,
                Action::WorkspaceSet,
                &after.name,
                &details,
            )?;
        }
        Ok((Outcome::of(writer, after, now)?, changed))
    })
}
