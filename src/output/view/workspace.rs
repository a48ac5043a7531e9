//! What is shown of workspaces.

use schemars::JsonSchema;
use serde::Serialize;

use super::Moment;
use crate::domain::workspace::Census;
use crate::domain::{Policy, Workspace};

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceView {
    name: String,
    preset: Option<String>,
    plan: Option<String>,
    created_at: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_use: Option<bool>,
    keys: Census,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<Policy>,
}

impl WorkspaceView {
    pub fn new(workspace: &Workspace, census: Census) -> Self {
        Self {
            name: workspace.name.clone(),
            preset: workspace.preset.clone(),
            plan: workspace.plan.clone(),
            created_at: Moment(workspace.created_at),
            in_use: None,
            keys: census,
            policy: None,
        }
    }

    /// The same with whether commands use it where no other is named.
    #[must_use]
    pub fn in_use(mut self, in_use: bool) -> Self {
        self.in_use = Some(in_use);
        self
    }

    #[must_use]
    pub fn with_policy(mut self, policy: &Policy) -> Self {
        self.policy = Some(policy.clone());
        self
    }
}
