//! Points in time: milliseconds since 1970 UTC inside, RFC 3339 with milliseconds and `Z` outside.
//!
//! This module never asks what time it is.

use std::fmt;
use std::str::FromStr;

use crate::domain::lifetime::Lifetime;
use crate::domain::sanitize::Safe;
use crate::error::{Error, Kind};

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

    /// Whether RFC 3339 can write it. Only a store that was changed behind keyward's back has other times.
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

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A time that cannot be written shows as the nearest that can; whoever believes a record refuses it before.
        let nearest = (*self).clamp(Self::FIRST, Self::LAST);
        let timestamp = jiff::Timestamp::from_millisecond(nearest.0);
        let timestamp = timestamp.expect("jiff has every year of four digits");
        write!(formatter, "{timestamp:.3}")
    }
}

/// When something ends, as a person writes it.
#[derive(Debug, Clone, PartialEq)]
pub enum When {
    /// `never`.
    Never,
    /// A date (its first moment in UTC) or an RFC 3339 time.
    At(Timestamp),
    /// A duration from now.
    After(Lifetime),
}

impl When {
    /// The point in time this means, seen from `now`; `None` is never.
    ///
    /// # Errors
    /// `invalid_expiry` when a duration leads past the year 9999.
    pub fn resolve(&self, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        match self {
            Self::Never => Ok(None),
            Self::At(timestamp) => Ok(Some(*timestamp)),
            Self::After(lifetime) => lifetime.after(now).map(Some),
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => formatter.write_str("never"),
            Self::At(timestamp) => timestamp.fmt(formatter),
            Self::After(lifetime) => lifetime.fmt(formatter),
        }
    }
}

impl FromStr for When {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "never" {
            return Ok(Self::Never);
        }
        if let Ok(timestamp) = text.parse::<jiff::Timestamp>()
            && timestamp.as_millisecond() >= Timestamp::FIRST.0
        {
            return Ok(Self::At(Timestamp::from_millis(timestamp.as_millisecond())));
        }
        // A civil date would parse a longer text too, and drop its time: only the ten characters are a date.
        if text.len() == 10
            && let Ok(date) = text.parse::<jiff::civil::Date>()
            && let Ok(midnight) = date.to_zoned(jiff::tz::TimeZone::UTC)
        {
            let millis = midnight.timestamp().as_millisecond();
            return Ok(Self::At(Timestamp::from_millis(millis)));
        }
        if is_end_of_time(text) {
            return Ok(Self::At(Timestamp::LAST));
        }
        text.parse().map(Self::After).map_err(|_: Error| {
            Error::new(Kind::Usage, format!("\"{}\" is not a time", Safe(text)))
                .hinted("write 2027-01-31, 2027-01-31T12:00:00Z, never, or a duration such as 90d, 24h, 1w, 1mo, 1y")
        })
    }
}

/// Whether a text is a time of the last two days there are, which are often written for "never" and of which jiff's
/// timestamps, kept clear of every time zone's edge, have only a part.
fn is_end_of_time(text: &str) -> bool {
    let moment = text.strip_suffix('Z').unwrap_or(text);
    let is_date = text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok();
    text.starts_with("9999-12-3")
        && (is_date || (text != moment && moment.parse::<jiff::civil::DateTime>().is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Option<String> {
        let now = Timestamp(1_769_817_600_000); // 2026-01-31T00:00:00Z
        text.parse::<When>()
            .expect(text)
            .resolve(now)
            .expect(text)
            .map(|timestamp| timestamp.to_string())
    }

    #[test]
    fn times_are_read_in_every_documented_form() {
        for (text, expected) in [
            ("never", None),
            ("2027-01-31", Some("2027-01-31T00:00:00.000Z")),
            (
                "2027-01-31T12:00:00+02:00",
                Some("2027-01-31T10:00:00.000Z"),
            ),
            ("9999-12-31", Some("9999-12-30T22:00:00.000Z")),
            ("45s", Some("2026-01-31T00:00:45.000Z")),
            ("30m", Some("2026-01-31T00:30:00.000Z")),
            ("24h", Some("2026-02-01T00:00:00.000Z")),
            ("7d", Some("2026-02-07T00:00:00.000Z")),
            ("1w", Some("2026-02-07T00:00:00.000Z")),
            ("1mo", Some("2026-02-28T00:00:00.000Z")),
            ("1y", Some("2027-01-31T00:00:00.000Z")),
            ("1d12h", Some("2026-02-01T12:00:00.000Z")),
        ] {
            assert_eq!(resolve(text).as_deref(), expected, "{text}");
        }
    }

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

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "-000001-01-01T00:00:00Z",
            "+010000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "soon",
            "90",
            "-1d",
            "tomorrow",
            "2027-13-01",
            "1.5",
            "2027-01-31T25:00:00Z",
            "9999-12-31x",
            "1 hour",
            "90days",
            "1.5h",
            "P1D",
            "1h 30m",
        ] {
            assert_eq!(
                text.parse::<When>().expect_err(text).kind(),
                Kind::Usage,
                "{text}"
            );
        }
    }
}
