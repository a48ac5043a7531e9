//! Times as databases and their exports write them.

use serde_json::Value;

use crate::domain::timestamp::Timestamp;
use crate::domain::when::When;

/// From here on a number counts seconds, in 1973: a smaller one is a date without its dashes, or a 0 that means anything.
const SECONDS_FROM: f64 = 100_000_000.0;
/// From here on it counts milliseconds: as seconds it would be in the year 5138, as milliseconds it is in 1973.
const MILLIS_FROM: f64 = 100_000_000_000.0;
/// From here on it would count microseconds.
const TOO_LARGE: f64 = 100_000_000_000_000.0;
/// What stands for no time in Go and .NET, and in MySQL.
const NONE: [&str; 2] = ["0001-01-01", "0000-00-00"];

/// Reads a time; `Some(None)` for an empty cell, `None` for what is not a time. One without a zone is UTC.
pub(super) fn read(value: &Value) -> Option<Option<Timestamp>> {
    let text = match value {
        Value::Null => return Some(None),
        Value::Number(number) => return epoch(number.as_f64()?).map(Some),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    if text.is_empty() || NONE.iter().any(|none| text.starts_with(none)) {
        return Some(None);
    }
    if let Ok(number) = text.parse::<f64>() {
        return epoch(number).map(Some);
    }
    // A zone of hours alone is how PostgreSQL writes it, and a name how Rails and Ruby do.
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    if let Ok(When::At(time)) = text.parse() {
        return Some(Some(time));
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Some(Timestamp::from_millis(zoned.timestamp().as_millisecond())))
}

fn epoch(number: f64) -> Option<Timestamp> {
    let millis = match number {
        number if !(SECONDS_FROM..TOO_LARGE).contains(&number) => return None,
        number if number < MILLIS_FROM => number * 1000.0,
        number => number,
    };
    #[expect(clippy::cast_possible_truncation, reason = "it is below 10^14")]
    Some(Timestamp::from_millis(millis.round() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_way_of_writing_a_time_is_read_and_anything_else_is_none() {
        const AT: i64 = 1_769_862_896_500; // 2026-01-31T12:34:56.5Z
        for value in [
            json!("2026-01-31T12:34:56.500Z"),
            json!("2026-01-31 12:34:56.500000"),
            json!("2026-01-31 12:34:56.5 UTC"),
            json!("2026-01-31 13:34:56.5+01"),
            json!("2026-01-31 13:34:56.5+01:00"),
            json!(AT),
            json!(AT.to_string()),
            json!(1_769_862_896.5),
        ] {
            assert_eq!(read(&value), Some(Some(Timestamp::from_millis(AT))), "{value}");
        }
        for none in ["", "0001-01-01T00:00:00Z", "0001-01-01 00:00:00+00", "0000-00-00 00:00:00"] {
            assert_eq!(read(&json!(none)), Some(None), "{none}");
        }
        for wrong in
            [json!("soon"), json!("90d"), json!("never"), json!(true), json!([1]), json!(-1)]
        {
            assert_eq!(read(&wrong), None, "{wrong}");
        }
        for (wrong, what) in [(AT * 1000, "microseconds"), (20_260_131, "a date"), (0, "anything")]
        {
            assert_eq!(read(&json!(wrong)), None, "{what}");
            assert_eq!(read(&json!(wrong.to_string())), None, "{what}");
        }
    }
}
