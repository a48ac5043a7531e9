//! Durations as policies and people write them: `45s 30m 24h 7d 90d 1w 1mo 1y` and compounds.
//!
//! A month is a calendar month in UTC: a day after 31 January is 28 February.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::sanitize::Safe;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind};

/// A duration of zero or more, kept as written.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(with = "String"))]
pub struct Lifetime {
    text: String,
    span: jiff::Span,
}

impl Lifetime {
    /// The point in time this long after `start`.
    ///
    /// # Errors
    /// `invalid_expiry` when that is past the year 9999.
    pub fn after(&self, start: Timestamp) -> Result<Timestamp, Error> {
        let too_far =
            |_| Error::new(Kind::InvalidExpiry, format!("{} from now is out of range", self.text));
        let start = jiff::Timestamp::from_millisecond(start.as_millis()).map_err(too_far)?;
        let end = start.to_zoned(TimeZone::UTC).checked_add(self.span).map_err(too_far)?;
        Ok(Timestamp::from_millis(end.timestamp().as_millisecond()))
    }

    /// How long it is when it starts at `start`, in milliseconds.
    ///
    /// # Errors
    /// `invalid_expiry` when it ends past the year 9999.
    pub fn millis_from(&self, start: Timestamp) -> Result<i64, Error> {
        Ok(self.after(start)?.since(start))
    }
}

impl PartialEq for Lifetime {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl FromStr for Lifetime {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = || {
            Error::new(Kind::Usage, format!("\"{}\" is not a duration", Safe(text)))
                .hinted("for example 45s, 30m, 24h, 7d, 1w, 1mo, 1y or 1d12h")
        };
        // jiff reads more than these: ISO 8601, fractions, whole words.
        if !is_compound(text) {
            return Err(refused());
        }
        let span: jiff::Span = text.parse().map_err(|_| refused())?;
        Ok(Self { text: text.to_owned(), span })
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Serialize for Lifetime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Whether a text is numbers, each with one of the units `ms s m h d w mo y`.
fn is_compound(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let after_number = rest.trim_start_matches(|character: char| character.is_ascii_digit());
        let after_unit =
            after_number.trim_start_matches(|character: char| character.is_ascii_lowercase());
        let unit = &after_number[..after_number.len() - after_unit.len()];
        if after_number.len() == rest.len()
            || !["ms", "s", "m", "h", "d", "w", "mo", "y"].contains(&unit)
        {
            return false;
        }
        rest = after_unit;
    }
    !text.is_empty()
}
