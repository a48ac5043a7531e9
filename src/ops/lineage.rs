//! What a name stands for: its lineage, which is every key of that name and environment that can still verify.
//!
//! This module never changes a key, and never takes an id or a prefix for more than the one record it names.

use std::collections::BTreeSet;
use std::fmt;

use crate::domain::{Key, KeyId, Status, Timestamp};
use crate::error::Result;
use crate::ops::select::{self, Reach, Selector};
use crate::ops::{links, remedy};
use crate::store::Reader;

/// What a KEY means.
#[derive(Debug)]
pub(super) struct Meant {
    /// The key itself: for a name its holder, or else the newest that it had.
    pub(super) key: Key,
    /// For a name, the others of its lineage, the newest first.
    pub(super) others: Vec<Key>,
}

impl Meant {
    pub(super) fn by(
        reader: &Reader<'_>,
        reach: &Reach,
        selector: &Selector,
        now: Timestamp,
    ) -> Result<Self> {
        let (key, is_name) = select::find(reader, reach, selector, now)?;
        let others = if is_name { others(reader, &key, now)? } else { Vec::new() };
        Ok(Self { key, others })
    }

    /// Every key that is meant and could come to verify, the key itself first; that one also where it could not.
    pub(super) fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.key).chain(&self.others)
    }

    /// A pending key that could come to verify although every other is paused: it waits for none of them.
    pub(super) fn pending_beside_a_pause(&self, now: Timestamp) -> Option<&Key> {
        let waits = |pending: &Key| {
            let rotation = pending.rotation.as_ref();
            rotation.is_some_and(|rotation| {
                let mut found = self.all();
                found.any(|key| key.id == rotation.replaces && can_be_paused(key, now))
            })
        };
        let mut pending = self.all().filter(|key| key.is_pending(now));
        pending.find(|key| !waits(key))
    }
}

/// Whether a key is active or disabled, which disabling and enabling change to one another.
pub(super) fn can_be_paused(key: &Key, now: Timestamp) -> bool {
    key.status(now) == Status::Active || key.is_paused(now)
}

/// The other keys of a key's name and environment that can still come to verify, the newest first: active, pending or disabled.
pub(super) fn others(reader: &Reader<'_>, key: &Key, now: Timestamp) -> Result<Vec<Key>> {
    let mut named = reader.keys_named(key.workspace_id, &key.name)?;
    named.retain(|other| {
        let is_of_it = other.environment == key.environment && other.id != key.id;
        is_of_it && other.is_living(now)
    });
    Ok(named)
}

/// Of [`others`], those that verify or that their holders can activate. A disabled key does neither until it is enabled, and a
/// pending one that would replace it waits for that.
pub(super) fn still_valid(reader: &Reader<'_>, key: &Key, now: Timestamp) -> Result<Vec<Key>> {
    let mut found = Vec::new();
    for other in others(reader, key, now)? {
        let awaited = match other.is_pending(now) {
            true => links::predecessor(reader, &other)?,
            false => None,
        };
        if !other.is_paused(now) && !awaited.is_some_and(|awaited| awaited.is_paused(now)) {
            found.push(other);
        }
    }
    Ok(found)
}

/// Keys that a command did not change, although a key of their name was meant.
#[derive(Debug, Clone, Default)]
pub struct Rest {
    pub ids: Vec<KeyId>,
    /// The commands that end them, one for each workspace.
    commands: Vec<String>,
}

impl Rest {
    /// The keys of these keys' lineages, as before the command, that stay valid when these keys are done.
    pub(super) fn of(reader: &Reader<'_>, dealt_with: &[&Key], now: Timestamp) -> Result<Self> {
        let mut known: BTreeSet<KeyId> = dealt_with.iter().map(|key| key.id.clone()).collect();
        let mut left: Vec<Key> = Vec::new();
        for key in dealt_with {
            for other in still_valid(reader, key, now)? {
                if known.insert(other.id.clone()) {
                    left.push(other);
                }
            }
        }
        let mut rest = Self::default();
        left.sort_by_key(|key| key.workspace_id);
        for keys in left.chunk_by(|one, other| one.workspace_id == other.workspace_id) {
            let ids: Vec<String> = keys.iter().map(|key| key.id.to_string()).collect();
            let place = remedy::place(reader, &keys[0].workspace)?;
            rest.commands.push(format!("`keyward revoke {}{place}`", ids.join(" ")));
        }
        rest.ids = left.into_iter().map(|key| key.id).collect();
        Ok(rest)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

impl fmt::Display for Rest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<String> = self.ids.iter().map(KeyId::to_string).collect();
        let (subject, ends) = match (ids.len(), self.commands.len()) {
            (1, _) => ("another key of this name", "ends it"),
            (_, 1) => ("other keys of this name", "ends them"),
            _ => ("other keys of these names", "end them"),
        };
        write!(
            formatter,
            "{subject} can still verify: {}; {} {ends}",
            ids.join(", "),
            self.commands.join(" and ")
        )
    }
}
