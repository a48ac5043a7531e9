//! What is shown of workspaces, and what gates and manifests answer.

use schemars::JsonSchema;
use serde::Serialize;

use super::{KeyView, Moment};
use crate::domain::difference::Difference;
use crate::domain::finding::Reason;
use crate::domain::holding::Action;
use crate::domain::workspace::Census;
use crate::domain::{Key, Policy, Timestamp, Workspace};

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

/// Something that is wrong with a key.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FindingView<'a> {
    #[serde(flatten)]
    view: KeyView<'a>,
    reason: Reason,
    #[schemars(regex(pattern = "^keyward "))]
    remedy: &'a str,
}

impl<'a> FindingView<'a> {
    /// What was found, and the command that fixes it.
    pub fn new(key: &'a Key, reason: Reason, remedy: &'a str, now: Timestamp) -> Self {
        Self { view: KeyView::new(key, now), reason, remedy }
    }
}

/// What a manifest's key needs or has got.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ChangeView {
    pub workspace: String,
    pub environment: String,
    pub name: String,
    /// Its id; nothing when it is yet to be minted.
    pub id: Option<String>,
    /// What is, or was, done to it.
    pub action: Action,
    /// In what it is, or was, changed, or its replacement differs from it.
    pub differences: Vec<Difference>,
}

/// What a manifest's workspace needs or has got.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WorkspaceChange {
    pub name: String,
    /// What is, or was, done to it.
    pub action: Action,
    /// In what it is, or was, changed.
    pub differences: Vec<Difference>,
}

/// A whole manifest's answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Changes<'a> {
    /// The keys, in the manifest's order, and those it does not name.
    pub changes: &'a [ChangeView],
    pub workspaces: &'a [WorkspaceChange],
    /// What the user should know although it has worked.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub warnings: &'a [String],
}
