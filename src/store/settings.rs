//! The operator's choices that live with the store.

use super::value::values;
use super::{Reader, Writer};
use crate::domain::WorkspaceId;
use crate::error::Result;

/// The setting that `workspace use` makes.
const CURRENT_WORKSPACE: &str = "current_workspace";

impl Reader<'_> {
    /// The workspace that `workspace use` chose.
    pub fn current_workspace(&self) -> Result<Option<WorkspaceId>> {
        Ok(self.setting(CURRENT_WORKSPACE)?.and_then(|value| value.parse().ok()).map(WorkspaceId))
    }

    pub(super) fn setting(&self, name: &str) -> Result<Option<String>> {
        let sql = "SELECT value FROM setting WHERE name = ?1";
        self.session.one(sql, values![name], |row| row.get(0))
    }
}

impl Writer<'_> {
    /// Makes a workspace the one that commands take by themselves.
    pub fn set_current_workspace(&self, id: WorkspaceId) -> Result<()> {
        self.set_setting(CURRENT_WORKSPACE, &id.0.to_string())
    }

    /// Deletes the choice if it was this workspace.
    pub fn forget_current_workspace(&self, id: WorkspaceId) -> Result<()> {
        self.session.run(
            "DELETE FROM setting WHERE name = ?1 AND value = ?2",
            values![CURRENT_WORKSPACE, &id.0.to_string()],
        )
    }

    pub(super) fn set_setting(&self, name: &str, value: &str) -> Result<()> {
        self.session
            .run(
                "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
                values![name, value],
            )
    }
}
