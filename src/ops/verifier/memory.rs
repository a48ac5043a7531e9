//! What a verifier caches of the store, and how it checks that this is still correct.
//!
//! This module never keeps an entry after a change: every change leaves an audit row, which is read.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::changes::{Changes, Table, Told};
use super::known::{Known, Uses};
use crate::domain::allowance::Allowance;
use crate::domain::audit::Head;
use crate::domain::secret::{Secret, SecretHash};
use crate::domain::token::TokenFormat;
use crate::domain::verdict::Grounds;
use crate::domain::{Code, Key, KeySeq, Workspace, WorkspaceId};
use crate::error::{Error, Kind, Result};
use crate::ops::judge::{self, Forms, is_of_whole_token};
use crate::store::{Freshness, Reader};

/// What is cached of a workspace.
struct Owner {
    record: Workspace,
    name: Arc<str>,
}

type Keys<T> = Table<SecretHash, Arc<Known<T>>>;

/// How many secrets are remembered that no key has, and up to as many again. Whoever presents them chooses them.
const STRANGERS: usize = 1 << 17;

/// How many keys are looked up at once.
const AT_ONCE: usize = 256;

/// What is cached of the store.
pub(super) struct Memory<T> {
    freshness: Option<Freshness>,
    head: Option<Head>,
    changes: Changes,
    /// How often a count by another process was found.
    moment: u64,
    capacity: usize,
    /// Keys by their hash; those looked up since the last turn, and those of the turn before, which are about to go.
    young: Keys<T>,
    old: Keys<T>,
    /// What secrets that no key has are judged, in two turns too.
    strangers: [Table<SecretHash, Code>; 2],
    owners: BTreeMap<WorkspaceId, Owner>,
    formats: Option<Vec<TokenFormat>>,
    forms: Forms,
}

impl<T> Memory<T> {
    /// Caches the last so many keys, and up to as many again that may still be needed.
    pub fn new(capacity: usize) -> Self {
        Self {
            freshness: None,
            head: None,
            changes: Changes::default(),
            moment: 1,
            capacity,
            young: Keys::default(),
            old: Keys::default(),
            strangers: Default::default(),
            owners: BTreeMap::new(),
            formats: None,
            forms: Forms::default(),
        }
    }

    /// The commits of others that it includes; nothing if it is empty.
    pub fn freshness(&self) -> Option<Freshness> {
        self.freshness
    }

    /// The end of the audit trail that it includes; `None` if it is empty.
    pub fn head(&self) -> Option<Head> {
        self.head
    }

    /// A number that changes when others count: uses that were looked up at another number must be looked up again.
    pub fn moment(&self) -> u64 {
        self.moment
    }

    /// Makes every cached use be looked up again.
    pub fn doubt_uses(&mut self) {
        self.moment += 1;
    }

    /// Drops what was changed; a count by another process is not a change. Says whether any process has written since.
    pub fn refresh(&mut self, reader: &Reader<'_>) -> Result<bool> {
        if self.capacity == 0 {
            // Nothing lasts, so nothing has to be compared.
            self.head = Some(reader.head()?);
            self.owners.clear();
            self.formats = None;
            self.forms = Forms::default();
            self.doubt_uses();
            return Ok(true);
        }
        let freshness = reader.freshness()?;
        if self.freshness == Some(freshness) {
            return Ok(false);
        }
        let head = reader.head()?;
        if self.head != Some(head) {
            let told = match self.head {
                Some(since) => self.changes.hear(reader, since, head)?,
                None => Told::Everything,
            };
            self.heed(told);
            self.head = Some(head);
        }
        self.doubt_uses();
        self.freshness = Some(freshness);
        Ok(true)
    }

    fn heed(&mut self, told: Told) {
        match told {
            Told::Everything => self.forget(),
            Told::Some { workspaces, hashes } => {
                if workspaces {
                    self.owners.clear();
                    self.formats = None;
                }
                if workspaces || hashes {
                    self.strangers = Default::default();
                    self.forms = Forms::default();
                }
            }
        }
    }

    /// Drops everything.
    pub fn forget(&mut self) {
        self.freshness = None;
        self.head = None;
        self.changes.forget();
        self.doubt_uses();
        self.young.clear();
        self.old.clear();
        self.strangers = Default::default();
        self.owners.clear();
        self.formats = None;
        self.forms = Forms::default();
    }

    /// A key, if it is cached and was not changed since.
    pub fn recall(&mut self, hash: &SecretHash) -> Option<Arc<Known<T>>> {
        if let Some(known) = self.old.remove(hash) {
            self.remember(*hash, known);
        }
        let known = self.young.get(hash)?;
        if self.changes.concern(known.origin) {
            self.young.remove(hash);
            return None;
        }
        Some(Arc::clone(known))
    }

