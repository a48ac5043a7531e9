//! The `workspace` table.
//!
//! This module never judges a name or a policy.

use rusqlite::{OptionalExtension, Row};

use super::failure::{damaged, failure};
use super::key_row::{optional_text, text};
use super::{Reader, Writer};
use crate::domain::audit::About;
use crate::domain::name::spellings;
use crate::domain::policy::Policy;
use crate::domain::record::RecordDigest;
use crate::domain::timestamp::Timestamp;
use crate::domain::workspace::{Workspace, WorkspaceId};
use crate::error::Result;

const SELECT: &str =
    "SELECT workspace_id, name, preset, policy, plan, created_at, created_by FROM workspace";

impl Reader<'_> {
    /// The workspace of this name.
    ///
    /// # Errors
    /// The store's; `damaged` when its policy cannot be read.
    pub fn workspace_named(&self, name: &str) -> Result<Option<Workspace>> {
        for spelling in spellings(name) {
            let found = self.workspace("WHERE name = ?1", spelling.as_ref())?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The workspace of this row number.
    ///
    /// # Errors
    /// The store's; `damaged` when its policy cannot be read.
    pub fn workspace_by_id(&self, id: WorkspaceId) -> Result<Option<Workspace>> {
        self.workspace("WHERE workspace_id = ?1", id.0)
    }

    /// Every workspace, by name.
    ///
    /// # Errors
    /// The store's; `damaged` when a policy cannot be read.
    pub fn workspaces(&self) -> Result<Vec<Workspace>> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("{SELECT} ORDER BY name"))
            .map_err(failure)?;
        let rows = statement
            .query_map([], |row| Ok(self.believed_workspace(row)))
            .map_err(failure)?;
        rows.map(|row| row.map_err(failure)?).collect()
    }

    fn workspace(&self, filter: &str, value: impl rusqlite::ToSql) -> Result<Option<Workspace>> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("{SELECT} {filter}"))
            .map_err(failure)?;
        let row = statement
            .query_row([value], |row| Ok(self.believed_workspace(row)))
            .optional()
            .map_err(failure)?;
        row.transpose()
    }

    /// Calls the closure with every workspace's name and row with its policy's text as it stands, believed or not.
    pub(super) fn for_each_workspace_as_it_stands(
        &self,
        mut body: impl FnMut(String, Result<(Workspace, String)>) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("{SELECT} ORDER BY name"))
            .map_err(failure)?;
        let mut rows = statement.query([]).map_err(failure)?;
        while let Some(row) = rows.next().map_err(failure)? {
            body(text(row, 1)?, from_row(row))?;
        }
        Ok(())
    }

    fn believed_workspace(&self, row: &Row<'_>) -> Result<Workspace> {
        let (workspace, policy) = from_row(row)?;
        self.believe_workspace(&workspace, &policy)?;
        Ok(workspace)
    }

    /// The digest of the record of the workspace of this name.
    pub(super) fn digest_of_workspace(&self, name: &str) -> Result<Option<RecordDigest>> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("{SELECT} WHERE name = ?1"))
            .map_err(failure)?;
        let row = statement
            .query_row([name], |row| Ok(from_row(row)))
            .optional()
            .map_err(failure)?;
        let row = row.transpose()?;
        row.map(|(workspace, policy)| {
            self.believe_workspace(&workspace, &policy)?;
            Ok(RecordDigest::of_workspace(&workspace, &policy))
        })
        .transpose()
    }
}

impl Writer<'_> {
    /// Adds a workspace; its `id` is set by the store and returned.
    ///
    /// # Errors
    /// The store's.
    pub fn insert_workspace(&self, workspace: &Workspace) -> Result<WorkspaceId> {
        let mut statement = self
            .connection
            .prepare_cached(
                "INSERT INTO workspace (name, preset, policy, plan, created_at, created_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .map_err(failure)?;
        let policy = workspace.policy.to_toml();
        let id = statement
            .insert((
                &workspace.name,
                &workspace.preset,
                &policy,
                &workspace.plan,
                workspace.created_at.as_millis(),
                &workspace.created_by,
            ))
            .map_err(failure)?;
        let id = WorkspaceId(id);
        let inserted = Workspace {
            id,
            ..workspace.clone()
        };
        self.changed_workspace(&inserted, &policy);
        Ok(id)
    }

    /// Saves a workspace's name, policy and plan.
    ///
    /// # Errors
    /// The store's.
    pub fn update_workspace(&self, workspace: &Workspace) -> Result<()> {
        let policy = workspace.policy.to_toml();
        self.changed_workspace(workspace, &policy);
        self.connection
            .execute(
                "UPDATE workspace SET name = ?2, preset = ?3, policy = ?4, plan = ?5 WHERE workspace_id = ?1",
                (
                    workspace.id.0,
                    &workspace.name,
                    &workspace.preset,
                    &policy,
                    &workspace.plan,
                ),
            )
            .map(|_| ())
            .map_err(failure)
    }

    fn changed_workspace(&self, workspace: &Workspace, policy: &str) {
        let digest = RecordDigest::of_workspace(workspace, policy);
        self.unsealed(About::Workspace, &workspace.name, digest);
    }

    /// Deletes a workspace, the records of its keys and what they were used for. The keys' hashes stay among those of ended keys.
    ///
    /// # Errors
    /// The store's.
    pub fn delete_workspace(&self, id: WorkspaceId) -> Result<()> {
        self.delete_usage(id)?;
        self.end_all_of(id)?;
        self.connection
            .execute("DELETE FROM key WHERE workspace_id = ?1", [id.0])
            .map_err(failure)?;
        self.connection
            .execute("DELETE FROM workspace WHERE workspace_id = ?1", [id.0])
            .map_err(failure)?;
        Ok(())
    }
}

/// A workspace and its policy's text.
fn from_row(row: &Row<'_>) -> Result<(Workspace, String)> {
    let policy = text(row, 3)?;
    let workspace = Workspace {
        id: WorkspaceId(row.get(0).map_err(failure)?),
        name: text(row, 1)?,
        preset: optional_text(row, 2)?,
        policy: Policy::from_toml(&policy)
            .map_err(|error| damaged(format!("a workspace's policy: {error}")))?,
        plan: optional_text(row, 4)?,
        created_at: Timestamp::from_millis(row.get(5).map_err(failure)?),
        created_by: text(row, 6)?,
    };
    Ok((workspace, policy))
}
