//! The texts of an import's line that could wrongly contain a secret.

use serde_json::{Map, Value};

use crate::domain::exposure::unescaped;
use crate::domain::sanitize::Safe;

/// What is checked for a form that no secret has, or is a hash.
const CHECKED: [&str; 12] = [
    "type",
    "id",
    "status",
    "algorithm",
    "hash",
    "createdAt",
    "expiresAt",
    "lastUsedAt",
    "revokedAt",
    "replaces",
    "previousExpiresAt",
    "replacedBy",
];
/// What is part of a token, and may look like one.
const PUBLIC: [&str; 3] = ["prefix", "short", "keyHint"];

/// Every text of a line and the name of every field, except what is checked otherwise; nothing if the line is not JSON.
pub fn texts(line: &[u8]) -> Vec<String> {
    without(line, &[])
}

/// Those that may be judged by how they look.
pub fn free_texts(line: &[u8]) -> Vec<String> {
    without(line, &PUBLIC)
}

/// What an error calls the field in which one of those texts stands; the name of a field may be the text itself.
pub fn place_of(line: &[u8], text: &str) -> String {
    let fields: Map<String, Value> = serde_json::from_slice(line).unwrap_or_default();
    let holder = fields.into_iter().find(|(name, value)| {
        let mut texts = Vec::new();
        walk(value.clone(), &mut texts);
        name != text && texts.iter().any(|inside| inside == text)
    });
    holder.map_or_else(|| "a field".to_owned(), |(name, _)| format!("the field {}", Safe(&name)))
}

fn without(line: &[u8], public: &[&str]) -> Vec<String> {
    let mut texts = Vec::new();
    let Ok(Value::Object(fields)) = serde_json::from_slice(line) else {
        return texts;
    };
    for (name, value) in fields {
        if CHECKED.contains(&name.as_str()) || public.contains(&name.as_str()) {
            continue;
        }
        // A policy is a document of its own, which may be written with escapes again.
        if let ("policy", Value::String(policy)) = (name.as_str(), &value) {
            texts.extend(unescaped(policy));
        }
        texts.push(name);
        walk(value, &mut texts);
    }
    texts
}

fn walk(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.into_iter().for_each(|value| walk(value, texts)),
        Value::Object(fields) => {
            for (name, value) in fields {
                texts.push(name);
                walk(value, texts);
            }
        }
        _ => {}
    }
}
