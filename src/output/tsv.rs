//! One record a line, fields between tabs: what `cut` and `while read` take.
//!
//! This module never lets a field break the line.

use serde::Serialize;
use serde_json::Value;

use crate::domain::Safe;

/// The record's fields in the order of its JSON, joined by tabs: lists by commas, objects as `name=value` pairs, an
/// object with an id as that id, and nothing as an empty field.
pub fn line(record: &impl Serialize) -> String {
    let value = serde_json::to_value(record).expect("views are JSON");
    let fields: Vec<String> = match &value {
        Value::Object(fields) => fields.values().map(field).collect(),
        other => vec![field(other)],
    };
    fields.join("\t")
}

/// The names of the record's fields, as [`line`] has them.
pub fn header(record: &impl Serialize) -> String {
    let value = serde_json::to_value(record).expect("views are JSON");
    let names = value.as_object().into_iter().flat_map(|fields| fields.keys());
    names.map(String::as_str).collect::<Vec<_>>().join("\t")
}

/// A field: a list by commas, an object as its id or as pairs, and nothing as an empty field.
pub fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => Safe(text).to_string(),
        Value::Array(values) => values.iter().map(field).collect::<Vec<_>>().join(","),
        Value::Object(fields) => match fields.get("id") {
            Some(id) => field(id),
            None => {
                let pairs =
                    fields.iter().map(|(name, value)| format!("{}={}", Safe(name), field(value)));
                pairs.collect::<Vec<_>>().join(",")
            }
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_field_breaks_the_line() {
        let record = json!({
            "id": "key_1",
            "name": "a\tb\nc",
            "scopes": ["r", "w"],
            "labels": { "team": "core" },
            "subject": { "id": "key_2", "name": "x" },
            "expiresAt": null,
            "n": 3,
        });
        assert_eq!(line(&record), "key_1\ta\\tb\\nc\tr,w\tteam=core\tkey_2\t\t3");
    }
}
