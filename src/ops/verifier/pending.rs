//! Uses that are counted in memory until they are written: those that still come in, and those on their way out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::domain::audit::Head;
use crate::domain::timestamp::Month;
use crate::domain::usage::{LastUse, Tally};
use crate::domain::{Code, Day, KeySeq, Timestamp, WorkspaceId};
use crate::ops::verifier::changes::Table;

/// How long a use may wait, in milliseconds: a second, less the time that writing a second's uses takes.
const WRITE_AFTER: i64 = 750;

/// One use of a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    pub key: KeySeq,
    /// When that key was minted, which distinguishes it from a later key with its row number.
    pub key_made_at: Timestamp,
    pub workspace: WorkspaceId,
    /// When that workspace was created.
    pub workspace_made_at: Timestamp,
    pub code: Code,
    pub cost: u64,
    pub at: Timestamp,
    pub address: Option<IpAddr>,
}

/// Uses not written yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    incoming: Batch,
    /// Where in the incoming tallies a place is.
    indices: Table<Place, usize>,
    /// What is being written, some at a time.
    outgoing: Option<Batch>,
    due: Option<Timestamp>,
}

/// A key's day.
pub(super) type Place = (Day, KeySeq);

/// Uses of a key on a day, and when the last of them was counted.
#[derive(Debug)]
pub(super) struct Counted {
    pub place: Place,
    pub tally: Tally,
    pub at: Timestamp,
    /// When the key was minted.
    pub made_at: Timestamp,
}

/// Credits that a workspace spent, and when it last did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    pub credits: u64,
    pub at: Timestamp,
    /// When the workspace was created.
    pub made_at: Timestamp,
}

/// What must be written.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// On its way out, in the order of the rows they go to; written from the end.
    pub tallies: Vec<Counted>,
    pub credits: BTreeMap<(WorkspaceId, Month), Spent>,
    /// The end of the trail when the first use was counted. It shows whether a counted key may have been deleted since.
    pub head: Option<Head>,
    /// When that was.
    since: Option<Timestamp>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.tallies.is_empty() && self.credits.is_empty()
    }

    /// When the last of it was counted.
    pub fn latest(&self) -> Timestamp {
        let tallies = self.tallies.iter().map(|counted| counted.at);
        let credits = self.credits.values().map(|spent| spent.at);
        tallies.chain(credits).max().unwrap_or(Timestamp::EPOCH)
    }

    fn credits(&self, place: (WorkspaceId, Month)) -> u64 {
        self.credits.get(&place).map_or(0, |spent| spent.credits)
    }
}

impl Pending {
    /// Counts a use. The hint, which belongs to the key, says where its last use was counted, and spares the search for it.
    pub fn add(&mut self, used: Use, head: Option<Head>, hint: &AtomicUsize) {
        if self.incoming.is_empty() {
            self.incoming.head = head;
            self.incoming.since = Some(used.at);
        }
        let counted = self.counted(used, hint);
        counted.at = counted.at.max(used.at);
        if counted.made_at != used.key_made_at {
            // The earlier key is gone, and so are its uses.
            counted.made_at = used.key_made_at;
            counted.tally = Tally::default();
        }
        counted.tally.count(used.code, used.cost, used.at, used.address);
        if used.code == Code::Valid && used.cost > 0 {
            let place = (used.workspace, Month::of(used.at));
            let none = Spent { credits: 0, at: used.at, made_at: used.workspace_made_at };
            let spent = self.incoming.credits.entry(place).or_insert(none);
            spent.credits = spent.credits.saturating_add(used.cost);
            spent.at = spent.at.max(used.at);
        }
        self.due.get_or_insert(used.at.plus_millis(WRITE_AFTER));
    }

    fn counted(&mut self, used: Use, hint: &AtomicUsize) -> &mut Counted {
        let (place, at) = ((Day::of(used.at), used.key), used.at);
        let tallies = &mut self.incoming.tallies;
        let mut index = hint.load(Ordering::Relaxed);
        let is_there = |counted: &Counted| counted.place == place;
        if !tallies.get(index).is_some_and(is_there) {
            index = *self.indices.entry(place).or_insert(tallies.len());
            if index == tallies.len() {
                let tally = Tally::default();
                let made_at = used.key_made_at;
                tallies.push(Counted { place, tally, at, made_at });
            }
            hint.store(index, Ordering::Relaxed);
        }
        &mut tallies[index]
    }

    /// When the next of them must be written; nothing when there is none.
    pub fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Tries again so many milliseconds from now.
    pub fn postpone(&mut self, now: Timestamp, millis: i64) {
        self.due = Some(now.plus_millis(millis));
    }

    /// The last use of a key among those of a day.
    pub fn last_use(&self, key: KeySeq, now: Timestamp) -> Option<LastUse> {
        let place = (Day::of(now), key);
        let incoming = self.indices.get(&place).map(|index| &self.incoming.tallies[*index]);
        let outgoing = self.outgoing.as_ref().and_then(|batch| {
            let found = batch.tallies.binary_search_by_key(&place, |counted| counted.place);
            found.ok().map(|index| &batch.tallies[index])
        });
        let last = |counted: Option<&Counted>| counted.and_then(|counted| counted.tally.last);
        LastUse::later(last(outgoing), last(incoming))
    }

    /// The credits of a workspace that are not written yet.
    pub fn credits(&self, workspace: WorkspaceId, month: Month) -> u64 {
        let place = (workspace, month);
        let outgoing = self.outgoing.as_ref().map_or(0, |batch| batch.credits(place));
        outgoing.saturating_add(self.incoming.credits(place))
    }

    /// How many uses are not written yet.
    pub fn uses(&self) -> u64 {
        let batches = self.outgoing.iter().chain([&self.incoming]);
        let tallies = batches.flat_map(|batch| &batch.tallies);
        tallies.map(|counted| counted.tally.uses()).sum()
    }

    /// What must be written now. If nothing is being written, what has come in is next.
    pub fn outgoing(&mut self) -> Option<&Batch> {
        if self.outgoing.is_none() && !self.incoming.is_empty() {
            let mut batch = std::mem::take(&mut self.incoming);
            batch.tallies.sort_unstable_by_key(|counted| counted.place);
            self.indices.clear();
            self.outgoing = Some(batch);
        }
        self.outgoing.as_ref()
    }

    /// Drops up to so many keys of what was being written, and its credits: they are in the store.
    pub fn written(&mut self, keys: usize) {
        if let Some(batch) = &mut self.outgoing {
            let left = batch.tallies.len().saturating_sub(keys);
            batch.tallies.truncate(left);
            batch.credits.clear();
            if left > 0 {
                return;
            }
        }
        self.outgoing = None;
        let since = self.incoming.since;
        self.due = since.map(|since| since.plus_millis(WRITE_AFTER));
    }
}
