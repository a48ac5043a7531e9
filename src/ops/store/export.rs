//! Writing out every record, hashes included, for another store to import.

use std::collections::BTreeSet;

use crate::domain::known_format::KnownFormat;
use crate::domain::{Key, KeySeq, Timestamp, Workspace};
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::select;
use crate::store::{Reader, Store};

#[derive(Debug)]
pub enum Record<'a> {
    /// A workspace; it comes before its keys.
    Workspace(&'a Workspace),
    /// A token format that no workspace has any more; they come first.
    Format(&'a KnownFormat),
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
        let access = Access::of_operator(reader, actor, now)?;
        let every = workspace.is_none();
        let workspaces = select::selected_workspaces(reader, &access, workspace, every)?;
        for format in earlier(reader, &workspaces, every)? {
            body(Record::Format(&format))?;
        }
        for workspace in workspaces {
            body(Record::Workspace(&workspace))?;
            reader.for_each_key_after(&workspace, KeySeq(0), u32::MAX, |_, key| {
                body(Record::Key(&key))
            })?;
        }
        Ok(())
    })
}

/// The formats that none of these workspaces has any more; of one workspace those that its keys have.
fn earlier(reader: &Reader<'_>, workspaces: &[Workspace], every: bool) -> Result<Vec<KnownFormat>> {
    let mut formats = reader.formats()?;
    for workspace in workspaces {
        let current = KnownFormat::Minted(workspace.policy.token_format()?);
        formats.retain(|format| *format != current);
    }
    let mut fronts = BTreeSet::new();
    if every || formats.is_empty() {
        return Ok(formats);
    }
    for workspace in workspaces {
        reader.for_each_key_after(workspace, KeySeq(0), u32::MAX, |_, key| {
            let front = key.prefix.strip_suffix(key.short.as_str());
            fronts.extend(front.map(str::to_owned));
            Ok(())
        })?;
    }
    formats.retain(|format| fronts.iter().any(|front| format.begins(front)));
    Ok(formats)
}
