//! What the use cases that change a key in place share.

use std::fmt::Display;

use crate::domain::{Key, KeyId, Safe, Timestamp};
use crate::error::{Error, Result};
use crate::ops::lineage::{Meant, Rest};
use crate::store::Writer;

/// A key, and those its name stands for, after a command that may have changed nothing.
#[derive(Debug)]
pub struct Outcome {
    pub key: Key,
    pub changed: bool,
    pub also_changed: Vec<KeyId>,
    /// Those of its lineage that were not meant.
    pub rest: Rest,
}

impl Outcome {
    /// Every key that changed, in words.
    pub fn subjects(&self) -> Option<String> {
        let key = self.changed.then_some(&self.key.id);
        let changed: Vec<String> =
            key.into_iter().chain(&self.also_changed).map(KeyId::to_string).collect();
        (!changed.is_empty()).then(|| changed.join(", "))
    }

    /// The name, and these ids of it, in words.
    pub fn named(&self, ids: impl Display) -> String {
        format!("{} ({ids})", Safe(&self.key.name))
    }
}

/// Separates the key itself from the others that changed, and finds the keys of its lineage that were not meant.
pub(super) fn outcome(
    writer: &Writer<'_>,
    meant: &Meant,
    changed: Vec<KeyId>,
    now: Timestamp,
) -> Result<Outcome> {
    let id = &meant.key.id;
    let after = writer.key_by_id(id.as_str())?;
    Ok(Outcome {
        key: after.expect("a key that is changed stays"),
        changed: changed.contains(id),
        rest: Rest::of(writer, &meant.all().collect::<Vec<_>>(), now)?,
        also_changed: changed.into_iter().filter(|other| other != id).collect(),
    })
}

/// Refuses to change a key that is revoked or expired.
pub(super) fn refuse_dead(key: &Key, now: Timestamp) -> Result<()> {
    match key.ended(now) {
        None => Ok(()),
        Some(end) => {
            Err(Error::conflict(format!("{} is {} and stays as it is", key.id, end.word()))
                .hinted("mint a new key instead"))
        }
    }
}
