//! One record a line, fields between tabs: what `cut` and `while read` take; or one field of each record, a line each: what `$(…)`
//! and `xargs` take.
//!
//! This module never prints more than one line for a record, and never lets a field break the line.

use serde::Serialize;
use serde_json::Value;

use crate::domain::Safe;
use crate::error::{Error, Result};
use crate::output::schema;

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

/// The record's field, written as in TSV; empty where the record has none.
pub fn value(record: &impl Serialize, name: &str) -> String {
    let record = serde_json::to_value(record).expect("views are JSON");
    field(record.get(name).unwrap_or(&Value::Null))
}

/// Refuses a field that no record of this command's answer has. A command that does not answer with records has its own
/// format.
pub fn check_field(field: &str, command: &str) -> Result<()> {
    let Some(schema) = schema::of(command) else {
        return Ok(());
    };
    let fields = fields(&schema);
    if fields.iter().any(|known| known == field) {
        return Ok(());
    }
    Err(Error::usage(format!("`keyward {command}` has no field \"{}\"", Safe(field)))
        .hinted(format!("its fields are {}", fields.join(", "))))
}

/// The fields of a record, which may be the answer or one of a list.
fn fields(schema: &Value) -> Vec<String> {
    if let Some(kinds) = schema["anyOf"].as_array() {
        let mut all: Vec<String> = Vec::new();
        for field in kinds.iter().flat_map(fields) {
            if !all.contains(&field) {
                all.push(field);
            }
        }
        return all;
    }
    let properties = &schema["properties"];
    let listed = schema["required"].as_array().and_then(|required| {
        let list = &properties[required.first()?.as_str()?]["items"];
        let listed = fields(list);
        (!listed.is_empty()).then_some(listed)
    });
    let own = || properties.as_object().into_iter().flatten();
    listed.unwrap_or_else(|| own().map(|(name, _)| name.clone()).collect())
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
