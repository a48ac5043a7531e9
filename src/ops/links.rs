//! Following the links between a key and the one that replaces it.
//!
//! This module never follows one out of the key's workspace or environment: to everything else such a link leads nowhere.

use std::collections::BTreeSet;

use crate::domain::flaw::{BadLink, Field};
use crate::domain::{Key, KeyId, Timestamp};
use crate::error::Result;
use crate::store::Reader;

/// The key that this one has replaced, or waits to replace.
pub(super) fn predecessor(reader: &Reader<'_>, key: &Key) -> Result<Option<Key>> {
    let old = named(reader, key.replaces())?;
    Ok(old.filter(|old| key.may_replace(old)))
}

pub(super) fn successor(reader: &Reader<'_>, key: &Key) -> Result<Option<Key>> {
    let new = named(reader, key.replaced_by.as_ref())?;
    Ok(new.filter(|new| new.may_replace(key)))
}

/// The keys that were minted to replace this one; once one of them has, only that one.
pub(super) fn replacements(reader: &Reader<'_>, key: &Key) -> Result<Vec<Key>> {
    let mut replacements = reader.keys_replacing(&key.id)?;
    replacements.retain(|new| new.may_replace(key));
    Ok(replacements)
}

/// Keys from which the links to what they replace come to an end, so that no chain is followed twice.
#[derive(Debug, Default)]
pub(super) struct Ending(BTreeSet<KeyId>);

/// What is wrong with the links that this key's record has to others. One to a key that does not exist is allowed: its record
/// was pruned.
pub(super) fn faults(
    reader: &Reader<'_>,
    key: &Key,
    ending: &mut Ending,
    now: Timestamp,
) -> Result<Vec<BadLink>> {
    let mut faults = Vec::new();
    let links = [(Field::Replaces, key.replaces()), (Field::ReplacedBy, key.replaced_by.as_ref())];
    for (field, id) in links {
        if let Some(target) = named(reader, id)? {
            faults.extend(BadLink::between(key, field, &target, now));
        }
    }
    if faults.is_empty()
        && let Some(target) = key.replaces()
        && is_in_a_circle(reader, key, target, ending)?
    {
        faults.push(BadLink::circle(key, target));
    }
    Ok(faults)
}

/// What is wrong with the links of a key that is not in the store yet, or with those of others to it. These name it as their
/// successor.
pub(super) fn fault_of_new(
    reader: &Reader<'_>,
    key: &Key,
    namers: &[KeyId],
    now: Timestamp,
) -> Result<Option<BadLink>> {
    if let Some(fault) = faults(reader, key, &mut Ending::default(), now)?.into_iter().next() {
        return Ok(Some(fault));
    }
    for new in reader.keys_replacing(&key.id)? {
        if let Some(fault) = BadLink::between(&new, Field::Replaces, key, now) {
            return Ok(Some(fault));
        }
    }
    for namer in namers {
        if let Some(old) = named(reader, Some(namer))?
            && let Some(fault) = BadLink::between(&old, Field::ReplacedBy, key, now)
        {
            return Ok(Some(fault));
        }
    }
    Ok(None)
}

/// Whether the links from what a key replaces lead back to it.
fn is_in_a_circle(
    reader: &Reader<'_>,
    key: &Key,
    target: &KeyId,
    Ending(ending): &mut Ending,
) -> Result<bool> {
    // Most keys are replaced by nothing that exists, which ends the search before it begins.
    if *target != key.id && reader.keys_replacing(&key.id)?.is_empty() {
        return Ok(false);
    }
    let (mut met, mut next) = (BTreeSet::new(), Some(target.clone()));
    while let Some(id) = next.filter(|id| !ending.contains(id)) {
        if id == key.id {
            return Ok(true);
        }
        let found = reader.key_by_id(id.as_str())?;
        next = found.and_then(|key| key.replaces().cloned());
        // Another circle, without this key.
        if !met.insert(id) {
            return Ok(false);
        }
    }
    ending.append(&mut met);
    Ok(false)
}

fn named(reader: &Reader<'_>, id: Option<&KeyId>) -> Result<Option<Key>> {
    match id {
        None => Ok(None),
        Some(id) => reader.key_by_id(id.as_str()),
    }
}
