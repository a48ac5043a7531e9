//! Points in time: milliseconds since 1970 UTC inside, RFC 3339 with milliseconds and `Z` outside.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
}
