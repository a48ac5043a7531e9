//! The building blocks of schemas.

use serde_json::{Value, json};

/// A closed object of these fields, all of them required.
pub(super) fn object(fields: Value) -> Value {
    let required: Vec<String> = fields
        .as_object()
        .map(|fields| fields.keys().cloned().collect())
        .unwrap_or_default();
    json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
}

/// The object with more fields, which are required unless they are named in `optional`.
pub(super) fn with(base: &Value, more: Value, optional: &[&str]) -> Value {
    let mut fields = base["properties"].as_object().cloned().unwrap_or_default();
    fields.extend(more.as_object().cloned().unwrap_or_default());
    let required: Vec<&String> = fields
        .keys()
        .filter(|name| !optional.contains(&name.as_str()))
        .collect();
    let required = json!(required);
    json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
}

/// The object with more fields, which need not be there.
pub(super) fn with_optional(base: &Value, more: Value) -> Value {
    let mut object = base.clone();
    if let (Some(fields), Value::Object(more)) = (object["properties"].as_object_mut(), more) {
        fields.extend(more);
    }
    object
}

pub(super) fn list(name: &str, item: &Value) -> Value {
    object(json!({ name: { "type": "array", "items": item } }))
}

pub(super) fn time() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$" })
}

pub(super) fn hash() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
}

pub(super) fn texts() -> Value {
    json!({ "type": "array", "items": { "type": "string" } })
}

pub(super) fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

pub(super) fn maybe(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}
