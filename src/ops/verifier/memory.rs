//! What a verifier remembers of the store, and how it knows that this is still so.
//!
//! This module never lets a memory outlive a change: every change leaves an audit row, so the end of the trail tells.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use crate::domain::allowance::Allowance;
use crate::domain::audit::Head;
use crate::domain::code::Code;
use crate::domain::key::{Key, KeySeq};
use crate::domain::secret::{Secret, SecretHash};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::TokenFormat;
use crate::domain::verdict::Grounds;
use crate::domain::workspace::WorkspaceId;
use crate::error::{Error, Kind, Result};
use crate::ops::judge;
use crate::ops::verifier::table::Table;
use crate::store::{Freshness, Reader};

/// What is remembered of a key.
pub(super) struct Known<T> {
    pub seq: KeySeq,
    pub workspace: WorkspaceId,
    /// When that workspace was created.
    pub workspace_made_at: Timestamp,
    /// Its latest use as far as this verifier knows, in milliseconds since 1970.
    pub used_until: AtomicI64,
    pub grounds: Grounds,
    pub allowance: Allowance,
    pub kept: T,
    /// Where its last use was counted; see [`super::pending`].
    pub counted: AtomicUsize,
}

/// A key as a verifier's owner wants it kept; a clone is the same one.
pub struct Kept<T>(pub(super) Arc<Known<T>>);

impl<T> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.kept
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for Kept<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

impl<T> Known<T> {
    /// Whether a use at this moment would be the latest.
    pub fn is_latest(&self, now: Timestamp) -> bool {
        now.as_millis() >= self.used_until.load(Ordering::Relaxed)
    }

    /// Notes a use.
    pub fn was_used(&self, now: Timestamp) {
        self.used_until
            .fetch_max(now.as_millis(), Ordering::Relaxed);
    }
}

/// What is remembered of a workspace.
struct Owner {
    name: String,
    created_at: Timestamp,
    allowance: Allowance,
}

type Keys<T> = Table<SecretHash, Arc<Known<T>>>;

/// What is remembered of the store.
pub(super) struct Memory<T> {
    freshness: Option<Freshness>,
    head: Option<Head>,
    capacity: usize,
    /// Keys by their hash; those looked up since the last turn, and those of the turn before, which are about to go.
    young: Keys<T>,
    old: Keys<T>,
    owners: BTreeMap<WorkspaceId, Owner>,
    formats: Option<Vec<TokenFormat>>,
}

impl<T> Memory<T> {
    /// Remembers the last so many keys, and up to as many again that may turn out to be needed.
    pub fn new(capacity: usize) -> Self {
        Self {
            freshness: None,
            head: None,
            capacity,
            young: Keys::default(),
            old: Keys::default(),
            owners: BTreeMap::new(),
            formats: None,
        }
    }

    /// Whether nobody has changed the store since it was last refreshed.
    pub fn is_of(&self, freshness: Freshness) -> bool {
        self.freshness == Some(freshness)
    }

    /// The end of the audit trail that the memory is of; `None` where nothing is remembered.
    pub fn head(&self) -> Option<Head> {
        self.head
    }

    /// Forgets everything if anything was changed; what other processes count is no change. Says whether any process has
    /// written anything since.
    pub fn refresh(&mut self, reader: &Reader<'_>) -> Result<bool> {
        if self.capacity == 0 {
            // Nothing lasts, so nothing has to be compared.
            self.owners.clear();
            self.formats = None;
            return Ok(true);
        }
        let freshness = reader.freshness()?;
        if self.is_of(freshness) {
            return Ok(false);
        }
        let head = reader.head()?;
        if self.head != Some(head) {
            self.forget();
            self.head = Some(head);
        }
        self.freshness = Some(freshness);
        Ok(true)
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        self.freshness = None;
        self.head = None;
        self.young.clear();
        self.old.clear();
        self.owners.clear();
        self.formats = None;
    }

    /// A key, if it is remembered.
    pub fn recall(&mut self, hash: &SecretHash) -> Option<&Arc<Known<T>>> {
        if let Some(known) = self.old.remove(hash) {
            self.remember(*hash, known);
        }
        self.young.get(hash)
    }

    /// The key of this hash, remembered or looked up.
    pub fn key(
        &mut self,
        reader: &Reader<'_>,
        hash: SecretHash,
        keep: &dyn Fn(Key) -> T,
    ) -> Result<Option<Arc<Known<T>>>> {
        if let Some(known) = self.recall(&hash) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some((seq, mut key)) = reader.bare_key_by_hash(&hash)? else {
            return Ok(None);
        };
        let last = reader.last_use(seq)?;
        let owner = self.owner(reader, key.workspace_id)?;
        key.workspace.clone_from(&owner.name);
        let known = Arc::new(Known {
            seq,
            workspace: key.workspace_id,
            workspace_made_at: owner.created_at,
            used_until: AtomicI64::new(last.map_or(i64::MIN, |last| last.at.as_millis())),
            grounds: Grounds::from(&key),
            allowance: owner.allowance,
            kept: keep(key),
            counted: AtomicUsize::default(),
        });
        self.remember(hash, Arc::clone(&known));
        Ok(Some(known))
    }

    /// Judges a secret that no key has.
    pub fn judge_unknown(&mut self, reader: &Reader<'_>, secret: &Secret) -> Result<Code> {
        let formats = match &mut self.formats {
            Some(formats) => formats,
            unknown => unknown.insert(judge::formats(reader)?),
        };
        judge::judge_unknown(reader, formats, secret)
    }

    fn remember(&mut self, hash: SecretHash, known: Arc<Known<T>>) {
        if self.young.len() >= self.capacity {
            self.old = std::mem::take(&mut self.young);
        }
        if self.capacity > 0 {
            self.young.insert(hash, known);
        }
    }

    fn owner(&mut self, reader: &Reader<'_>, id: WorkspaceId) -> Result<&Owner> {
        match self.owners.entry(id) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => Ok(unknown.insert(owner(reader, id)?)),
        }
    }
}

fn owner(reader: &Reader<'_>, id: WorkspaceId) -> Result<Owner> {
    let gone = || {
        Error::new(
            Kind::Damaged,
            "the store is damaged: a key has no workspace",
        )
    };
    let workspace = reader.workspace_by_id(id)?.ok_or_else(gone)?;
    // A plan that the policy does not have, which only a store changed behind keyward's back names, limits nothing.
    let plan = workspace.plan.as_deref();
    let plan = plan.and_then(|plan| workspace.policy.plan(plan).ok());
    Ok(Owner {
        allowance: plan.map(Allowance::of).unwrap_or_default(),
        name: workspace.name,
        created_at: workspace.created_at,
    })
}
