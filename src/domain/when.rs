//! When something ends, as a person writes it: `never`, a date, a time or a duration.

use std::fmt;
use std::str::FromStr;

use crate::domain::lifetime::Lifetime;
use crate::domain::sanitize::Safe;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind};

/// When something ends, as a person writes it.
#[derive(Debug, Clone, PartialEq)]
pub enum When {
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
            && timestamp.as_millisecond() >= Timestamp::FIRST.as_millis()
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
        let now = Timestamp::from_millis(1_769_817_600_000); // 2026-01-31T00:00:00Z
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
            ("2027-01-31T12:00:00+02:00", Some("2027-01-31T10:00:00.000Z")),
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
            assert_eq!(text.parse::<When>().expect_err(text).kind(), Kind::Usage, "{text}");
        }
    }
}
