//! Times and sizes for people: `3 days ago`, `in 10 minutes`, `156 KiB`.

use crate::domain::Timestamp;
use crate::domain::words::counted;
use crate::output::table::Cell;

/// Units with their length in seconds, and from how many of them on the next larger one is used: a day more often given as 48 hours, a
/// year as 365 days.
const UNITS: [(&str, u64, u64); 5] = [
    ("second", 1, 120),
    ("minute", 60, 120),
    ("hour", 3600, 49),
    ("day", 86_400, 365),
    ("year", YEAR, u64::MAX),
];
/// In seconds.
const YEAR: u64 = 365 * 86_400;

/// The time as seen from `now`, in the nearest whole number of one unit.
pub fn relative(time: Timestamp, now: Timestamp) -> String {
    seen(time, now, counted)
}

/// The same as short as can be: `3d ago`, `in 10m`.
pub fn brief(time: Timestamp, now: Timestamp) -> String {
    seen(time, now, |count, unit| format!("{count}{}", &unit[..1]))
}

/// The time in a table, or `never`.
pub fn moment(time: Option<Timestamp>, now: Timestamp) -> Cell {
    match time {
        Some(time) => Cell::from(relative(time, now)).short(brief(time, now)),
        None => Cell::from("never"),
    }
}

/// The time as seen from `now`, a number of units being said like this.
fn seen(time: Timestamp, now: Timestamp, say: fn(u64, &str) -> String) -> String {
    let distance = time.since(now);
    let seconds = distance.unsigned_abs().saturating_add(500) / 1000;
    let rounded = |length: u64| seconds.saturating_add(length / 2) / length;
    let unit = UNITS.into_iter().find(|(name, length, end)| {
        // 400 days are not a year.
        let over = seconds % YEAR;
        let is_odd_year = *name == "day" && over.min(YEAR - over) > 86_400 && seconds < 2 * YEAR;
        rounded(*length) < *end || is_odd_year
    });
    match unit {
        Some((name, length, _)) if seconds > 0 => {
            let span = say(rounded(length), name);
            if distance < 0 { format!("{span} ago") } else { format!("in {span}") }
        }
        _ => "now".to_owned(),
    }
}

/// A size in bytes, as files are listed.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return counted(bytes, "byte");
    }
    let (mut size, mut unit) = (bytes as f64 / 1024.0, 0);
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        (size, unit) = (size / 1024.0, unit + 1);
    }
    let digits = usize::from(size < 10.0);
    format!("{size:.digits$} {}", UNITS[unit])
}

/// The time as seen from `now`, or `never`.
pub fn relative_or_never(time: Option<Timestamp>, now: Timestamp) -> String {
    time.map_or_else(|| "never".to_owned(), |time| relative(time, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_is_said_as_it_was_given() {
        let now = Timestamp::from_millis(10_000_000_000);
        for (distance, expected) in [
            (0, "now"),
            (-499, "now"),
            (-1000, "1 second ago"),
            (-90_000, "90 seconds ago"),
            (600_000, "in 10 minutes"),
            (3_600_000, "in 60 minutes"),
            (48 * 3_600_000 - 20, "in 48 hours"),
            (-3 * 86_400_000, "3 days ago"),
            (14 * 86_400_000, "in 14 days"),
            (90 * 86_400_000 - 3000, "in 90 days"),
            (365 * 86_400_000 - 5, "in 1 year"),
            (365 * 86_400_000 - 3000, "in 1 year"),
            (400 * 86_400_000, "in 400 days"),
            (630 * 86_400_000, "in 630 days"),
            (730 * 86_400_000, "in 2 years"),
        ] {
            assert_eq!(relative(now.plus_millis(distance), now), expected);
        }
        assert_eq!(brief(now.plus_millis(-3 * 86_400_000), now), "3d ago");
        assert_eq!(brief(now.plus_millis(600_000), now), "in 10m");
        assert_eq!(brief(now, now), "now");
    }
}
