//! Revoked keys that were presented to a verifier: telling the trail of them without asking it each time.
//!
//! This module never keeps a verdict waiting: the note is made after it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::known::Kept;
use super::{Request, Verifier};
use crate::domain::verdict::Verdict;
use crate::domain::{Code, KeySeq, Timestamp};
use crate::ops::reuse::{self, SPEAKS_FOR};

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
            if !self.store.can_count() || reuse::note(&mut self.store, key, address, now).is_err() {
                self.reused.seen.remove(&(key, made_at));
            }
        }
    }
}
