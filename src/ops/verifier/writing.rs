//! Writing what a verifier counted: some at a time while it judges, all of it when it is idle and at its end; telling the trail
//! of revoked keys that were presented, without asking it each time; and continuing with the file at the store's path if it
//! is not the one that was opened.
//!
//! This module never counts, and never lets a verdict wait long for the disk or for another process: what is noted of a
//! revoked key is noted after it. It never writes to a file that is no longer at its path: a key revoked in the other would
//! still be valid.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::known::Kept;
use super::pending::{Batch, Counted, Pending};
use super::{Request, Verifier};
use crate::domain::verdict::Verdict;
use crate::domain::words::counted;
use crate::domain::{Code, KeySeq, Timestamp};
use crate::error::{Error, Kind, Result};
use crate::ops::judge::{self, SPEAKS_FOR};
use crate::store::Meter;

/// How many keys' counts are written in one transaction: about five milliseconds' worth. Other processes, and secrets
/// waiting to be judged, wait that long.
const PIECE: usize = 5_000;
/// When a piece that another process was in the way of is tried again, in milliseconds.
const RETRY_AFTER: i64 = 10;
/// When a piece that could not be written, because the disk is full say, is tried again, in milliseconds.
const RECOVER_AFTER: i64 = 750;
/// The longest that the last counts wait for another process.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(1);

impl<T> Verifier<T> {
    /// When counts must be written at the latest; nothing when none wait. A service that is idle then calls
    /// [`Verifier::flush`].
    pub fn due(&self) -> Option<Timestamp> {
        self.state.pending.due()
    }

    /// Writes a piece of what was counted, when it is time to. If another process is in the way, it is tried again soon.
    pub fn write_if_due(&mut self, now: impl Into<Timestamp>) {
        let now = now.into();
        let Some(due) = self.due() else {
            return;
        };
        // A clock that was set back must not put it off.
        if due > now && due.since(now) <= LONGEST_WAIT.as_millis() as i64 {
            return;
        }
        match self.write_piece(Duration::ZERO) {
            Ok(_) => {}
            Err(error) if error.kind() == Kind::Busy => {
                self.state.pending.postpone(now, RETRY_AFTER)
            }
            Err(_) => self.state.pending.postpone(now, RECOVER_AFTER),
        }
    }

    /// Writes what was counted.
    ///
    /// # Errors
    /// The store's; the counts are kept for the next time. `io` when some were lost, as [`Verifier::loss`] says.
    pub fn flush(&mut self) -> Result<()> {
        while self.write_piece(LONGEST_WAIT)?.is_some() {}
        self.loss().map_or(Ok(()), Err)
    }

    /// Writes what was counted and closes the store.
    ///
    /// # Errors
    /// The store's; then the last counts are lost.
    pub fn close(mut self) -> Result<()> {
        let written = self.flush();
        self.state.pending = Pending::default();
        written
    }

    /// Writes up to [`PIECE`] keys' counts, and says how many uses of them are of keys that the store does not have; nothing
    /// when there is nothing to write.
    pub(super) fn write_piece(&mut self, wait: Duration) -> Result<Option<u64>> {
        let Some(batch) = self.state.pending.outgoing() else {
            return Ok(None);
        };
        let latest = batch.latest();
        let written = self.store.count(wait, latest, |meter| write(meter, batch));
        if let Err(error) = &written {
            // A store that is busy takes counts later.
            self.state.records &= error.kind() == Kind::Busy;
        }
        let gone = written?;
        self.written();
        Ok(Some(gone))
    }

    /// Notes that the last piece is in the store.
    pub(super) fn written(&mut self) {
        self.state.records = true;
        self.state.pending.written(PIECE);
        self.state.credits.forget();
        self.state.own_credits.forget();
    }
}

impl<T> Drop for Verifier<T> {
    fn drop(&mut self) {
        // `close` reports a failure.
        let _ = self.flush();
    }
}

