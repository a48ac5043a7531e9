//! Times as people say them: `3 days ago`, `in 10 minutes`.

use crate::domain::Timestamp;

/// Units with their length in milliseconds; a month is 30 days and a year 365 here, where only the size matters.
const UNITS: [(&str, u64); 7] = [
    ("year", 365 * 86_400_000),
    ("month", 30 * 86_400_000),
    ("week", 7 * 86_400_000),
    ("day", 86_400_000),
    ("hour", 3_600_000),
    ("minute", 60_000),
    ("second", 1000),
];

/// The time as seen from `now`, rounded down to one unit.
pub fn relative(time: Timestamp, now: Timestamp) -> String {
    let distance = time.since(now);
    let unit = UNITS
        .iter()
        .find(|(_, millis)| distance.unsigned_abs() >= *millis);
    match unit {
        None => "now".to_owned(),
        Some((name, millis)) => {
            let count = distance.unsigned_abs() / millis;
            let plural = if count == 1 { "" } else { "s" };
            if distance < 0 {
                format!("{count} {name}{plural} ago")
            } else {
                format!("in {count} {name}{plural}")
            }
        }
    }
}

/// The time as seen from `now`, or `never`.
pub fn relative_or_never(time: Option<Timestamp>, now: Timestamp) -> String {
    time.map_or_else(|| "never".to_owned(), |time| relative(time, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_said_in_their_largest_whole_unit() {
        let now = Timestamp::from_millis(10_000_000_000);
        for (distance, expected) in [
            (0, "now"),
            (-999, "now"),
            (-1000, "1 second ago"),
            (-90_000, "1 minute ago"),
            (600_000, "in 10 minutes"),
            (-3 * 86_400_000, "3 days ago"),
            (14 * 86_400_000, "in 2 weeks"),
            (90 * 86_400_000, "in 3 months"),
        ] {
            assert_eq!(relative(now.plus_millis(distance), now), expected);
        }
    }
}
