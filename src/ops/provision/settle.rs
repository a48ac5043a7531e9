//! Making keys that are there as they should be: the one that holds the name, and older secrets of it in their grace.

use super::Wanted;
use crate::domain::{Key, Permission, Timestamp, Workspace};
use crate::error::Result;
use crate::ops::access::Access;
use crate::ops::lineage;
use crate::ops::set::{self, Changes};
use crate::store::Writer;

impl Wanted {
    /// The requested values of an existing key.
    pub(super) fn changes(&self) -> Changes {
        Changes {
            scopes: self.scopes.clone(),
            allow: self.allow.clone(),
            owner: self.owner.clone().map(Some),
            plan: self.plan.clone().map(Some),
            clear_labels: self.labels.is_some(),
            labels: self.labels.clone().unwrap_or_default(),
        }
    }

    /// What holds for older secrets of the name in their grace too; whose they are is the newest key's alone.
    pub(super) fn bounds(&self) -> Changes {
        Changes {
            scopes: self.scopes.clone(),
            allow: self.allow.clone(),
            plan: self.plan.clone().map(Some),
            ..Changes::default()
        }
    }

    /// Bounds the other keys of a key's name. Says whether anything was different.
    pub(super) fn bound_others(
        &self,
        writer: &Writer<'_>,
        access: &Access,
        workspace: &Workspace,
        key: &Key,
        now: Timestamp,
    ) -> Result<bool> {
        let (policy, others) = (&workspace.policy, lineage::others(writer, key, now)?);
        set::change_all(writer, access, policy, &others, &self.bounds(), now)
    }

    /// Makes a key as it should be, and bounds the others of its name.
    pub(super) fn settle(
        &self,
        writer: &Writer<'_>,
        access: &Access,
        workspace: &Workspace,
        key: &Key,
        now: Timestamp,
    ) -> Result<Box<Key>> {
        let (policy, changes) = (&workspace.policy, self.changes());
        let keys = std::slice::from_ref(key);
        let is_changed = set::change_all(writer, access, policy, keys, &changes, now)?;
        if self.bound_others(writer, access, workspace, key, now)? || is_changed {
            access.require(Permission::Set)?;
        }
        let key = writer.key_by_id(key.id.as_str())?;
        Ok(Box::new(key.expect("a key that is provisioned stays")))
    }
}
