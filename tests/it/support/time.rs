//! Times in answers, as numbers that can be compared.

/// A second, in milliseconds.
pub const SECOND: i64 = 1_000;
/// An hour, in milliseconds.
pub const HOUR: i64 = 3_600 * SECOND;
/// A day, in milliseconds.
pub const DAY: i64 = 24 * HOUR;

/// Milliseconds since 1970 of a time in the one form answers may have: RFC 3339, UTC, milliseconds, `Z`.
#[must_use]
pub fn milliseconds(time: &str) -> i64 {
    let shape: String = time
        .chars()
        .map(|character| if character.is_ascii_digit() { '0' } else { character })
        .collect();
    assert_eq!(
        shape, "0000-00-00T00:00:00.000Z",
        "{time} is not RFC 3339 UTC with milliseconds and Z"
    );
    let part = |from: usize, to: usize| {
        time[from..to].parse::<i64>().expect("the shape says these are digits")
    };
    let days = days_from_civil(part(0, 4), part(5, 7), part(8, 10));
    days * DAY
        + part(11, 13) * HOUR
        + part(14, 16) * 60 * SECOND
        + part(17, 19) * SECOND
        + part(20, 23)
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Milliseconds since 1970 of this moment.
#[must_use]
pub fn now() -> i64 {
    let elapsed = std::time::UNIX_EPOCH.elapsed().expect("the clock is past 1970");
    i64::try_from(elapsed.as_millis()).expect("milliseconds of this era fit")
}

/// Asserts that a moment is about this far from now: within the time a slow machine needs for a few commands.
#[track_caller]
pub fn assert_about(moment: i64, expected: i64) {
    let distance = (moment - expected).abs();
    assert!(distance < 30 * SECOND, "{moment} is {distance} ms away from the expected {expected}");
}

#[test]
fn a_time_is_counted_from_1970() {
    assert_eq!(milliseconds("1970-01-01T00:00:00.000Z"), 0);
    assert_eq!(milliseconds("2001-09-09T01:46:40.123Z"), 1_000_000_000_123);
    assert_eq!(
        milliseconds("2024-02-29T00:00:00.000Z") + DAY,
        milliseconds("2024-03-01T00:00:00.000Z")
    );
}
