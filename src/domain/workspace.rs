//! The owner of keys: a project, merchant or customer elsewhere.

use serde::Serialize;

use crate::domain::policy::Policy;
use crate::domain::timestamp::Timestamp;

/// The name of the workspace that the first `mint` makes.
pub const FIRST: &str = "default";

/// A workspace's row number, never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkspaceId(pub i64);

#[derive(Debug, Clone)]
pub struct Workspace {
    pub id: WorkspaceId,
    pub name: String,
    /// The preset its policy came from; `None` for a policy of its own.
    pub preset: Option<String>,
    /// What its keys look like and may do.
    pub policy: Policy,
    pub plan: Option<String>,
    pub created_at: Timestamp,
    pub created_by: String,
}

/// How many of a workspace's keys have each status but revoked and expired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub struct Census {
    /// Keys that verify.
    pub active: u64,
    /// Keys not delivered yet.
    pub pending: u64,
    /// Paused keys.
    pub disabled: u64,
    /// The keys that count against the cap: all of these except pending and disabled ones past their expiry.
    #[serde(skip)]
    pub living: u64,
}
