//! Points in time: milliseconds since 1970 UTC inside, RFC 3339 with milliseconds and `Z` outside; and days and months in
//! UTC: what usage is counted by and what a quota is for.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::sanitize::Safe;
use crate::error::Error;

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// 0000-01-01T00:00:00.000Z, the first that RFC 3339 can write.
    pub const FIRST: Self = Self(-62_167_219_200_000);

    /// 9999-12-30T22:00:00.000Z, the last that keyward writes: jiff's timestamps keep clear of every time zone's edge.
    pub const LAST: Self = Self(253_402_207_200_000);

    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Whether RFC 3339 can write it. Only a store that was changed outside keyward has other times.
    pub fn is_writable(self) -> bool {
        (Self::FIRST..=Self::LAST).contains(&self)
    }

    /// Milliseconds since the epoch.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Milliseconds from `earlier` to here; negative when it is later.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This many milliseconds later, at most [`Self::LAST`].
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis)).min(Self::LAST)
    }
}

/// A clock before 1970 counts as 1970's first moment, and one beyond the last time that can be written as that: it would make
/// records that nobody could read again.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)).min(Self::LAST)
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        UNIX_EPOCH + Duration::from_millis(time.0.max(0).unsigned_abs())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A time that cannot be written is shown as the nearest that can; a record with such a time is refused earlier.
        let nearest = (*self).clamp(Self::FIRST, Self::LAST);
        let timestamp = jiff::Timestamp::from_millisecond(nearest.0);
        let timestamp = timestamp.expect("jiff has every year of four digits");
        write!(formatter, "{timestamp:.3}")
    }
}

const MILLIS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

/// A UTC day, as the number of days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

impl Day {
    /// A day that never comes, after every other: some 11,000 years from 1970.
    pub const LAST: Self = Self((1 << 22) - 1);

    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    pub fn of(moment: Timestamp) -> Self {
        Self(moment.as_millis().div_euclid(MILLIS_PER_DAY))
    }

    pub fn start(self) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_mul(MILLIS_PER_DAY))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match date(self.start()) {
            Some(date) => write!(formatter, "{date}"),
            // Only a store that was changed outside keyward contains such a number; it is shown as a number.
            None => write!(formatter, "{}d", self.0),
        }
    }
}

impl FromStr for Day {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let date = (text.len() == 10).then(|| text.parse::<Date>().ok());
        let midnight = date.flatten().and_then(|date| date.to_zoned(TimeZone::UTC).ok());
        let moment = midnight.map(|midnight| midnight.timestamp().as_millisecond());
        moment.map(Timestamp::from_millis).map(Self::of).ok_or_else(|| {
            Error::usage(format!("\"{}\" is not a day", Safe(text)))
                .hinted("for example 2027-01-31; days are UTC")
        })
    }
}

/// A UTC calendar month, as the number of months since January of the year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(pub i64);

impl Month {
    pub fn of(moment: Timestamp) -> Self {
        match date(moment) {
            Some(date) => Self(i64::from(date.year()) * 12 + i64::from(date.month()) - 1),
            None => Self(0),
        }
    }

    /// The first moment of the month after it; the end of time in the last month there is.
    pub fn end(self) -> Timestamp {
        Self(self.0 + 1).start()
    }

    /// The first moment of it.
    pub fn start(self) -> Timestamp {
        let first = i16::try_from(self.0.div_euclid(12))
            .ok()
            .and_then(|year| Date::new(year, self.0.rem_euclid(12) as i8 + 1, 1).ok())
            .and_then(|first| first.to_zoned(TimeZone::UTC).ok());
        Timestamp::from_millis(first.map_or(i64::MAX, |first| first.timestamp().as_millisecond()))
    }
}

fn date(moment: Timestamp) -> Option<Date> {
    let moment = jiff::Timestamp::from_millisecond(moment.as_millis()).ok()?;
    Some(TimeZone::UTC.to_datetime(moment).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_in_time_is_written_with_four_digits_of_a_year() {
        assert_eq!(Timestamp::LAST.0, jiff::Timestamp::MAX.as_second() * 1000);
        for (millis, expected, is_writable) in [
            (i64::MIN, "0000-01-01T00:00:00.000Z", false),
            (Timestamp::FIRST.0 - 1, "0000-01-01T00:00:00.000Z", false),
            (Timestamp::FIRST.0, "0000-01-01T00:00:00.000Z", true),
            (Timestamp::LAST.0, "9999-12-30T22:00:00.000Z", true),
            (Timestamp::LAST.0 + 1, "9999-12-30T22:00:00.000Z", false),
            (i64::MAX, "9999-12-30T22:00:00.000Z", false),
        ] {
            let time = Timestamp(millis);
            assert_eq!(time.to_string(), expected);
            assert_eq!(time.is_writable(), is_writable, "{millis}");
        }
        assert_eq!(Timestamp(0).plus_millis(i64::MAX), Timestamp::LAST);
    }

    const LEAP_DAY: Timestamp = Timestamp::from_millis(1_709_164_800_000); // 2024-02-29T00:00:00Z

    #[test]
    fn a_day_begins_at_midnight_and_ends_before_the_next() {
        let day: Day = "2024-02-29".parse().expect("a day");
        assert_eq!(day, Day::of(LEAP_DAY));
        assert_eq!(day, Day::of(LEAP_DAY.plus_millis(MILLIS_PER_DAY - 1)));
        assert_eq!(day.start(), LEAP_DAY);
        assert_eq!(Day::of(LEAP_DAY.plus_millis(-1)).to_string(), "2024-02-28");
        assert_eq!(Day::of(Timestamp::from_millis(-1)).to_string(), "1969-12-31");
    }

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let month = Month::of(LEAP_DAY);
        assert_eq!(month.end().to_string(), "2024-03-01T00:00:00.000Z");
        assert_eq!(Month::of(month.end()), Month(month.0 + 1));
        let december = Month::of("2026-12-31".parse::<Day>().expect("a day").start());
        assert_eq!(december.end().to_string(), "2027-01-01T00:00:00.000Z");
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in ["", "2027-02-29", "2027-1-1", "2027-01-01T00:00:00Z", "today", "20270101"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
