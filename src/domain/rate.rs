//! Request rates as plans write them: `10/minute`.
//!
//! This module never counts requests.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::sanitize::Safe;
use crate::error::{Error, Kind};

/// So many requests in each unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many; also the burst.
    pub count: u32,
    /// In how long.
    pub per: Unit,
}

/// A rate's unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// One second.
    Second,
    /// Sixty seconds.
    Minute,
    /// Sixty minutes.
    Hour,
    /// Twenty-four hours.
    Day,
}

impl FromStr for Rate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parsed = text.split_once('/').and_then(|(count, unit)| {
            let per = match unit {
                "second" => Unit::Second,
                "minute" => Unit::Minute,
                "hour" => Unit::Hour,
                "day" => Unit::Day,
                _ => return None,
            };
            count
                .parse()
                .ok()
                .filter(|count| *count > 0)
                .map(|count| Self { count, per })
        });
        parsed.ok_or_else(|| {
            Error::new(
                Kind::InvalidPolicy,
                format!("\"{}\" is not a rate", Safe(text)),
            )
            .hinted("write it like 10/second, 100/minute, 1000/hour or 5000/day")
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per {
            Unit::Second => "second",
            Unit::Minute => "minute",
            Unit::Hour => "hour",
            Unit::Day => "day",
        };
        write!(formatter, "{}/{unit}", self.count)
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
        for text in [
            "",
            "10",
            "0/minute",
            "-1/minute",
            "10/month",
            "10/minutes",
            "ten/minute",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
