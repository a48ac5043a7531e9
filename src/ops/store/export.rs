//! Writing out every record, hashes included, for another store to import.

use crate::domain::{Key, KeySeq, Timestamp, Workspace};
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::select;
use crate::store::Store;

/// A record that is handed out.
#[derive(Debug)]
pub enum Record<'a> {
    /// A workspace; it comes before its keys.
    Workspace(&'a Workspace),
    /// A key.
    Key(&'a Key),
}

/// Calls the closure with each record of a workspace, or of all, as of one moment.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    workspace: Option<&str>,
    now: Timestamp,
    mut body: impl FnMut(Record<'_>) -> Result<()>,
) -> Result<()> {
    store.read(|reader| {
        let access = Access::admit(reader, actor, now)?;
        access.require_operator()?;
        let every = workspace.is_none();
        for workspace in select::selected_workspaces(reader, &access, workspace, every)? {
            body(Record::Workspace(&workspace))?;
            reader.for_each_key_after(&workspace, KeySeq(0), u32::MAX, |_, key| {
                body(Record::Key(&key))
            })?;
        }
        Ok(())
    })
}
