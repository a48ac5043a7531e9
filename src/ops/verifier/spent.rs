//! What keys with limits use in a transaction: read once and written once, however many requests there are.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::known::{Known, Uses};
use crate::domain::timestamp::Month;
use crate::domain::usage::Tally;
use crate::domain::{Code, Day, KeySeq, Timestamp, WorkspaceId};
use crate::error::Result;
use crate::store::Meter;

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