    /// The key of this secret, remembered or looked up.
    pub fn key(
        &mut self,
        reader: &Reader<'_>,
        secret: &Secret,
        keep: &dyn Fn(Key) -> T,
    ) -> Result<Option<Arc<Known<T>>>> {
        let hash = secret.hash();
        if let Some(known) = self.recall(&hash) {
            return Ok(Some(known));
        }
        let found = match self.recall_stranger(&hash) {
            Some(_) => None,
            None => self.forms.find(reader, secret)?,
        };
        found.map(|found| self.learn(reader, hash, found, keep)).transpose()
    }

    /// Has what [`Memory::key`] needs brought at once, where each part of it would be a way of its own.
    pub fn foresee(&mut self, reader: &Reader<'_>, secret: &Secret) {
        let hash = &secret.hash();
        if self.recall(hash).is_none() && self.recall_stranger(hash).is_none() {
            reader.foresee_key(hash, self.owners.is_empty());
        }
    }

    /// The keys of these hashes that are not remembered, looked up at once where that is faster.
    pub fn learn_all(
        &mut self,
        reader: &Reader<'_>,
        hashes: impl Iterator<Item = SecretHash>,
        keep: &dyn Fn(Key) -> T,
    ) -> Result<Vec<Arc<Known<T>>>> {
        if self.capacity == 0 {
            return Ok(Vec::new());
        }
        let is_unknown = |hash: &SecretHash| {
            !self.young.contains_key(hash)
                && !self.old.contains_key(hash)
                && self.recall_stranger(hash).is_none()
        };
        let mut unknown: Vec<SecretHash> = hashes.filter(is_unknown).collect();
        unknown.sort_unstable_by_key(|hash| *hash.as_bytes());
        unknown.dedup();
        let mut learnt = Vec::new();
        for page in unknown.chunks(AT_ONCE) {
            for (seq, key) in reader.bare_keys_by_hash(page)? {
                // SECURITY: a hash of another form is of another text, which is not a secret.
                if is_of_whole_token(&key) {
                    learnt.push(self.learn(reader, key.hash, (seq, key), keep)?);
                }
            }
        }
        Ok(learnt)
    }

    fn learn(
        &mut self,
        reader: &Reader<'_>,
        hash: SecretHash,
        (seq, mut key): (KeySeq, Key),
        keep: &dyn Fn(Key) -> T,
    ) -> Result<Arc<Known<T>>> {
        let owner = self.owner(reader, key.workspace_id)?;
        let workspace_name = Arc::clone(&owner.name);
        key.workspace.clone_from(&owner.record.name);
        let workspace_made_at = owner.record.created_at;
        let allowance = Allowance::of(&owner.record, key.plan.as_deref());
        let has_own = allowance.rate.is_some() || allowance.own_quota.is_some();
        let shares_limits = has_own && reader.has_relatives(&key)?;
        let known = Arc::new(Known {
            seq,
            workspace: key.workspace_id,
            workspace_name,
            workspace_made_at,
            origin: self.changes.origin(&key),
            used: Uses::default(),
            grounds: Grounds::from(&key),
            allowance,
            shares_limits,
            kept: keep(key),
            counted: AtomicUsize::default(),
        });
        self.remember(hash, Arc::clone(&known));
        Ok(known)
    }

    /// Judges a secret that no key has.
    pub fn judge_unknown(&mut self, reader: &Reader<'_>, secret: &Secret) -> Result<Code> {
        let hash = secret.hash();
        if let Some(code) = self.recall_stranger(&hash) {
            return Ok(code);
        }
        let formats = match &mut self.formats {
            Some(formats) => formats,
            unknown => unknown.insert(judge::formats(reader)?),
        };
        let code = judge::judge_unknown(reader, formats, &self.forms, secret)?;
        let [young, old] = &mut self.strangers;
        if young.len() >= STRANGERS {
            *old = std::mem::take(young);
        }
        if self.capacity > 0 {
            young.insert(hash, code);
        }
        Ok(code)
    }

    /// The verdict on a secret without a key, if it is cached.
    pub fn recall_stranger(&self, hash: &SecretHash) -> Option<Code> {
        let [young, old] = &self.strangers;
        young.get(hash).or_else(|| old.get(hash)).copied()
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
    let gone = || Error::new(Kind::Damaged, "the store is damaged: a key has no workspace");
    let record = reader.workspace_by_id(id)?.ok_or_else(gone)?;
    Ok(Owner { name: record.name.as_str().into(), record })
}
