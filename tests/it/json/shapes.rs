//! What scripts rely on: every field that an answer has had is still there, and still always there if it was.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::Sandbox;

/// A line for each field of each answer, as the schemas had it when this was written.
const BEFORE: &str = include_str!("../fixtures/shapes.txt");

/// Adds the fields of a schema, each by its path.
fn walk(schema: &Value, path: &str, fields: &mut BTreeSet<String>) {
    for alternatives in ["anyOf", "oneOf", "allOf"] {
        for one in schema[alternatives].as_array().into_iter().flatten() {
            walk(one, path, fields);
        }
    }
    if schema["items"].is_object() {
        walk(&schema["items"], &format!("{path}[]"), fields);
    }
    let required: Vec<&Value> = schema["required"].as_array().into_iter().flatten().collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        fields.insert(path.clone());
        if required.iter().any(|required| *required == name) {
            fields.insert(format!("{path} required"));
        }
        walk(field, &path, fields);
    }
}

#[test]
fn no_answer_has_lost_a_field() {
    let sandbox = Sandbox::new();
    let mut lost = Vec::new();
    let mut known: Option<(&str, BTreeSet<String>)> = None;
    for line in BEFORE.lines() {
        let (command, field) = line.split_once(": ").expect("a command and a field");
        let (_, fields) = match known.take() {
            Some(known) if known.0 == command => known,
            _ => {
                let words = ["schema"].into_iter().chain(command.split(' '));
                let schema = sandbox.keyward(words.collect::<Vec<_>>()).ok().json();
                let mut fields = BTreeSet::new();
                walk(&schema, "", &mut fields);
                (command, fields)
            }
        };
        if !fields.contains(field) {
            lost.push(line);
        }
        known = Some((command, fields));
    }
    assert!(lost.is_empty(), "{lost:#?}");
}
