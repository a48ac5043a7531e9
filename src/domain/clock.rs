//! The time that a store has recorded, and what it shows about a clock that went back or jumped ahead.
//!
//! This module never asks what time it is and never decides what a key may do.
//!
//! The latest time that a store has recorded is kept in it, so that what has expired stays expired. A clock that is far
//! ahead once, for example when a machine starts, must not expire everything: a leap is accepted only after the time
//! has continued from there for a while.

use std::fmt;

use crate::domain::timestamp::Timestamp;
use crate::domain::words::counted;

/// The smallest leap that is not accepted at once, in milliseconds: 30 days. A store in use is rarely idle for longer.
pub const LEAP_MILLIS: i64 = 30 * DAY_MILLIS;
/// For how long the time must have gone on after a leap, in milliseconds: a day.
pub const TRIAL_MILLIS: i64 = DAY_MILLIS;
/// How far a clock may be behind without a word, in milliseconds: a minute, as clocks that are set by a server are.
pub const SLACK_MILLIS: i64 = 60 * 1000;
/// How long a use that another process has counted may stay unknown where the store does not tell of it, in milliseconds.
pub const COUNTS_LAG_MILLIS: i64 = 1000;
pub const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// The time that a store has recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// The latest time it has recorded; the epoch if it has recorded none.
    pub seen: Timestamp,
    /// The first time after a leap that is not accepted yet.
    pub leapt: Option<Timestamp>,
    /// The furthest time that anything was recorded at, accepted or not.
    pub furthest: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It is behind what the store has recorded, by so many milliseconds.
    Behind(i64),
    /// It is further ahead of the recorded time than is accepted, by so many milliseconds.
    Ahead(i64),
}

impl fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Behind(millis) => write!(
                formatter,
                "the clock is {} behind this store's last recorded time: expired keys stay expired",
                Span(*millis)
            ),
            Self::Ahead(millis) => write!(
                formatter,
                "the clock is {} ahead of this store's last recorded time; it will be trusted after one day",
                Span(*millis)
            ),
        }
    }
}

/// A span of so many milliseconds in its largest unit.
struct Span(i64);

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0 / 60_000;
        let (number, unit) = match minutes {
            0..120 => (minutes, "minute"),
            120..2880 => (minutes / 60, "hour"),
            _ => (minutes / 1440, "day"),
        };
        formatter.write_str(&counted(number, unit))
    }
}

impl Clock {
    /// A clock that has recorded nothing.
    pub const NEW: Self = Self { seen: Timestamp::EPOCH, leapt: None, furthest: Timestamp::EPOCH };

    /// What is recorded after something happened at `now`.
    #[must_use]
    pub fn after(self, now: Timestamp) -> Self {
        let furthest = self.furthest.max(now);
        let (seen, leapt) = match self.leapt {
            _ if !self.is_leap(now) => (self.seen.max(now), None),
            Some(leapt) if now.since(leapt) >= TRIAL_MILLIS => (now, None),
            Some(leapt) if now >= leapt => (self.seen, Some(leapt)),
            _ => (self.seen, Some(now)),
        };
        Self { seen, leapt, furthest }
    }

    pub fn doubt(self, now: Timestamp) -> Option<Doubt> {
        if self.is_leap(now) {
            return Some(Doubt::Ahead(now.since(self.seen)));
        }
        let behind = self.seen.since(now);
        (behind > SLACK_MILLIS).then_some(Doubt::Behind(behind))
    }

    fn is_leap(self, now: Timestamp) -> bool {
        self.seen != Timestamp::EPOCH && now.since(self.seen) > LEAP_MILLIS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_800_000_000_000;

    fn at(days: i64) -> Timestamp {
        Timestamp::from_millis(START + days * DAY_MILLIS)
    }

    fn seen(days: i64) -> Clock {
        Clock::NEW.after(at(days))
    }

    #[test]
    fn the_latest_time_never_falls() {
        assert_eq!(seen(5).after(at(1)).after(at(3)), seen(5));
        assert_eq!(seen(5).after(at(6)), seen(6));
        assert_eq!(seen(5).after(at(35)), seen(35));
    }

    #[test]
    fn one_leap_is_forgotten_when_the_clock_is_back() {
        let leapt = seen(0).after(at(4000));
        assert_eq!(leapt.seen, at(0));
        assert_eq!(leapt.doubt(at(4000)), Some(Doubt::Ahead(4000 * DAY_MILLIS)));
        assert_eq!(leapt.after(at(1)), Clock { furthest: at(4000), ..seen(1) });
    }

    #[test]
    fn a_leap_is_believed_after_a_day() {
        let leapt = seen(0).after(at(90));
        assert_eq!(leapt.after(at(90)).seen, at(0));
        assert_eq!(leapt.after(at(91)), seen(91));
        // Another leap begins its own day.
        let other = leapt.after(at(60)).after(at(61));
        assert_eq!(other, Clock { furthest: at(90), ..seen(61) });
    }

    #[test]
    fn a_doubt_is_said_in_its_largest_unit() {
        for (minutes, said) in
            [(1, "1 minute "), (119, "119 minutes "), (120, "2 hours "), (2880, "2 days ")]
        {
            let doubt = Doubt::Behind(minutes * 60_000).to_string();
            assert!(doubt.contains(said), "{doubt}");
        }
    }

    #[test]
    fn a_clock_that_is_behind_is_doubted_after_a_minute() {
        let now = |millis| Timestamp::from_millis(START - millis);
        assert_eq!(seen(0).doubt(now(SLACK_MILLIS)), None);
        assert_eq!(seen(0).doubt(now(SLACK_MILLIS + 1)), Some(Doubt::Behind(SLACK_MILLIS + 1)));
        assert_eq!(Clock::NEW.doubt(at(0)), None);
    }
}
