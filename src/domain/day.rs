//! Days and months in UTC: what usage is counted by and what a quota is for.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::sanitize::Safe;
use crate::domain::timestamp::Timestamp;
use crate::error::Error;

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
