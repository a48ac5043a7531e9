//! JSON Schemas (draft 2020-12) of what each command answers under `--json`.
//!
//! This module never describes input. Every object is closed and every field required, so a field that goes missing or
//! appears is a failing test.

mod records;
mod shapes;

use serde_json::{Map, Value, json};

use crate::domain::restoration::What;

use records::{
    beside_lineage, caller, changes, ensured, event, exported, finding, imported, key, minted,
    policy, problem, still_valid, store, usage, verdict, workspace,
};
use shapes::{count, hash, list, object, with};

/// The schema of a command's answer, or of `error`, what any command says on stderr when it fails.
pub fn of(command: &str) -> Option<Value> {
    let root = match command {
        "mint" => json!({ "anyOf": [minted(false), list("keys", &minted(false))] }),
        "rotate" => json!({ "anyOf": [beside_lineage(&minted(true)), key()] }),
        "list" => list("keys", &key()),
        "activate" | "show" => key(),
        "rename" | "set" | "disable" | "enable" => beside_lineage(&key()),
        "revoke" => {
            let revoked = with(&key(), json!({ "changed": { "type": "boolean" } }), &[]);
            still_valid(&list("keys", &revoked))
        }
        "verify" => verdict(),
        "whoami" => caller(),
        "workspace create" | "workspace set" | "workspace rename" | "workspace delete"
        | "workspace use" => workspace(),
        "workspace show" => with(&workspace(), json!({ "policy": policy() }), &[]),
        "workspace list" => list("workspaces", &workspace()),
        "usage" => list("usage", &usage()),
        "check" => list("findings", &finding()),
        "ensure" => ensured(),
        "apply" => changes(),
        "prune" => list("keys", &key()),
        "audit list" => list("events", &event()),
        "audit verify" => object(json!({
            "ok": { "type": "boolean" },
            "checked": count(),
            "firstBad": { "type": ["integer", "null"] },
        })),
        "audit head" => object(json!({ "seq": count(), "hash": hash() })),
        "store info" => with(
            &store(),
            json!({ "trustedFolder": { "type": "string" } }),
            &["trustedFolder"],
        ),
        "store create" => with(
            &store(),
            json!({ "changed": { "type": "boolean" }, "trustedFolder": { "type": "string" } }),
            &["trustedFolder"],
        ),
        "store check" => object(json!({
            "ok": { "type": "boolean" },
            "workspaces": count(),
            "keys": count(),
            "events": count(),
            "problems": { "type": "array", "items": problem() },
        })),
        "store backup" => object(json!({
            "path": { "type": "string" },
            "sizeBytes": count(),
            "seq": count(),
            "hash": hash(),
        })),
        "store restore" => object(json!({
            "path": { "type": "string" },
            "workspaces": count(),
            "keys": count(),
            "kept": { "type": "array", "items": object(json!({
                "id": { "type": "string" },
                "name": { "type": "string" },
                "what": { "enum": What::ALL.iter().map(|what| what.word()).collect::<Vec<_>>() },
            })) },
            "compared": { "enum": ["whole", "salvaged", "nothing"] },
            "putAside": { "type": ["string", "null"] },
            "seq": count(),
            "hash": hash(),
        })),
        "store export" => exported(),
        "store import" => list("results", &imported()),
        "error" => object(json!({ "error": object(json!({
            "code": { "type": "string", "pattern": "^[a-z_]+$" },
            "message": { "type": "string" },
            "hint": { "type": ["string", "null"] },
            "exit": { "type": "integer", "minimum": 1, "maximum": 130 },
        })) })),
        _ => return None,
    };
    Some(with_head(command, root))
}

/// Every name that [`of`] knows.
pub const NAMES: [&str; 34] = [
    "mint",
    "list",
    "show",
    "rename",
    "set",
    "disable",
    "enable",
    "rotate",
    "activate",
    "revoke",
    "verify",
    "whoami",
    "usage",
    "check",
    "ensure",
    "apply",
    "prune",
    "workspace create",
    "workspace list",
    "workspace show",
    "workspace set",
    "workspace rename",
    "workspace delete",
    "workspace use",
    "audit list",
    "audit verify",
    "audit head",
    "store create",
    "store info",
    "store check",
    "store backup",
    "store restore",
    "store export",
    "store import",
];

fn with_head(command: &str, root: Value) -> Value {
    let mut head = Map::new();
    head.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    head.insert(
        "title".to_owned(),
        json!(format!("keyward {command} --json")),
    );
    if let Value::Object(body) = root {
        head.extend(body);
    }
    Value::Object(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_schema() {
        for name in NAMES.iter().chain(&["error"]) {
            assert!(of(name).is_some(), "{name}");
        }
        assert!(of("nonsense").is_none());
    }
}
