//! What has changed since something was cached, according to the trail; and the hash table that a verifier looks things up in.
//!
//! This module never relies on a trail that does not continue where it was left, or on an event that it does not
//! understand: then everything may have changed.
//!
//! `store::Writer` commits no record without an event under the key's id or the workspace's name, so anything that no
//! event names is unchanged.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use serde_json::Value;

use crate::domain::Key;
use crate::domain::audit::{About, Action, Event, Head};
use crate::error::{Kind, Result};
use crate::store::Reader;

/// A table that is only looked up in, never shown: its order, which changes from run to run, is never visible.
#[expect(
    clippy::disallowed_types,
    reason = "a million keys are looked up three times as fast as in a BTreeMap, and their order is not shown"
)]
pub(super) type Table<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// After more events than this, reading them takes longer than looking up again what is needed.
const MOST: i64 = 10_000;

/// Subjects of changes, each with the round in which its last change was read.
#[derive(Default)]
pub(super) struct Changes {
    /// How often changes were read.
    heard: u64,
    last: Table<u64, u64>,
    state: RandomState,
}

/// When a key was cached, and what identifies its changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    heard: u64,
    key: u64,
    workspace: u64,
}

/// What may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Everything,
    /// The keys of the events, and what else there is.
    Some {
        /// Workspaces were added or changed.
        workspaces: bool,
        /// A key may have a secret that none had.
        hashes: bool,
    },
}

impl Changes {
    /// Reads what happened between two ends of the trail.
    pub fn hear(&mut self, reader: &Reader<'_>, since: Head, until: Head) -> Result<Told> {
        let are_few = matches!(until.seq.checked_sub(since.seq), Some(1..=MOST));
        if !are_few || !(since == Head::NONE || reader.has_event(since)?) {
            return Ok(Told::Everything);
        }
        self.heard += 1;
        let (mut end, mut told) = (since, Some([false, false]));
        let heard = reader.for_each_event(since.seq + 1, |event| {
            let follows = event.follows(end.seq + 1, end.hash);
            end = Head { seq: event.seq, hash: event.hash };
            let more = follows.then(|| self.note(&event)).flatten();
            told = told.zip(more).map(|(told, more)| [told[0] | more[0], told[1] | more[1]]);
            Ok(())
        });
        match heard {
            Err(error) if error.kind() != Kind::Damaged => return Err(error),
            Ok(()) if end == until && self.last.len() as i64 <= MOST => {}
            _ => told = None,
        }
        Ok(told.map_or(Told::Everything, |[workspaces, hashes]| Told::Some { workspaces, hashes }))
    }

    /// Notes an event. Says whether it is about a workspace and whether it may have brought a hash; nothing where it may be about
    /// anything.
    fn note(&mut self, event: &Event) -> Option<[bool; 2]> {
        let (workspaces, hashes) = match Action::of(&event.action)? {
            Action::WorkspaceUse | Action::StoreFormat => return Some([false, false]),
            Action::WorkspaceRename => {
                let details: Value = serde_json::from_str(&event.details).ok()?;
                self.insert(About::Workspace, details.get("from")?.as_str()?);
                (true, false)
            }
            Action::WorkspaceCreate | Action::WorkspaceImport | Action::WorkspaceSet => {
                (true, false)
            }
            Action::KeyMint | Action::KeyReissue | Action::KeyImport => (false, true),
            Action::KeyHold
            | Action::KeyActivate
            | Action::KeyVoid
            | Action::KeyRename
            | Action::KeySet
            | Action::KeyDisable
            | Action::KeyEnable
            | Action::KeyRotate
            | Action::KeyCancel
            | Action::KeyRevoke
            | Action::KeyPrune
            | Action::KeyReuse
            | Action::KeyExpose => (false, false),
            Action::KeyRestore
            | Action::KeySeal
            | Action::WorkspaceDelete
            | Action::WorkspaceRestore
            | Action::WorkspaceSeal
            | Action::StoreRestore
            | Action::StoreClock => return None,
        };
        let about = if workspaces { About::Workspace } else { About::Key };
        self.insert(about, &event.subject);
        Some([workspaces, hashes])
    }

    fn insert(&mut self, about: About, subject: &str) {
        let tag = self.tag(about, subject);
        self.last.insert(tag, self.heard);
    }

    /// Identifies a subject. A collision is too rare to matter, and only costs another lookup.
    fn tag(&self, about: About, subject: &str) -> u64 {
        self.state.hash_one((about.front(), subject))
    }

    /// The origin of a key's record that is read now.
    pub fn origin(&self, key: &Key) -> Origin {
        Origin {
            heard: self.heard,
            key: self.tag(About::Key, key.id.as_str()),
            workspace: self.tag(About::Workspace, &key.workspace),
        }
    }

    /// Whether a key's record, or its workspace's, was changed since it was read.
    pub fn concern(&self, origin: Origin) -> bool {
        let is_later = |tag| self.last.get(&tag).is_some_and(|last| *last > origin.heard);
        !self.last.is_empty() && (is_later(origin.key) || is_later(origin.workspace))
    }

    /// Drops them once nothing older is cached.
    pub fn forget(&mut self) {
        self.last.clear();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::timestamp::Timestamp;
    use crate::store::Store;

    /// Adds so many events about a key and returns the trail's end.
    fn add(store: &mut Store, action: Action, count: i64) -> Head {
        let now = Timestamp::from_millis(1);
        let added = store.write(|writer| {
            for _ in 0..count {
                writer.audit(now, "x", action, "y", &json!({}))?;
            }
            writer.head()
        });
        added.expect("an empty store can be written")
    }

    fn hear(store: &mut Store, since: Head) -> Told {
        let told = store.read(|reader| Changes::default().hear(reader, since, reader.head()?));
        told.expect("the trail can be read")
    }

    const LITTLE: Told = Told::Some { workspaces: false, hashes: false };

    #[test]
    fn a_trail_that_goes_on_tells_what_was_changed_and_any_other_that_everything_was() {
        let mut store = Store::empty();
        let first = add(&mut store, Action::KeyRename, 1);
        add(&mut store, Action::KeyRevoke, 2);
        assert_eq!(hear(&mut store, first), LITTLE);
        assert_eq!(hear(&mut store, Head::NONE), LITTLE);
        let other = Head { hash: Head::NONE.hash, ..first };
        let later = Head { seq: first.seq + 9, ..first };
        assert_eq!(hear(&mut store, other), Told::Everything);
        assert_eq!(hear(&mut store, later), Told::Everything);
        add(&mut store, Action::StoreClock, 1);
        assert_eq!(hear(&mut store, first), Told::Everything);
    }

    #[test]
    fn a_trail_that_is_much_longer_is_not_read() {
        let mut store = Store::empty();
        let first = add(&mut store, Action::KeyRename, 1);
        add(&mut store, Action::KeyRename, MOST);
        assert_eq!(hear(&mut store, first), LITTLE);
        add(&mut store, Action::KeyRename, 1);
        assert_eq!(hear(&mut store, first), Told::Everything);
    }
}
