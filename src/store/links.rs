//! The keys whose records name others: a rotation has linked them.

use std::collections::BTreeMap;

use super::Reader;
use super::key_row::COLUMNS;
use crate::domain::{Key, KeyId};
use crate::error::{Kind, Result};

impl Reader<'_> {
    /// Calls the closure with every sound record that names another key.
    pub fn for_each_linked_key(&self, mut body: impl FnMut(Key) -> Result<()>) -> Result<()> {
        let condition = "(key.replaces IS NOT NULL OR key.replaced_by IS NOT NULL)";
        self.for_each_sealed(COLUMNS, condition, |_, _, key| match key {
            Ok((key, None)) => body(key),
            Ok((_, Some(_))) => Ok(()),
            Err(error) if error.kind() == Kind::Damaged => Ok(()),
            Err(error) => Err(error),
        })
    }

    /// The ids that records name as their successors and that do not exist, each with the keys that name it.
    pub fn missing_successors(&self) -> Result<BTreeMap<KeyId, Vec<KeyId>>> {
        let mut missing: BTreeMap<KeyId, Vec<KeyId>> = BTreeMap::new();
        self.session.each(
            "SELECT replaced_by, id FROM key WHERE replaced_by IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM key AS successor WHERE successor.id = key.replaced_by)",
            &[],
            |row| {
                missing.entry(row.get(0)?).or_default().push(row.get(1)?);
                Ok(())
            },
        )?;
        Ok(missing)
    }
}
