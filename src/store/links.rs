//! The keys whose records name others: a rotation has linked them.
//!
//! This module never judges a link; `domain::link` does.

use std::collections::BTreeMap;

use super::Reader;
use super::failure::failure;
use super::key_row::{SELECT, text};
use crate::domain::key::{Key, KeyId};
use crate::error::{Kind, Result};

impl Reader<'_> {
    /// Calls the closure with every sound record that names another key.
    ///
    /// # Errors
    /// The closure's; the store's.
    pub fn for_each_linked_key(&self, mut body: impl FnMut(Key) -> Result<()>) -> Result<()> {
        let mut statement = self
            .connection
            .prepare(&format!(
                "{SELECT} WHERE key.replaces IS NOT NULL OR key.replaced_by IS NOT NULL ORDER BY key.seq"
            ))
            .map_err(failure)?;
        let mut rows = statement.query([]).map_err(failure)?;
        while let Some(row) = rows.next().map_err(failure)? {
            match self.believed_key(row) {
                Ok((_, key)) => body(key)?,
                Err(error) if error.kind() == Kind::Damaged => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The ids that records name as their successors and that do not exist, each with the keys that name it.
    ///
    /// # Errors
    /// The store's.
    pub fn missing_successors(&self) -> Result<BTreeMap<KeyId, Vec<KeyId>>> {
        let mut statement = self
            .connection
            .prepare(
                "SELECT replaced_by, id FROM key WHERE replaced_by IS NOT NULL
                     AND NOT EXISTS (SELECT 1 FROM key AS successor WHERE successor.id = key.replaced_by)",
            )
            .map_err(failure)?;
        let mut rows = statement.query([]).map_err(failure)?;
        let mut missing: BTreeMap<KeyId, Vec<KeyId>> = BTreeMap::new();
        while let Some(row) = rows.next().map_err(failure)? {
            let id = |column| text(row, column).map(KeyId::from_stored);
            missing.entry(id(0)?).or_default().push(id(1)?);
        }
        Ok(missing)
    }
}
