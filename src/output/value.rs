//! One field of each record, a line each: what `$(…)` and `xargs` take.
//!
//! This module never prints more than one line for a record.

use serde::Serialize;
use serde_json::Value;

use crate::domain::Safe;
use crate::error::{Error, Result};
use crate::output::{schema, tsv};

/// The record's field, written as in TSV; empty where the record has none.
pub fn line(record: &impl Serialize, field: &str) -> String {
    let value = serde_json::to_value(record).expect("views are JSON");
    tsv::field(value.get(field).unwrap_or(&Value::Null))
}

/// Refuses a field that no record of this command's answer has. A command that does not answer with records has its own
/// format.
pub fn check(field: &str, command: &str) -> Result<()> {
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
