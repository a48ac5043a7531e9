//! JSON Schemas (draft 2020-12) of what each command answers under `--json`.
//!
//! This module never describes input. Every object is closed and every field required, so a field that goes missing or
//! appears is a failing test.

use serde_json::{Map, Value, json};

use crate::domain::verdict::Code;

/// The schema of a command's answer, or of `error`, what any command says on stderr when it fails.
pub fn of(command: &str) -> Option<Value> {
    let root = match command {
        "mint" => json!({ "anyOf": [minted(false), list("keys", &minted(false))] }),
        "rotate" => json!({ "anyOf": [minted(true), key()] }),
        "list" => list("keys", &key()),
        "activate" | "show" | "rename" | "set" | "disable" | "enable" => key(),
        "revoke" => list(
            "keys",
            &with(&key(), json!({ "changed": { "type": "boolean" } }), &[]),
        ),
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
        "store info" => object(json!({
            "path": { "type": "string" },
            "schema": { "type": ["integer", "null"] },
            "journalMode": { "type": ["string", "null"] },
            "sizeBytes": count(),
            "workspaces": count(),
            "keys": count(),
        })),
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
pub const NAMES: [&str; 28] = [
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
    "store info",
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

/// A closed object of these fields, all of them required.
fn object(fields: Value) -> Value {
    let required: Vec<String> = fields
        .as_object()
        .map(|fields| fields.keys().cloned().collect())
        .unwrap_or_default();
    json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
}

/// The object with more fields, which are required unless they are named in `optional`.
fn with(base: &Value, more: Value, optional: &[&str]) -> Value {
    let mut fields = base["properties"].as_object().cloned().unwrap_or_default();
    fields.extend(more.as_object().cloned().unwrap_or_default());
    let required: Vec<&String> = fields
        .keys()
        .filter(|name| !optional.contains(&name.as_str()))
        .collect();
    let required = json!(required);
    json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
}

fn list(name: &str, item: &Value) -> Value {
    object(json!({ name: { "type": "array", "items": item } }))
}

fn key() -> Value {
    object(json!({
        "id": { "type": "string", "pattern": "^key_[0-9a-z]{16}$" },
        "workspace": { "type": "string" },
        "name": { "type": "string" },
        "environment": { "type": "string" },
        "scopes": texts(),
        "prefix": { "type": "string" },
        "short": { "type": "string" },
        "keyHint": { "type": "string" },
        "status": { "enum": ["active", "pending", "disabled", "expired", "revoked"] },
        "createdAt": time(),
        "createdBy": { "type": "string" },
        "expiresAt": maybe(&time()),
        "lastUsedAt": maybe(&time()),
        "revokedAt": maybe(&time()),
        "revokedReason": { "type": ["string", "null"] },
        "replaces": { "type": ["string", "null"] },
        "replacedBy": { "type": ["string", "null"] },
        "allow": texts(),
        "owner": { "type": ["string", "null"] },
        "labels": { "type": "object", "additionalProperties": { "type": "string" } },
    }))
}

/// A key with its secret where stdout is the sink, and with the key it replaces where it does.
fn minted(replaces: bool) -> Value {
    let secret =
        json!({ "key": { "type": "string", "description": "the secret, shown only this once" } });
    let minted = with(&key(), secret, &["key"]);
    match replaces {
        true => with(&minted, json!({ "replaced": key() }), &["key"]),
        false => minted,
    }
}

/// A key with what is wrong with it and the command that mends it.
fn finding() -> Value {
    let fault = json!({
        "reason": { "enum": ["never_used", "unused", "expiring", "old"] },
        "remedy": { "type": "string", "pattern": "^keyward " },
    });
    with(&key(), fault, &[])
}

/// A key with what was done to it, and its secret where one was handed over on stdout.
fn ensured() -> Value {
    let done = json!({
        "changed": { "type": "boolean" },
        "action": { "enum": ["created", "unchanged", "updated", "rotated"] },
        "key": { "type": "string", "description": "the secret, shown only this once" },
    });
    with(&key(), done, &["key"])
}

/// What is, or was, done to each key and workspace of a manifest.
fn changes() -> Value {
    let text = json!({ "type": "string" });
    let key = object(json!({
        "workspace": text,
        "environment": text,
        "name": text,
        "id": { "type": ["string", "null"] },
        "action": { "enum": ["created", "unchanged", "updated", "rotated", "revoked"] },
    }));
    let workspace = object(json!({
        "name": text,
        "action": { "enum": ["created", "unchanged", "updated"] },
    }));
    object(json!({
        "changes": { "type": "array", "items": key },
        "workspaces": { "type": "array", "items": workspace },
    }))
}

/// The answer of `verify`, and a line of `verify --stream`, where alone there are an `id`, `bad_request` and `busy`.
fn verdict() -> Value {
    let codes: Vec<&str> = Code::ALL
        .iter()
        .map(|code| code.word())
        .chain(["bad_request", "busy"])
        .collect();
    let verdict = object(json!({
        "valid": { "type": "boolean" },
        "code": { "enum": codes },
        "status": { "enum": [200, 400, 401, 403, 429, 503] },
        "message": { "type": "string" },
        "subject": maybe(&key()),
        "retryAfter": { "type": ["integer", "null"], "minimum": 0 },
        "remaining": { "type": ["integer", "null"], "minimum": 0 },
        "recorded": { "type": "boolean" },
    }));
    with(&verdict, json!({ "id": true }), &["id"])
}

/// A row of `usage`, for each of the ways to add up.
fn usage() -> Value {
    let counts = || {
        object(json!({
            "workspace": { "type": "string" },
            "valid": count(),
            "refused": count(),
            "credits": count(),
            "refusedBy": { "type": "object", "additionalProperties": count() },
        }))
    };
    let text = json!({ "type": "string" });
    let day = json!({ "day": { "type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$" } });
    let environment = with(&counts(), json!({ "environment": text }), &[]);
    let key = with(&environment, json!({ "keyId": text, "name": text }), &[]);
    let last =
        json!({ "lastUsedAt": maybe(&time()), "lastAddress": { "type": ["string", "null"] } });
    json!({ "anyOf": [
        with(&key, day.clone(), &[]),
        with(&key, last, &[]),
        with(&environment, day.clone(), &[]),
        environment,
        with(&counts(), day, &[]),
        counts(),
    ] })
}

fn caller() -> Value {
    object(json!({
        "workspace": { "type": ["string", "null"] },
        "scopes": texts(),
        "prefix": { "type": "string" },
        "name": { "type": "string" },
        "id": { "type": ["string", "null"] },
        "createdAt": maybe(&time()),
        "lastUsedAt": maybe(&time()),
        "kind": { "enum": ["key", "operator"] },
    }))
}

fn workspace() -> Value {
    object(json!({
        "name": { "type": "string" },
        "preset": { "type": ["string", "null"] },
        "plan": { "type": ["string", "null"] },
        "createdAt": time(),
        "keys": object(json!({ "active": count(), "pending": count(), "disabled": count() })),
    }))
}

fn policy() -> Value {
    let duration = json!({ "type": "string" });
    let fields = json!({
        "token": { "type": "string" },
        "alphabet": { "enum": ["base62", "base58", "base36", "hex"] },
        "prefix": { "type": "string" },
        "environments": texts(),
        "active_key_cap": count(),
        "default_lifetime": duration,
        "maximum_lifetime": duration,
        "rotation_grace": duration,
        "usage_retention": duration,
        "revoke_by": { "enum": ["any", "id"] },
        "default_plan": { "type": "string" },
        "scopes_per_key": with(
            &json!({}),
            json!({ "min": count(), "max": count() }),
            &["max"],
        ),
        "scopes": {
            "type": "object",
            "additionalProperties": object(json!({ "manage": texts() })),
        },
        "plans": {
            "type": "object",
            "additionalProperties": with(
                &json!({}),
                json!({ "rate": { "type": "string" }, "quota": count() }),
                &["rate", "quota"],
            ),
        },
    });
    let optional = [
        "active_key_cap",
        "default_lifetime",
        "maximum_lifetime",
        "default_plan",
        "scopes_per_key",
        "scopes",
        "plans",
    ];
    with(&json!({}), fields, &optional)
}

fn event() -> Value {
    object(json!({
        "seq": count(),
        "time": time(),
        "actor": { "type": "string" },
        "action": { "type": "string" },
        "subject": { "type": "string" },
        "details": { "type": "object" },
        "hash": hash(),
    }))
}

fn time() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$" })
}

fn hash() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
}

fn texts() -> Value {
    json!({ "type": "array", "items": { "type": "string" } })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn maybe(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
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
