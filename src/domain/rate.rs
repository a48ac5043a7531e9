//! Request rates as plans write them, `10/minute`, and when such a rate lets a request pass.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::clock::LEAP_MILLIS;
use crate::domain::sanitize::Safe;
use crate::domain::timestamp::Timestamp;
use crate::domain::words::words;
use crate::error::{Error, Kind};

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_MILLI: i64 = 1_000_000;

/// So many requests in each unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(with = "String"))]
pub struct Rate {
    /// How many; also the burst.
    pub count: u32,
    pub per: Unit,
}

words! {
    /// A rate's unit of time.
    pub enum Unit {
        Second = "second",
        Minute = "minute",
        Hour = "hour",
        Day = "day",
    }
}

/// A request that the rate accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// When the burst is whole again, in nanoseconds since 1970.
    pub whole_at: i64,
}

impl Rate {
    /// So many requests in so many milliseconds, if that is one of the units.
    pub fn within(count: u64, millis: u64) -> Option<Self> {
        let count = u32::try_from(count).ok().filter(|count| *count > 0)?;
        let rate = |per: &Unit| Self { count, per: *per };
        let fits =
            |rate: &Self| rate.burst().unsigned_abs() == millis * NANOS_PER_MILLI.unsigned_abs();
        Unit::ALL.iter().map(rate).find(fits)
    }

    /// Asks for one request by the generic cell rate algorithm (ITU-T I.371, annex A), with a burst of the whole count:
    /// from rest `count` requests pass at once, and every `unit / count` after that gives one back.
    ///
    /// `whole_at`, the algorithm's theoretical arrival time, is the whole state of a key: when its burst is whole again, in
    /// nanoseconds since 1970. The error is the milliseconds to wait, rounded up.
    pub fn request(self, whole_at: Option<i64>, now: Timestamp) -> Result<Taken, i64> {
        let after = self.debt(whole_at, now).saturating_add(self.interval());
        let wait = after.saturating_sub(self.burst());
        if wait > 0 {
            return Err((wait - 1) / NANOS_PER_MILLI + 1);
        }
        Ok(Taken { whole_at: nanos(now).saturating_add(after) })
    }

    /// How many requests could pass at once.
    pub fn left(self, whole_at: Option<i64>, now: Timestamp) -> u64 {
        let free = self.burst() - self.debt(whole_at, now);
        (free.max(0) / self.interval()).unsigned_abs()
    }

    /// The state of a key that this rate holds in place of another from now on: the same share of the burst is used, rounded up.
    /// Nothing where none is.
    pub fn in_place_of(self, from: Self, whole_at: i64, now: Timestamp) -> Option<i64> {
        let debt = from.debt(Some(whole_at), now).min(from.burst());
        let (debt, from, to) =
            (i128::from(debt), i128::from(from.burst()), i128::from(self.burst()));
        let debt = i64::try_from((debt * to + from - 1) / from).unwrap_or(i64::MAX);
        (debt > 0).then(|| nanos(now).saturating_add(debt))
    }

    /// When all of it is free again; `None` where it is.
    pub fn whole_again(self, whole_at: Option<i64>, now: Timestamp) -> Option<Timestamp> {
        let debt = self.debt(whole_at, now);
        let millis = debt.saturating_add(NANOS_PER_MILLI - 1) / NANOS_PER_MILLI;
        (debt > 0).then(|| now.plus_millis(millis))
    }

    /// What of the burst is used, in nanoseconds. More than the burst means that another process counted with a later time:
    /// then nothing is left.
    fn debt(self, whole_at: Option<i64>, now: Timestamp) -> i64 {
        let debt = whole_at.map_or(0, |at| at.saturating_sub(nanos(now)).max(0));
        // The store does not trust a clock that jumped this far ahead, so its rates must not keep a key waiting either.
        let trusted = self.burst() + LEAP_MILLIS * NANOS_PER_MILLI;
        if debt > trusted { 0 } else { debt }
    }

    /// The time that gives one request back, in nanoseconds; rounded down, so that `count` requests never need more than
    /// the unit of time.
    fn interval(self) -> i64 {
        (self.unit_nanos() / i64::from(self.count)).max(1)
    }

    fn burst(self) -> i64 {
        self.interval() * i64::from(self.count)
    }

    fn unit_nanos(self) -> i64 {
        let seconds = match self.per {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 60 * 60,
            Unit::Day => 24 * 60 * 60,
        };
        seconds * NANOS_PER_SECOND
    }
}

fn nanos(moment: Timestamp) -> i64 {
    moment.as_millis().saturating_mul(NANOS_PER_MILLI)
}

impl FromStr for Rate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parsed = text.split_once('/').and_then(|(count, unit)| {
            let per = Unit::of(unit)?;
            let count = count.parse().ok().filter(|count| *count > 0)?;
            Some(Self { count, per })
        });
        parsed.ok_or_else(|| {
            Error::new(Kind::InvalidPolicy, format!("\"{}\" is not a rate", Safe(text)))
                .hinted("for example 10/second, 100/minute, 1000/hour or 5000/day")
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.count, self.per.word())
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_print_as_they_are_written_and_nothing_else_is_one() {
        for text in ["10/second", "100/minute", "1000/hour", "5000/day"] {
            assert_eq!(text.parse::<Rate>().expect(text).to_string(), text);
        }
        for text in ["", "10", "0/minute", "-1/minute", "10/month", "10/minutes", "ten/minute"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn another_rate_begins_with_the_share_of_its_burst_that_is_used_of_the_one_before() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let rate = |text: &str| text.parse::<Rate>().expect("a rate");
        let left = |from: &str, used: u32, to: &str| {
            let (from, to) = (rate(from), rate(to));
            let taken = (0..used).fold(None, |whole_at, _| {
                let taken = from.request(whole_at, now).expect("it passes");
                Some(taken.whole_at)
            });
            let whole_at = taken.and_then(|whole_at| to.in_place_of(from, whole_at, now));
            to.left(whole_at, now)
        };
        assert_eq!(left("5000/day", 5000, "10/second"), 0);
        assert_eq!(left("10/second", 10, "5000/day"), 0);
        assert_eq!(left("10/minute", 5, "100/minute"), 50);
        assert_eq!(left("100/minute", 50, "10/minute"), 5);
        assert_eq!(left("3/hour", 1, "2/hour"), 1);
        assert_eq!(left("3/hour", 0, "7/minute"), 7);
    }

    #[test]
    fn a_time_before_the_last_use_finds_nothing_left_and_a_leap_is_not_trusted() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let rate: Rate = "1/minute".parse().expect("a rate");
        let taken = rate.request(None, now).expect("the first passes");
        let whole_at = Some(taken.whole_at);
        assert_eq!(rate.request(whole_at, now), Err(60_000));
        let before = now.plus_millis(-2_500);
        assert_eq!(rate.request(whole_at, before), Err(62_500));
        assert_eq!(rate.left(whole_at, before), 0);
        let leapt = now.plus_millis(-LEAP_MILLIS);
        assert!(rate.request(whole_at, leapt).is_err());
        assert!(rate.request(whole_at, leapt.plus_millis(-1)).is_ok());
    }
}
