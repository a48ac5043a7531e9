//! What is cached of one key: what a verdict needs of its record, and its uses; and what keys with limits use in a transaction:
//! read once and written once, however many requests there are.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use super::changes::Origin;
use crate::domain::allowance::Allowance;
use crate::domain::timestamp::Month;
use crate::domain::usage::Tally;
use crate::domain::verdict::Grounds;
use crate::domain::{Code, Day, KeySeq, Timestamp, WorkspaceId};
use crate::error::Result;
use crate::store::Meter;

/// What is cached of a key.
pub(super) struct Known<T> {
    pub seq: KeySeq,
    pub workspace: WorkspaceId,
    pub workspace_name: Arc<str>,
    /// When that workspace was created.
    pub workspace_made_at: Timestamp,
    pub origin: Origin,
    pub used: Uses,
    pub grounds: Grounds,
    pub allowance: Allowance,
    /// Whether the key replaced another, or another was minted to replace it, so that its rate and its own quota are theirs too.
    pub shares_limits: bool,
    pub kept: T,
    /// Where its last use was counted; see [`super::pending`].
    pub counted: AtomicUsize,
}

impl<T> Known<T> {
    /// Whether it is a key of this workspace, if one was asked for.
    pub fn is_of(&self, workspace: Option<&str>) -> bool {
        workspace.is_none_or(|workspace| *workspace == *self.workspace_name)
    }
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

/// Where the uses of a key have left it, by all processes up to a moment and by this verifier since.
pub(super) struct Uses {
    /// That moment, as [`super::memory::Memory::moment`] numbers them; 0 before the store was asked.
    as_of: AtomicU64,
    /// Its latest use, in milliseconds since 1970.
    until: AtomicI64,
    /// The state of its rate, in nanoseconds since 1970.
    whole_at: AtomicI64,
}

/// The value that means no time.
const NEVER: i64 = i64::MIN;

impl Default for Uses {
    fn default() -> Self {
        Self {
            as_of: AtomicU64::new(0),
            until: AtomicI64::new(NEVER),
            whole_at: AtomicI64::new(NEVER),
        }
    }
}

impl Uses {
    /// Whether nobody else has used the key since.
    pub fn are_of(&self, moment: u64) -> bool {
        self.as_of.load(Ordering::Relaxed) == moment
    }

    /// Whether the store was ever asked.
    pub fn are_known(&self) -> bool {
        !self.are_of(0)
    }

    /// Takes what the store says at this moment.
    pub fn take(&self, moment: u64, last: Option<Timestamp>, whole_at: Option<i64>) {
        let last = last.map_or(NEVER, Timestamp::as_millis);
        self.until.store(last, Ordering::Relaxed);
        self.set_whole_at(whole_at);
        self.as_of.store(moment, Ordering::Relaxed);
    }

    /// Whether a use now would be the latest.
    pub fn is_latest(&self, now: Timestamp) -> bool {
        now.as_millis() >= self.until.load(Ordering::Relaxed)
    }

    /// The latest.
    pub fn last(&self) -> Option<Timestamp> {
        let until = self.until.load(Ordering::Relaxed);
        (until != NEVER).then_some(Timestamp::from_millis(until))
    }

    /// Notes one.
    pub fn add(&self, now: Timestamp) {
        self.until.fetch_max(now.as_millis(), Ordering::Relaxed);
    }

    /// The state of the key's rate.
    pub fn whole_at(&self) -> Option<i64> {
        let whole_at = self.whole_at.load(Ordering::Relaxed);
        (whole_at != NEVER).then_some(whole_at)
    }

    /// Notes the state that a use leaves its rate in.
    pub fn set_whole_at(&self, whole_at: Option<i64>) {
        let whole_at = whole_at.unwrap_or(NEVER);
        self.whole_at.store(whole_at, Ordering::Relaxed);
    }
}

/// A workspace's month.
type Place = (WorkspaceId, Month);

/// What one transaction is to write, in the order of the rows.
pub(super) struct Spent<T> {
    uses: BTreeMap<KeySeq, (Arc<Known<T>>, Tally)>,
    credits: BTreeMap<Place, u64>,
}

impl<T> Default for Spent<T> {
    fn default() -> Self {
        Self { uses: BTreeMap::new(), credits: BTreeMap::new() }
    }
}

impl<T> Spent<T> {
    /// Where this transaction has left a key that it has used.
    pub fn of(&self, key: KeySeq) -> Option<&Uses> {
        self.uses.get(&key).map(|(known, _)| &known.used)
    }

    /// Adds a use.
    pub fn add(
        &mut self,
        known: &Arc<Known<T>>,
        place: Place,
        cost: u64,
        at: Timestamp,
        address: Option<IpAddr>,
    ) {
        let none = || (Arc::clone(known), Tally::default());
        let (latest, tally) = self.uses.entry(known.seq).or_insert_with(none);
        latest.clone_from(known);
        tally.count(Code::Valid, cost, at, address);
        if cost > 0 {
            let spent = self.credits.entry(place).or_default();
            *spent = spent.saturating_add(cost);
        }
    }

    /// Writes all of it, which was at this time.
    pub fn write(&self, meter: &Meter<'_>, at: Timestamp) -> Result<()> {
        let uses = self.uses.iter().map(|(key, (known, tally))| {
            let state = known.allowance.rate.zip(known.used.whole_at());
            (*key, tally, state)
        });
        meter.add_limited(Day::of(at), uses)?;
        for ((workspace, month), credits) in &self.credits {
            meter.spend(*workspace, *month, *credits)?;
        }
        Ok(())
    }
}

/// The credits that workspaces, or keys, have spent in a month by what is written, each as of a moment; see
/// [`super::memory::Memory::moment`].
#[derive(Debug)]
pub(super) struct Credits<P>(BTreeMap<(P, Month), (u64, u64)>);

impl<P> Default for Credits<P> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<P: Copy + Ord> Credits<P> {
    /// Those of one, if nobody else can have spent any since.
    pub fn known(&self, moment: u64, place: (P, Month)) -> Option<u64> {
        let (as_of, credits) = self.0.get(&place)?;
        (*as_of == moment).then_some(*credits)
    }

    /// The same, read if need be.
    pub fn look(
        &mut self,
        moment: u64,
        place: (P, Month),
        read: impl FnOnce() -> Result<u64>,
    ) -> Result<u64> {
        if let Some(credits) = self.known(moment, place) {
            return Ok(credits);
        }
        let credits = read()?;
        self.0.insert(place, (moment, credits));
        Ok(credits)
    }

    /// Adds what is about to be written.
    pub fn spend(&mut self, place: (P, Month), cost: u64) {
        if let Some((_, credits)) = self.0.get_mut(&place) {
            *credits = credits.saturating_add(cost);
        }
    }

    /// Has all of them looked up again.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}
