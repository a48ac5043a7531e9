//! Showing one key.

use crate::domain::usage::LastUse;
use crate::domain::{Key, KeyId, Permission, Timestamp};
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::select::{self, Selector};
use crate::ops::succession::{Way, way_on};
use crate::ops::{lineage, remedy};
use crate::store::Store;

/// A key as it is shown.
#[derive(Debug)]
pub struct Outcome {
    /// The key.
    pub key: Key,
    /// Its last use.
    pub last_use: Option<LastUse>,
    /// The others of its name and environment that are still valid, the newest first.
    pub others: Vec<KeyId>,
    /// What can be done where the key was superseded, and all that followed it has ended or is gone.
    pub way_on: Option<String>,
}

/// Finds the key that a selector means.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    workspace: Option<&str>,
    selector: &Selector,
    now: Timestamp,
) -> Result<Outcome> {
    store.read(|reader| {
        let access = Access::admit(reader, actor, now)?;
        access.require(Permission::List)?;
        let workspaces = select::workspaces(reader, &access, workspace)?;
        let key = select::key(reader, &workspaces, selector, now)?;
        let last_use = reader.last_use(reader.seq_of(&key.id)?)?;
        let others = lineage::still_valid(reader, &key, now)?;
        let way_on = match way_on(reader, &key, now)? {
            Some(way @ Way::Cancel(_)) => {
                let owner = select::owner_of(&workspaces, &key);
                Some(way.hint(&remedy::place(reader, &owner.name)?))
            }
            _ => None,
        };
        Ok(Outcome {
            way_on,
            key,
            last_use,
            others: others.into_iter().map(|other| other.id).collect(),
        })
    })
}
