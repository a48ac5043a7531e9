//! A value of a mapping, and what it is in one row, read as the type that a field wants; times as databases and their exports
//! write them.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::Row;
use crate::domain::timestamp::Timestamp;
use crate::domain::when::When;

/// Where a value comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Cell {
    /// A column; with a `!` before its name, the opposite of what it says.
    Column(String),
    /// A column with JSON text.
    Json { json: String },
    /// The same text for every row.
    Fixed { value: String },
    /// The first of these that a row has.
    First(Vec<Cell>),
}

/// What a value is not, and what was found; both are kinds, never the value.
pub(super) struct Unfit {
    pub(super) wanted: &'static str,
    pub(super) found: &'static str,
}

const FLAG: &str = "true or false, or 1 or 0";

impl Cell {
    /// What the row has for it; null for nothing.
    pub(super) fn read(&self, row: &Row) -> Result<Value, Unfit> {
        match self {
            Self::Column(name) => match name.strip_prefix('!') {
                None => Ok(held(row, name)),
                Some(name) => match flag(&held(row, name)) {
                    None => Err(unfit(FLAG, &held(row, name))),
                    Some(flag) => Ok(flag.map_or(Value::Null, |flag| Value::Bool(!flag))),
                },
            },
            Self::Json { json } => match held(row, json) {
                Value::String(text) => serde_json::from_str(&text)
                    .map_err(|_| Unfit { wanted: "JSON text", found: "another text" }),
                parsed => Ok(parsed),
            },
            Self::Fixed { value } => Ok(present(Value::String(value.clone()))),
            Self::First(cells) => {
                for cell in cells {
                    match cell.read(row)? {
                        Value::Null => {}
                        value => return Ok(value),
                    }
                }
                Ok(Value::Null)
            }
        }
    }

    /// The text, if it is the same for every row.
    pub(super) fn fixed(&self) -> Option<&str> {
        match self {
            Self::Fixed { value } => Some(value),
            _ => None,
        }
    }

    /// The word itself, or the column's name, where a word is meant.
    pub(super) fn word(&self) -> Option<&str> {
        match self {
            Self::Column(word) => Some(word),
            other => other.fixed(),
        }
    }

    /// The column that it needs and that is not among these.
    pub(super) fn missing(&self, columns: &BTreeSet<String>) -> Option<&str> {
        match self {
            Self::Column(name) | Self::Json { json: name } => {
                let name = name.strip_prefix('!').unwrap_or(name);
                let is_it = |column: &String| is_same(column, name);
                (!columns.iter().any(is_it)).then_some(name)
            }
            Self::Fixed { .. } => None,
            Self::First(cells) => {
                let missing: Option<Vec<_>> =
                    cells.iter().map(|cell| cell.missing(columns)).collect();
                missing.and_then(|missing| missing.first().copied())
            }
        }
    }
}

/// What a row has in a column, whose name may be written in another of the usual ways: `expiresAt` is `expires_at`.
pub(super) fn held(row: &Row, name: &str) -> Value {
    let exact = row.get(name);
    let other = || row.iter().find(|(column, _)| is_same(column, name)).map(|(_, value)| value);
    exact.or_else(other).map_or(Value::Null, |value| present(value.clone()))
}

fn is_same(column: &str, name: &str) -> bool {
    let letters = |text: &str| text.replace('_', "").to_ascii_lowercase();
    column == name || letters(column) == letters(name)
}

/// An empty text is nothing.
fn present(value: Value) -> Value {
    match value {
        Value::String(text) if text.trim().is_empty() => Value::Null,
        value => value,
    }
}

pub(super) fn unfit(wanted: &'static str, value: &Value) -> Unfit {
    let found = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "another text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Unfit { wanted, found }
}

/// A text; a number is one too.
pub(super) fn text(value: &Value) -> Result<Option<String>, Unfit> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.trim().to_owned())),
        Value::Number(number) => Ok(Some(number.to_string())),
        other => Err(unfit("a text", other)),
    }
}

/// Yes or no, as databases write it; nothing inside where there is nothing.
fn flag(value: &Value) -> Option<Option<bool>> {
    let word = match value {
        Value::Null => return Some(None),
        Value::Bool(flag) => return Some(Some(*flag)),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_ascii_lowercase(),
        _ => return None,
    };
    match word.as_str() {
        "1" | "true" | "t" | "yes" => Some(Some(true)),
        "0" | "false" | "f" | "no" => Some(Some(false)),
        _ => None,
    }
}

