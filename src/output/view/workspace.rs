//! What is shown of workspaces.

use serde::Serialize;

use crate::domain::policy::Policy;
use crate::domain::workspace::{Census, Workspace};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceView {
    name: String,
    preset: Option<String>,
    plan: Option<String>,
    created_at: String,
    keys: CensusView,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<Policy>,
}

#[derive(Debug, Serialize)]
struct CensusView {
    active: u64,
    pending: u64,
    disabled: u64,
}

impl WorkspaceView {
    pub fn new(workspace: &Workspace, census: Census) -> Self {
        Self {
            name: workspace.name.clone(),
            preset: workspace.preset.clone(),
            plan: workspace.plan.clone(),
            created_at: workspace.created_at.to_string(),
            keys: CensusView {
                active: census.active,
                pending: census.pending,
                disabled: census.disabled,
            },
            policy: None,
        }
    }

    #[must_use]
    pub fn with_policy(mut self, policy: &Policy) -> Self {
        self.policy = Some(policy.clone());
        self
    }
}

#[derive(Debug, Serialize)]
pub struct Workspaces {
    pub workspaces: Vec<WorkspaceView>,
}
