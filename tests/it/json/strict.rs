//! Schemas are strict: an answer with a field too few or too many is invalid.

use serde_json::{Map, Value};

use super::{CASES, World, documents, run, schema, validator};

/// What can be done to an object, each with its name.
type Changes<'a> = &'a dyn Fn(&Map<String, Value>) -> Vec<(String, Map<String, Value>)>;

/// Calls the closure with the document and with each change of each object in it.
fn changed(document: &Value, change: Changes<'_>) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    match document {
        Value::Object(fields) => {
            for (what, fields) in change(fields) {
                found.push((what, Value::Object(fields)));
            }
            for (name, value) in fields {
                for (what, value) in changed(value, change) {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), value);
                    found.push((format!("{name}.{what}"), Value::Object(fields)));
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                for (what, item) in changed(item, change) {
                    let mut items = items.clone();
                    items[index] = item;
                    found.push((format!("{index}.{what}"), Value::Array(items)));
                }
            }
        }
        _ => {}
    }
    found
}

/// Fields that may be missing: the secret, and in a policy what is not said.
fn may_be_missing(path: &str) -> bool {
    let field = path.rsplit('.').next().unwrap_or_default();
    let in_policy = path.starts_with("policy.");
    field == "key"
        || is_free(path)
        || (in_policy
            && [
                "active_key_cap",
                "default_lifetime",
                "maximum_lifetime",
                "default_plan",
                "scopes_per_key",
                "scopes",
                "plans",
                "max",
                "rate",
                "quota",
            ]
            .contains(&field))
}

/// Fields whose names are the user's or the event's own.
fn is_free(path: &str) -> bool {
    let parts: Vec<&str> = path.split('.').collect();
    let parent = parts.len().checked_sub(2).map(|index| parts[index]);
    parts.contains(&"labels") && parts.last() != Some(&"labels")
        || parts.contains(&"details") && parts.last() != Some(&"details")
        || parent == Some("refusedBy")
        || (parts[0] == "policy" && matches!(parent, Some("scopes" | "plans")))
}

#[test]
fn a_missing_or_an_additional_field_makes_an_answer_invalid() {
    let world = World::new();
    let mut missing_fields = 0;
    let every = CASES.iter().flat_map(|case| {
        let output = run(&world, case, &["--json"]);
        let documents = documents(case, &output).into_iter();
        documents.map(move |document| (case, document))
    });
    for (case, document) in every {
        let validator = validator(&schema(&world.sandbox, case.command));
        assert!(validator.is_valid(&document));
        let without = changed(&document, &|fields| {
            let without = |name: &String| {
                let mut fields = fields.clone();
                fields.remove(name);
                (name.clone(), fields)
            };
            fields.keys().map(without).collect()
        });
        for (path, document) in without {
            // What --cancel answers is a rotation's answer without the old key and without a secret.
            let is_cancelled = path == "replaced" && document.get("key").is_none();
            // Without its day or its environment a row of usage is one that is added up by less.
            let is_coarser = case.command == "usage"
                && (path.ends_with(".day") || path.ends_with(".environment"));
            if may_be_missing(&path) || is_cancelled || is_coarser {
                continue;
            }
            missing_fields += 1;
            assert!(
                !validator.is_valid(&document),
                "{} {:?} is valid without {path}",
                case.command,
                case.arguments
            );
        }
        let with = changed(&document, &|fields| {
            let mut fields = fields.clone();
            fields.insert("surprise".to_owned(), Value::Null);
            vec![("surprise".to_owned(), fields)]
        });
        for (path, document) in with {
            assert!(
                is_open(&path) || !validator.is_valid(&document),
                "{} {:?} is valid with {path}",
                case.command,
                case.arguments
            );
        }
        let nulled = changed(&document, &|fields| {
            let names = ["id", "name", "status", "createdAt", "valid", "code", "seq", "hash"];
            let nulled = |name: &&str| {
                let mut fields = fields.clone();
                fields.insert((*name).to_owned(), Value::Bool(false));
                ((*name).to_owned(), fields)
            };
            let present = names.iter().filter(|name| fields.contains_key(**name));
            present.map(nulled).collect()
        });
        for (path, document) in nulled {
            assert!(
                is_free(&path) || path.ends_with("valid") || !validator.is_valid(&document),
                "{} {:?} is valid with a false {path}",
                case.command,
                case.arguments
            );
        }
    }
    assert!(missing_fields > 1000, "only {missing_fields} fields were left out");
}

/// Objects that take any field: an event's details, and nothing else with a null in it.
fn is_open(path: &str) -> bool {
    path.split('.').rev().skip(1).any(|part| part == "details")
}
