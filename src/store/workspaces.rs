//! The `workspace` table.

use super::ahead::Foreseen;
use super::damage::damaged;
use super::integrity::{Told, is_whole_with};
use super::session::Row;
use super::value::{Value, values};
use super::{Reader, Writer};
use crate::domain::audit::About;
use crate::domain::name::spellings;
use crate::domain::record::RecordDigest;
use crate::domain::{Policy, Workspace, WorkspaceId};
use crate::error::Result;

/// Workspaces with the newest event about each.
pub(super) const SELECT: &str =
    "SELECT workspace.workspace_id, workspace.name, workspace.preset, workspace.policy, workspace.plan, workspace.created_at,
    workspace.created_by, event.seq, event.time, event.actor, event.action, event.subject, event.details, event.previous, event.hash
    FROM workspace LEFT JOIN audit AS event ON event.seq = (SELECT newest.seq FROM audit AS newest
        WHERE newest.subject = workspace.name AND substr(newest.action, 1, 10) = 'workspace.' ORDER BY newest.seq DESC LIMIT 1)";
/// Which has a row number.
const BY_ID: &str = "WHERE workspace.workspace_id = ?1";
/// The first column of the event.
const EVENT: usize = 7;

impl Reader<'_> {
    /// The workspace of this name.
    pub fn workspace_named(&self, name: &str) -> Result<Option<Workspace>> {
        for spelling in spellings(name) {
            let found = self.workspace("WHERE workspace.name = ?1", spelling.as_ref().into())?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The workspace of this row number.
    pub fn workspace_by_id(&self, id: WorkspaceId) -> Result<Option<Workspace>> {
        self.workspace(BY_ID, id.into())
    }

    /// Has the workspace that a condition finds brought with the next statement that is waited for.
    pub(super) fn foresee_workspace(&self, filter: &str, value: Value<'_>) {
        let [sql, asked] = [filter, BY_ID].map(|filter| format!("{SELECT} {filter}"));
        self.session.foresee(&Foreseen { sql: &sql, asked: &asked, column: 0 }, &[value]);
    }

    /// Every workspace, by name.
    pub fn workspaces(&self) -> Result<Vec<Workspace>> {
        let all = self.workspaces_as_they_stand()?.into_iter();
        all.map(|(_, workspace)| self.verified_workspace(workspace?)).collect()
    }

    /// How many there are.
    pub fn count_workspaces(&self) -> Result<u64> {
        let count = self.session.one("SELECT count(*) FROM workspace", &[], |row| row.get(0))?;
        Ok(count.map_or(0, i64::unsigned_abs))
    }

    fn workspace(&self, filter: &str, value: Value<'_>) -> Result<Option<Workspace>> {
        let sql = format!("{SELECT} {filter}");
        let found = self.session.one(&sql, &[value], from_row)?;
        found.map(|found| self.verified_workspace(found)).transpose()
    }

    /// Every workspace's name and row with its policy's text, damaged or not.
    pub(super) fn workspaces_as_they_stand(&self) -> Result<Vec<(String, Result<Told>)>> {
        let sql = format!("{SELECT} ORDER BY workspace.name");
        self.session.all(&sql, &[], |row| Ok((row.text(1)?, from_row(row))))
    }

    fn verified_workspace(&self, told: Told) -> Result<Workspace> {
        self.verify_workspace(&told)?;
        Ok(told.0)
    }

    /// The digest of the record of the workspace of this name.
    pub(super) fn digest_of_workspace(&self, name: &str) -> Result<Option<RecordDigest>> {
        let sql = format!("{SELECT} WHERE workspace.name = ?1");
        let found = self.session.one(&sql, values![name], from_row)?;
        found
            .map(|told| {
                self.verify_workspace(&told)?;
                let (workspace, policy, _) = told;
                Ok(RecordDigest::of_workspace(&workspace, &policy))
            })
            .transpose()
    }
}

impl Writer<'_> {
    /// Adds a workspace; its `id` is set by the store and returned.
    pub fn insert_workspace(&self, workspace: &Workspace) -> Result<WorkspaceId> {
        let policy = workspace.policy.to_toml();
        let id = self.session.one(
            "INSERT INTO workspace (name, preset, policy, plan, created_at, created_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING workspace_id",
            values![
                &workspace.name,
                workspace.preset.as_ref(),
                &policy,
                workspace.plan.as_ref(),
                workspace.created_at,
                &workspace.created_by,
            ],
            |row| row.get(0),
        )?;
        let id = id.ok_or_else(|| damaged("it gave a workspace no number"))?;
        let inserted = Workspace { id, ..workspace.clone() };
        self.keep_format_of(&workspace.policy)?;
        self.changed_workspace(&inserted, &policy);
        Ok(id)
    }

    /// Saves a workspace's name, policy and plan.
    pub fn update_workspace(&self, workspace: &Workspace) -> Result<()> {
        let policy = workspace.policy.to_toml();
        self.changed_workspace(workspace, &policy);
        self.keep_format_of(&workspace.policy)?;
        self.session
            .run(
                "UPDATE workspace SET name = ?2, preset = ?3, policy = ?4, plan = ?5 WHERE workspace_id = ?1",
                values![
                    workspace.id,
                    &workspace.name,
                    workspace.preset.as_ref(),
                    &policy,
                    workspace.plan.as_ref(),
                ],
            )
    }

    fn changed_workspace(&self, workspace: &Workspace, policy: &str) {
        let digest = RecordDigest::of_workspace(workspace, policy);
        self.unaudited(About::Workspace, &workspace.name, digest);
    }

    /// Deletes a workspace, the records of its keys and what they were used for. The keys' hashes stay among those of ended keys.
    pub fn delete_workspace(&self, id: WorkspaceId) -> Result<()> {
        self.delete_usage(id)?;
        self.end_all_of(id)?;
        for sql in [
            "DELETE FROM revision WHERE key_seq IN (SELECT seq FROM key WHERE workspace_id = ?1)",
            "DELETE FROM key WHERE workspace_id = ?1",
            "DELETE FROM workspace WHERE workspace_id = ?1",
        ] {
            self.session.run(sql, values![id])?;
        }
        Ok(())
    }
}

fn from_row(row: &Row<'_>) -> Result<Told> {
    let policy = row.text(3)?;
    let workspace = Workspace {
        id: row.get(0)?,
        name: row.text(1)?,
        preset: row.optional_text(2)?,
        policy: Policy::from_toml(&policy)
            .map_err(|error| damaged(format!("a workspace's policy: {error}")))?,
        plan: row.optional_text(4)?,
        created_at: row.get(5)?,
        created_by: row.text(6)?,
    };
    let digest = RecordDigest::of_workspace(&workspace, &policy);
    let is_told = is_whole_with(row, EVENT, digest);
    Ok((workspace, policy, is_told))
}
