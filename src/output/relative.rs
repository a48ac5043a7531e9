//! Times and sizes for people: `3 days ago`, `in 10 minutes`, `156 KiB`.

use crate::domain::words::counted;
use crate::domain::{Day, Lifetime, Timestamp};
use crate::output::table::Cell;

/// Units with their length in seconds, and from how many of them on the next larger one is used: a day is more often given as 24
/// hours, a year as 365 days. Exactly 60 seconds or minutes are one of the next.
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

/// The time in a table, or `never`. Its long form has the date, unless the time is near.
pub fn moment(time: Option<Timestamp>, now: Timestamp) -> Cell {
    /// In milliseconds.
    const NEAR: u64 = 48 * 3_600_000;
    let Some(time) = time else {
        return Cell::from("never");
    };
    let cell = Cell::from(relative(time, now)).short(brief(time, now));
    match time.since(now).unsigned_abs() > NEAR {
        true => cell.long(format!("{} ({})", relative(time, now), Day::of(time))),
        false => cell,
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
        let is_one = rounded(*length) == 60 && matches!(*name, "second" | "minute");
        rounded(*length) < *end && !is_one || is_odd_year
    });
    match unit {
        Some((name, length, _)) if seconds > 0 => {
            let span = say(rounded(length), name);
            if distance < 0 { format!("{span} ago") } else { format!("in {span}") }
        }
        _ => "now".to_owned(),
    }
}

/// A duration in words, in the units it was written in: `90 days`, `1 hour 30 minutes`.
pub fn spelled(lifetime: &Lifetime) -> String {
    let text = lifetime.to_string();
    let mut rest = text.as_str();
    let mut words = Vec::new();
    while let Some(end) = rest.find(|character: char| !character.is_ascii_digit()) {
        let (number, unit) = rest.split_at(end);
        let length = unit.find(|character: char| character.is_ascii_digit());
        let (unit, after) = unit.split_at(length.unwrap_or(unit.len()));
        let noun = match unit {
            "ms" => "millisecond",
            "s" => "second",
            "m" => "minute",
            "h" => "hour",
            "d" => "day",
            "w" => "week",
            "mo" => "month",
            _ => "year",
        };
        words.push(counted(number.parse().unwrap_or(u64::MAX), noun));
        rest = after;
    }
    words.join(" ")
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
            (60_000, "in 1 minute"),
            (61_000, "in 61 seconds"),
            (90 * 60_000, "in 90 minutes"),
            (3_600_000 - 20, "in 1 hour"),
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
        for (written, words) in [
            ("90d", "90 days"),
            ("1h30m", "1 hour 30 minutes"),
            ("0s", "0 seconds"),
            ("1mo", "1 month"),
        ] {
            let lifetime: Lifetime = written.parse().expect("a duration");
            assert_eq!(spelled(&lifetime), words);
        }
        assert_eq!(brief(now.plus_millis(-3 * 86_400_000), now), "3d ago");
        assert_eq!(brief(now.plus_millis(600_000), now), "in 10m");
        assert_eq!(brief(now, now), "now");
    }
}
