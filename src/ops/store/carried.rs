//! Collecting what current keys keep when a backup is restored, and writing it.

use std::collections::BTreeMap;

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::endings::Ending;
use crate::domain::restoration::{Merged, What, earlier};
use crate::domain::{Key, KeyId, KeySeq, State, Timestamp};
use crate::error::Result;
use crate::ops::access::Act;
use crate::ops::select;
use crate::ops::succession::{PREVIOUS, expiry_before};
use crate::store::{Note, Trace, Writer};

/// A key that keeps something.
#[derive(Debug)]
pub struct Kept {
    /// The current key.
    pub key: Key,
    pub backup: Key,
    /// What stays.
    pub what: Vec<What>,
    /// Whether the key that has replaced it is in the restored store.
    pub is_followed: bool,
}

/// Where a trace was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// In the current store, which is intact enough.
    Present,
    /// In a damaged one in its place.
    Damaged,
    /// In a store that was moved aside. Only its revocations count: everything else may have been changed back since.
    Aside,
}

#[derive(Default)]
pub(super) struct Carried {
    merged: BTreeMap<KeySeq, Merged>,
    /// The successors that the backup does not have, each with the expiry that it has taken from its predecessor.
    successors: BTreeMap<KeyId, Option<Timestamp>>,
    /// What the trail records about superseded keys whose successors are lost.
    notes: BTreeMap<KeySeq, Note>,
}

impl Carried {
    /// Takes a trace of the current keys.
    pub(super) fn take(&mut self, writer: &Writer<'_>, trace: Trace, from: Origin) -> Result<()> {
        match trace {
            Trace::Record(key) => return self.take_record(writer, &key, from),
            Trace::Hash(hash) => return writer.keep_ended(&hash),
            Trace::End(id, ending) => {
                writer.keep_end_of(&id)?;
                if let Some((seq, backup)) = writer.key_of_backup(&id)? {
                    self.change(seq, backup, |merged| merged.end(ending));
                }
            }
            Trace::Expiry(id, at) if from != Origin::Aside => {
                if let Some((seq, backup)) = writer.key_of_backup(&id)? {
                    self.change(seq, backup, |merged| merged.shorten(Some(at)));
                }
            }
            Trace::Expiry(..) => {}
        }
        Ok(())
    }

    fn take_record(&mut self, writer: &Writer<'_>, present: &Key, from: Origin) -> Result<()> {
        let is_revoked = present.state == State::Revoked;
        let theirs = match is_revoked {
            // Under whichever id.
            true => writer.key_of_backup_by_hash(&present.hash)?,
            false => writer.key_of_backup(&present.id)?,
        };
        if is_revoked {
            writer.keep_ended(&present.hash)?;
        }
        match theirs {
            Some((seq, backup)) if is_revoked || from != Origin::Aside => {
                // SECURITY: a cancelled rotation gives a key more life than the backup does.
                let is_believed = from == Origin::Present && writer.agrees_on_key(present)?;
                self.change(seq, backup, |merged| merged.keep(present, is_believed));
            }
            None if present.rotation.is_some() && from != Origin::Aside => {
                let previous = present.previous_expires_at();
                self.successors.insert(present.id.clone(), previous);
            }
            _ => {}
        }
        Ok(())
    }

    /// Changes a key of the backup, and records it if it is different afterwards.
    fn change(&mut self, seq: KeySeq, backup: Key, change: impl FnOnce(&mut Merged)) {
        let known = self.merged.remove(&seq);
        let mut merged = known.unwrap_or_else(|| Merged::of(backup));
        change(&mut merged);
        if !merged.is_unchanged() {
            self.merged.insert(seq, merged);
        }
    }

    /// Writes the keys over those of the backup, which are in their places.
    pub(super) fn write(&mut self, writer: &Writer<'_>, latest: Timestamp) -> Result<()> {
        writer.for_each_ended_alive(|seq, key| {
            self.change(seq, key, |merged| merged.end(Ending::unspecified(latest)));
            Ok(())
        })?;
        let is_superseded = |merged: &Merged| merged.kept.contains(&What::Superseded);
        let superseded = self.merged.iter();
        let superseded = superseded.filter(|(_, merged)| is_superseded(merged));
        for seq in superseded.map(|(seq, _)| *seq).collect::<Vec<_>>() {
            self.keep_expiry_before(writer, seq)?;
        }
        for merged in self.merged.values() {
            writer.put_back(&as_it_is_to_be(merged))?;
        }
        Ok(())
    }

