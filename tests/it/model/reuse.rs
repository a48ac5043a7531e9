//! Use of revoked and expired keys, which the trail is told of once an hour, and what a verifier that stays open knows
//! by itself.

use std::collections::BTreeMap;

use super::clock::{By, Clock};
use super::operation::{Answer, Operation};
use super::state::Model;
use crate::support::time::HOUR;

/// What a verifier has in memory, and loses when it is closed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    /// The time as it knows it: the store's when it last had to look there, and what it was asked at since.
    pub clock: Clock,
    /// Whether nobody else has changed the store since it looked.
    pub is_fresh: bool,
    /// When it saw to each revoked or expired key that was presented to it. One that was given another secret is
    /// another one.
    pub saw: BTreeMap<String, i64>,
}

fn is_within_an_hour(one: Option<i64>, other: i64) -> bool {
    one.is_some_and(|one| (one - other).abs() < HOUR)
}

impl Memory {
    /// Looks at the store, if that has changed, and sees this time.
    pub fn refresh(&mut self, store: &Clock, now: i64) {
        if !self.is_fresh {
            self.clock = *store;
            self.is_fresh = true;
        }
        self.clock.observe(now);
    }
}

impl Model {
    /// Tells the trail of a change of a key's record.
    pub fn tell(&mut self, number: u64) {
        self.events += 1;
        self.change(number, |key| (key.reused, key.revision) = (None, key.revision + 1));
    }

    /// Tells the trail that a revoked or expired key was used, unless the newest event about it says so and is less
    /// than an hour away.
    fn note_reuse(&mut self, number: u64, now: i64) {
        let (key, at) = (&self.keys[&number], self.at(now));
        if key.status(at) != "revoked" || is_within_an_hour(key.reused, now) {
            return;
        }
        self.events += 1;
        self.clock.observe(now);
        self.change(number, |key| key.reused = Some(now));
    }

    /// Does what a verifier does with a revoked or expired key that was presented to it: once an hour, it sees to the
    /// trail.
    pub(super) fn see_to(&mut self, number: u64, memory: &mut Memory, now: i64) {
        let key = format!("{number}, {}", self.keys[&number].created_at);
        if !is_within_an_hour(memory.saw.get(&key).copied(), now) {
            memory.saw.insert(key, now);
            let before = self.events;
            self.note_reuse(number, now);
            memory.is_fresh &= !self.is_on_server || self.events == before;
        }
    }

    /// What becomes of it when an operation was refused, which changes nothing but for the note that a revoked or
    /// expired key was used.
    pub fn refuse(&mut self, operation: &Operation, code: &str, now: i64) {
        if let (Operation::Present { secret, .. }, "revoked") = (operation, code) {
            let before = self.events;
            let number = self.key_of_secret(secret).expect("it was found revoked");
            self.note_reuse(number, now);
            if self.events > before {
                self.note_commit(None);
            }
        }
    }

    /// What a crash may leave of an operation that takes several transactions: each state on the way from this one to the
    /// one after it. Of all operations only those that verify take several.
    pub fn on_the_way(&self, operation: &Operation, answer: &Answer, by: By) -> Vec<Self> {
        let Operation::Verify { workspace, .. } = operation else {
            return Vec::new();
        };
        let mut memory = match workspace {
            None => self.memories[by.process].clone(),
            Some(_) => Memory::default(),
        };
        let (mut state, mut states) = (self.clone(), Vec::new());
        for verdict in answer.verdicts.iter().filter(|verdict| verdict.recorded) {
            let number = verdict.subject.as_ref().and_then(|id| self.key_of_id(id));
            let number = number.expect("what is recorded is of a key");
            match verdict.code.as_str() {
                "revoked" => state.see_to(number, &mut memory, by.now),
                // A limit is asked in a transaction that counts, and its refusal is counted with the others.
                "rate_limited" | "quota_exceeded" => state.observe_count(by.now),
                _ => continue,
            }
            states.push(state.clone());
        }
        states
    }

    /// Says that something was written: by the verifier that stays open in this process, or by somebody else.
    pub fn note_commit(&mut self, by: Option<usize>) {
        for (process, memory) in self.memories.iter_mut().enumerate() {
            memory.is_fresh &= by == Some(process);
        }
    }

    /// Whether the verifier of a process knows nothing of the time that the store does not.
    pub fn knows_the_time_alike(&self, process: usize) -> bool {
        let memory = &self.memories[process];
        !memory.is_fresh || memory.clock == self.clock
    }

    /// Forgets what the verifier of a process had in memory.
    pub fn close(&mut self, process: usize) {
        self.memories[process] = Memory::default();
    }
}
