//! The fields in which a record differs from what is wanted.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::sanitize::Safe;
use crate::domain::timestamp::Timestamp;

/// One field.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub struct Difference {
    /// The field; one within another has a dot between their names.
    pub field: String,
    /// What it is; null for nothing.
    pub from: Value,
    pub to: Value,
}

impl Difference {
    /// The differences between two records, in the order of their fields. Of things that have names, as scopes and plans, what
    /// was added and removed is one difference, and each that is another is a difference of its own.
    pub fn between(before: &Value, after: &Value) -> Vec<Self> {
        let mut differences = Vec::new();
        if let (Value::Object(before), Value::Object(after)) = (before, after) {
            compare("", before, after, &mut differences);
        }
        differences
    }

    /// The difference between two expiries, if there is one.
    pub fn of_expiry(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<Self> {
        let said = |time: Option<Timestamp>| time.map(|time| time.to_string()).into();
        (from != to).then(|| Self::new("expiresAt", said(from), said(to)))
    }

    fn new(field: &str, from: Value, to: Value) -> Self {
        Self { field: field.to_owned(), from, to }
    }
}

fn compare(
    front: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    found: &mut Vec<Difference>,
) {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    for name in after.keys().chain(gone) {
        let of = |record: &Map<String, Value>| record.get(name).cloned().unwrap_or_default();
        let (from, to) = (of(before), of(after));
        let field = format!("{front}{name}");
        if from == to {
            continue;
        }
        if let (Some(mut old), Some(mut new)) = (named(&from), named(&to)) {
            let names = |things: &Map<String, Value>| things.keys().cloned().collect::<Vec<_>>();
            let (from, to) = (names(&old), names(&new));
            if from != to {
                found.push(Difference::new(&field, from.into(), to.into()));
            }
            old.retain(|name, _| new.contains_key(name));
            new.retain(|name, _| old.contains_key(name));
            compare(&format!("{field}."), &old, &new, found);
        } else if let (Value::Object(from), Value::Object(to)) = (&from, &to) {
            compare(&format!("{field}."), from, to, found);
        } else {
            found.push(Difference::new(&field, from, to));
        }
    }
}

/// Things that have names, if this is not the fields of one; none of them where there is nothing.
fn named(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Null => Some(Map::new()),
        Value::Object(things) if things.values().all(Value::is_object) => Some(things.clone()),
        _ => None,
    }
}

/// For people: `scopes: read → read, write`.
impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = match self.field.as_str() {
            "allow" => "anywhere",
            "expiresAt" => "never",
            _ => "none",
        };
        let said = |value: &Value| match said(value) {
            text if text.is_empty() => none.to_owned(),
            text => Safe(&text).to_string(),
        };
        let (field, from, to) = (Safe(&self.field), said(&self.from), said(&self.to));
        write!(formatter, "{field}: {from} → {to}")
    }
}

fn said(value: &Value) -> String {
    let joined = |texts: Vec<String>| texts.join(", ");
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => joined(values.iter().map(said).collect()),
        Value::Object(fields) => {
            joined(fields.iter().map(|(name, value)| format!("{name}={}", said(value))).collect())
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(before: Value, after: Value) -> Vec<String> {
        let differences = Difference::between(&before, &after);
        differences.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_field_that_differs_is_said_with_what_it_was_and_is() {
        let before = json!({ "scopes": ["read"], "owner": null, "labels": { "a": "1", "b": "2" }, "cap": 5, "allow": [] });
        let after = json!({ "scopes": ["read", "write"], "owner": "x\ty", "labels": { "b": "3" }, "cap": 5, "allow": ["::1/128"] });
        assert_eq!(
            shown(before, after),
            [
                "scopes: read → read, write",
                "owner: none → x\\ty",
                "labels.b: 2 → 3",
                "labels.a: 1 → none",
                "allow: anywhere → \\u{3a}:1/128",
            ]
        );
    }

    #[test]
    fn named_things_differ_by_their_names_and_each_by_its_fields() {
        let before = json!({ "scopes": { "a": { "manage": [] }, "b": { "manage": ["list"] } } });
        let after = json!({ "scopes": { "b": { "manage": ["list", "mint"] }, "c": { "manage": [] } }, "plans": { "free": {} } });
        assert_eq!(
            shown(before, after),
            ["scopes: a, b → b, c", "scopes.b.manage: list → list, mint", "plans: none → free",]
        );
    }
}