/// Writes the last [`PIECE`] keys of a batch, and its credits. Returns how many uses were of keys that are gone.
pub(super) fn write(meter: &Meter<'_>, batch: &Batch) -> Result<u64> {
    let piece = &batch.tallies[batch.tallies.len().saturating_sub(PIECE)..];
    // A record that was deleted since takes its counts along.
    let careful = batch.head.is_none() || Some(meter.head()?) != batch.head;
    let keys = piece.iter().filter(|_| careful).map(|counted| (counted.place.1, counted.made_at));
    let gone = meter.gone(&keys.collect::<Vec<_>>())?;
    let is_gone = |counted: &&Counted| gone.contains(&counted.place.1);
    let lost = piece.iter().filter(is_gone);
    let lost = lost.map(|counted| counted.tally.uses()).sum();
    let uses = piece.iter().map(|counted| {
        let (day, key) = counted.place;
        (day, key, &counted.tally)
    });
    meter.add(uses.filter(|(_, key, _)| !gone.contains(key)))?;
    for ((workspace, month), spent) in &batch.credits {
        if !careful || meter.has_workspace(*workspace, spent.made_at)? {
            meter.spend(*workspace, *month, spent.credits)?;
        }
    }
    Ok(lost)
}

/// How many revoked keys are kept whose use was recorded.
const REMEMBERED: usize = 1 << 16;

/// Revoked keys that were presented.
#[derive(Debug, Default)]
pub(super) struct Reused {
    /// When each was seen to by this verifier; each with when it was minted, because row numbers are used again.
    seen: BTreeMap<(KeySeq, Timestamp), Timestamp>,
    /// Those to be noted now.
    due: Vec<(KeySeq, Timestamp, Option<IpAddr>)>,
}

impl Reused {
    /// Takes a look at a verdict. A request that is not to be recorded leaves no note either.
    pub fn see<T>(&mut self, request: &Request, verdict: &Verdict<Kept<T>>, now: Timestamp) {
        let Some(Kept(known)) = &verdict.subject else {
            return;
        };
        if verdict.code != Code::Revoked || !request.record {
            return;
        }
        let key = (known.seq, known.grounds.life.created_at);
        let last = self.seen.get(&key);
        if last.is_some_and(|last| now.since(*last).abs() < SPEAKS_FOR) {
            return;
        }
        if self.seen.len() >= REMEMBERED {
            self.seen.clear();
        }
        self.seen.insert(key, now);
        self.due.push((key.0, key.1, request.ask.address));
    }
}

impl<T> Verifier<T> {
    /// Notes the revoked keys that were presented. One that cannot be noted, because the disk is full say, is tried again with
    /// its next use.
    pub(super) fn note_reused(&mut self, now: Timestamp) {
        for (key, made_at, address) in std::mem::take(&mut self.reused.due) {
            if !self.store.can_count() || judge::note(&mut self.store, key, address, now).is_err() {
                self.reused.seen.remove(&(key, made_at));
            }
        }
    }
}

impl<T> Verifier<T> {
    /// Checks whether the store's file was replaced, moved or deleted, and continues with the one at its path now.
    /// Every verdict begins with this, so a service calls it only to find out beforehand.
    ///
    /// Uses that were not written yet are counted for the same keys in the other file; [`Verifier::loss`] reports the
    /// rest.
    ///
    /// # Errors
    /// `store_not_found` while there is no file; what opening the other gives. The next call tries again.
    pub fn follow(&mut self) -> Result<()> {
        if !self.store.follow()? {
            return Ok(());
        }
        self.state.memory.forget();
        self.state.within = None;
        self.state.records = self.store.can_count();
        self.reused = Reused::default();
        // What is left cannot wait any longer: in the other file, row numbers belong to other keys.
        while let Ok(Some(gone)) = self.write_piece(LONGEST_WAIT) {
            self.lost = self.lost.saturating_add(gone);
        }
        let left = std::mem::take(&mut self.state.pending);
        self.lost = self.lost.saturating_add(left.uses());
        Ok(())
    }

    /// The uses since the last call that could not be recorded because the store's file was replaced; nothing if there
    /// are none.
    pub fn loss(&mut self) -> Option<Error> {
        let uses = match std::mem::take(&mut self.lost) {
            0 => return None,
            lost => counted(lost, "use"),
        };
        Some(Error::new(
            Kind::Io,
            format!("{uses} could not be recorded: the store's file was replaced"),
        ))
    }
}
