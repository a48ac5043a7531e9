//! What the model remembers of the time, as a store does: the latest there was, and a leap that is not accepted yet.

use serde::{Deserialize, Serialize};

use super::state::Model;
use crate::support::time::DAY;

/// Further ahead than this is a leap.
pub const LEAP: i64 = 30 * DAY;
/// For how long the time must have gone on after a leap before it is accepted.
const TRIAL: i64 = DAY;
/// By how much the last recorded time of a server's store may lag behind counts.
const SLACK: i64 = 60_000;
/// Nothing is pruned by a clock that is further ahead than this.
const FAR_AHEAD: i64 = 366 * DAY;

/// What is remembered. Times are in milliseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Clock {
    /// The latest time there was; 0 before anything happened.
    pub latest: i64,
    /// When a leap began that is not accepted yet.
    pub leapt: Option<i64>,
}

/// A moment as a key's life is judged by it.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// What the clock says.
    pub now: i64,
    /// That, or the latest time there was: what had ended by then has ended permanently.
    pub latest: i64,
}

/// Who does something: which process of a run, and what its clock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    pub process: usize,
    pub now: i64,
}

impl Clock {
    /// Sees this time.
    pub fn observe(&mut self, now: i64) {
        let is_believed = match self.leapt {
            _ if self.ahead(now) <= LEAP => true,
            Some(leapt) if now >= leapt => now >= leapt + TRIAL,
            _ => {
                self.leapt = Some(now);
                false
            }
        };
        if is_believed {
            self.latest = self.latest.max(now);
            self.leapt = None;
        }
    }

    /// How far the clock is ahead of the latest time there was; before anything happened it is not.
    pub fn ahead(&self, now: i64) -> i64 {
        match self.latest {
            0 => 0,
            latest => now - latest,
        }
    }

    /// Whether the clock has leapt, and it is not accepted yet.
    pub fn has_leapt(&self, now: i64) -> bool {
        self.ahead(now) > LEAP
    }

    /// Whether the clock is too far ahead to prune by.
    pub fn is_far_ahead(&self, now: i64) -> bool {
        self.ahead(now) > FAR_AHEAD
    }

    pub fn at(&self, now: i64) -> Moment {
        let latest = self.latest.max(now);
        Moment { now, latest }
    }
}

impl Model {
    /// Sees the time of a count. On a server that is noted once a minute, or all who count would wait for one row.
    pub fn observe_count(&mut self, now: i64) {
        let before = self.clock;
        self.clock.observe(now);
        let is_due = self.clock.leapt != before.leapt || self.clock.latest - before.latest >= SLACK;
        if self.is_on_server && !is_due {
            self.clock = before;
        }
    }

    /// This moment.
    pub fn at(&self, now: i64) -> Moment {
        self.clock.at(now)
    }
}