    /// Keeps what `rotate --cancel` gives a superseded key back: in the record of its successor, or where that is gone, in the trail.
    fn keep_expiry_before(&mut self, writer: &Writer<'_>, seq: KeySeq) -> Result<()> {
        let Some(merged) = self.merged.get(&seq) else {
            return Ok(());
        };
        let key = as_it_is_to_be(merged);
        let Some(successor) = key.replaced_by.clone() else {
            return Ok(());
        };
        // The expiry from a rotation that was cancelled since is not a limit.
        let is_bound = merged.uncancelled().is_none();
        let bound = merged.backup.expires_at.filter(|_| is_bound);
        if let Some((seq, successor)) = writer.key_as_it_stands(&successor)? {
            self.change(seq, successor, |merged| merged.shorten_previous(bound));
            return Ok(());
        }
        let told = expiry_before(writer, &key, &successor)?;
        let known = self.successors.get(&successor).copied().or(told);
        let previous = if is_bound { Some(earlier(known.flatten(), bound)) } else { known };
        if let Some(previous) = previous {
            let mut note = Note { is_due: told != Some(previous), ..Note::default() };
            let previous = previous.map(|at| at.to_string());
            note.details.insert("replacedBy".to_owned(), json!(successor.as_str()));
            note.details.insert(PREVIOUS.to_owned(), json!(previous));
            self.notes.insert(seq, note);
        }
        Ok(())
    }

    /// What the trail will record about the key in this row.
    pub(super) fn note_of(&self, seq: KeySeq) -> Note {
        let mut note = self.notes.get(&seq).cloned().unwrap_or_default();
        if let Some(merged) = self.merged.get(&seq) {
            let words: Vec<&str> = merged.kept.iter().map(|what| what.word()).collect();
            note.details.insert("kept".to_owned(), json!(words));
        }
        note
    }

    /// Takes a cancelled rotation back where another key has the name that the old key would have: it stays superseded, and
    /// cancelling says what is in the way.
    pub(super) fn settle_names(&mut self, act: &Act<'_, '_>) -> Result<()> {
        for merged in self.merged.values_mut() {
            let Some(old) = merged.uncancelled() else {
                continue;
            };
            if !old.holds_its_name(act.now) || !is_taken(act, &old, act.now)? {
                continue;
            }
            merged.forget_cancelled();
            act.update_key(&merged.key)?;
            let details = json!({ "status": merged.key.state.word() });
            act.note(Action::KeyRestore, merged.key.id.as_str(), &details)?;
        }
        Ok(())
    }

    /// Of how many keys something stays.
    pub(super) fn count(&self) -> usize {
        let merged = self.merged.values();
        merged.filter(|merged| !merged.kept.is_empty()).count()
    }

    /// What stays, in the order of minting.
    pub(super) fn into_kept(self, writer: &Writer<'_>) -> Result<Vec<Kept>> {
        let merged = self.merged.into_values();
        let kept = merged.filter(|merged| !merged.kept.is_empty());
        kept.map(|merged| {
            let key = as_it_is_to_be(&merged);
            let is_followed = match &key.replaced_by {
                Some(successor) => writer.find_seq(successor)?.is_some(),
                None => true,
            };
            Ok(Kept { key, backup: merged.backup, what: merged.kept, is_followed })
        })
        .collect()
    }
}

fn as_it_is_to_be(merged: &Merged) -> Key {
    merged.uncancelled().unwrap_or_else(|| merged.key.clone())
}

/// Whether another key has this one's name.
fn is_taken(writer: &Writer<'_>, key: &Key, now: Timestamp) -> Result<bool> {
    for other in writer.keys_named(key.workspace_id, &key.name)? {
        let is_another = other.id != key.id && other.environment == key.environment;
        if is_another && select::holds_its_name(writer, &other, now)? {
            return Ok(true);
        }
    }
    Ok(false)
}
