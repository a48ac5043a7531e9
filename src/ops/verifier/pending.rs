//! Uses that are counted in memory until they are written.
//!
//! This module never writes: it hands out what is to be written, and forgets it when told that it was.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::domain::audit::ChainHash;
use crate::domain::day::{Day, Month};
use crate::domain::key::KeySeq;
use crate::domain::timestamp::Timestamp;
use crate::domain::usage::{LastUse, Tally};
use crate::domain::verdict::Code;
use crate::domain::workspace::WorkspaceId;
use crate::ops::verifier::table::Table;

/// How long a use may wait, in milliseconds: a second, less the time that writing a second's uses takes.
const WRITE_AFTER: i64 = 750;

/// One use of a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    pub key: KeySeq,
    pub workspace: WorkspaceId,
    pub code: Code,
    pub cost: u64,
    pub at: Timestamp,
    pub address: Option<IpAddr>,
}

/// Uses not written yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    tallies: Vec<Counted>,
    /// Where in `tallies` a place is.
    indices: Table<Place, usize>,
    credits: BTreeMap<(WorkspaceId, Month), Spent>,
    due: Option<Timestamp>,
    head: Option<Head>,
}

/// A key's day.
pub(super) type Place = (Day, KeySeq);

/// The end of the audit trail, which tells whether a counted key may have been deleted since.
pub(super) type Head = (i64, ChainHash);

/// Uses of a key on a day, and when the last of them was counted.
#[derive(Debug)]
pub(super) struct Counted {
    pub place: Place,
    pub tally: Tally,
    pub at: Timestamp,
}

/// Credits that a workspace spent, and when it last did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    pub credits: u64,
    pub at: Timestamp,
}

/// What is to be written, in the order of the rows it goes to.
pub(super) struct Batch {
    pub tallies: Vec<Counted>,
    pub credits: Vec<((WorkspaceId, Month), Spent)>,
    /// The end of the trail when the first of it was counted.
    pub head: Option<Head>,
    due: Option<Timestamp>,
}

impl Pending {
    /// Counts a use. The hint, which belongs to the key, says where its last use was counted, and spares the search for it.
    pub fn add(&mut self, used: Use, head: Option<Head>, hint: &AtomicUsize) {
        if self.is_empty() {
            self.head = head;
        }
        let place = (Day::of(used.at), used.key);
        let counted = self.counted(place, used.at, hint);
        counted
            .tally
            .count(used.code, used.cost, used.at, used.address);
        if used.code == Code::Valid && used.cost > 0 {
            self.spend((used.workspace, Month::of(used.at)), used.cost, used.at);
        }
        self.due.get_or_insert(used.at.plus_millis(WRITE_AFTER));
    }

    fn counted(&mut self, place: Place, at: Timestamp, hint: &AtomicUsize) -> &mut Counted {
        let mut index = hint.load(Ordering::Relaxed);
        let is_there = |counted: &Counted| counted.place == place;
        if !self.tallies.get(index).is_some_and(is_there) {
            index = *self.indices.entry(place).or_insert(self.tallies.len());
            if index == self.tallies.len() {
                let tally = Tally::default();
                self.tallies.push(Counted { place, tally, at });
            }
            hint.store(index, Ordering::Relaxed);
        }
        let counted = &mut self.tallies[index];
        counted.at = counted.at.max(at);
        counted
    }

    fn spend(&mut self, place: (WorkspaceId, Month), credits: u64, at: Timestamp) {
        let spent = self
            .credits
            .entry(place)
            .or_insert(Spent { credits: 0, at });
        spent.credits = spent.credits.saturating_add(credits);
        spent.at = spent.at.max(at);
    }

    pub fn is_empty(&self) -> bool {
        self.tallies.is_empty() && self.credits.is_empty()
    }

    /// When the first of them must be written; nothing when there is none.
    pub fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Tries again later.
    pub fn postpone(&mut self, now: Timestamp) {
        self.due = Some(now.plus_millis(WRITE_AFTER));
    }

    /// The last use of a key among those of a day.
    pub fn last_use(&self, key: KeySeq, now: Timestamp) -> Option<LastUse> {
        let index = self.indices.get(&(Day::of(now), key))?;
        self.tallies[*index].tally.last
    }

    /// The credits of a workspace that are not written yet.
    pub fn credits(&self, workspace: WorkspaceId, month: Month) -> u64 {
        self.credits
            .get(&(workspace, month))
            .map_or(0, |spent| spent.credits)
    }

    /// Takes everything out.
    pub fn take(&mut self) -> Batch {
        self.indices.clear();
        let mut tallies = std::mem::take(&mut self.tallies);
        tallies.sort_unstable_by_key(|counted| counted.place);
        Batch {
            tallies,
            credits: std::mem::take(&mut self.credits).into_iter().collect(),
            head: self.head.take(),
            due: self.due.take(),
        }
    }

    /// Puts back what could not be written, to try again later.
    pub fn put_back(&mut self, batch: Batch) {
        self.head = batch.head;
        self.due = batch.due.map(|due| due.plus_millis(WRITE_AFTER));
        for counted in batch.tallies {
            self.counted(counted.place, counted.at, &AtomicUsize::default())
                .tally
                .add(&counted.tally);
        }
        for (place, spent) in batch.credits {
            self.spend(place, spent.credits, spent.at);
        }
    }
}