/// Whether something is so, and since when: a flag, or the time that it began.
pub(super) fn since(value: &Value) -> Result<Option<Option<Timestamp>>, Unfit> {
    match flag(value) {
        Some(is_so) => Ok((is_so == Some(true)).then_some(None)),
        None => match read_time(value) {
            Some(at) => Ok(at.map(Some)),
            None => Err(unfit("true or false, 1 or 0, or a time", value)),
        },
    }
}

/// Yes or no; an empty cell is neither.
pub(super) fn yes(value: &Value) -> Result<Option<bool>, Unfit> {
    flag(value).ok_or_else(|| unfit(FLAG, value))
}

pub(super) fn number(value: &Value) -> Result<Option<u64>, Unfit> {
    let read = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    read.map(Some).ok_or_else(|| unfit("a whole number", value))
}

/// What a time may be.
pub const WANTED_TIME: &str = "a time (SQL, RFC 3339 or seconds since 1970)";

/// A point in time.
pub(super) fn at(value: &Value) -> Result<Option<Timestamp>, Unfit> {
    read_time(value).ok_or_else(|| unfit(WANTED_TIME, value))
}

/// Words: a list, a text with spaces or commas between them, or an object of lists, whose names stand before a `:`.
pub(super) fn words(value: &Value) -> Result<Vec<String>, Unfit> {
    const WANTED: &str = "a list of words, or an object of such lists";
    let word = |value: &Value| match value {
        Value::String(word) => Ok(word.clone()),
        other => Err(unfit(WANTED, other)),
    };
    let mut words = Vec::new();
    match value {
        Value::Null => {}
        Value::String(text) if text.trim_start().starts_with(['[', '{']) => {
            return Err(Unfit {
                wanted: "words ({ json = \"column\" } reads JSON)",
                found: "JSON",
            });
        }
        Value::String(text) => {
            let parts = text.split([' ', ',']).filter(|part| !part.is_empty());
            words.extend(parts.map(str::to_owned));
        }
        Value::Array(list) => {
            words = list.iter().map(word).collect::<Result<_, _>>()?;
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let Value::Array(list) = value else {
                    return Err(unfit(WANTED, value));
                };
                for part in list {
                    words.push(format!("{name}:{}", word(part)?));
                }
            }
        }
        other => return Err(unfit(WANTED, other)),
    }
    let mut seen = BTreeSet::new();
    words.retain(|word| seen.insert(word.clone()));
    Ok(words)
}

/// From here on a number counts seconds, in 1973: a smaller one is a date without its dashes, or a 0 that means anything.
const SECONDS_FROM: f64 = 100_000_000.0;
/// From here on it counts milliseconds: as seconds it would be in the year 5138, as milliseconds it is in 1973.
const MILLIS_FROM: f64 = 100_000_000_000.0;
/// From here on it would count microseconds.
const TOO_LARGE: f64 = 100_000_000_000_000.0;
/// What stands for no time in Go and .NET, and in MySQL.
const NONE: [&str; 2] = ["0001-01-01", "0000-00-00"];

/// Reads a time; `Some(None)` for an empty cell, `None` for what is not a time. One without a zone is UTC.
pub fn read_time(value: &Value) -> Option<Option<Timestamp>> {
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
    use serde_json::json;

    use super::*;

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
            assert_eq!(read_time(&value), Some(Some(Timestamp::from_millis(AT))), "{value}");
        }
        for none in ["", "0001-01-01T00:00:00Z", "0001-01-01 00:00:00+00", "0000-00-00 00:00:00"] {
            assert_eq!(read_time(&json!(none)), Some(None), "{none}");
        }
        for wrong in
            [json!("soon"), json!("90d"), json!("never"), json!(true), json!([1]), json!(-1)]
        {
            assert_eq!(read_time(&wrong), None, "{wrong}");
        }
        for (wrong, what) in [(AT * 1000, "microseconds"), (20_260_131, "a date"), (0, "anything")]
        {
            assert_eq!(read_time(&json!(wrong)), None, "{what}");
            assert_eq!(read_time(&json!(wrong.to_string())), None, "{what}");
        }
    }
}
