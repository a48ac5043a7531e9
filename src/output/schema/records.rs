//! What single records look like.

use serde_json::{Value, json};

use super::shapes::{count, hash, maybe, object, texts, time, with, with_optional};
use crate::domain::code::Code;

pub(super) fn key() -> Value {
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
pub(super) fn minted(replaces: bool) -> Value {
    let secret =
        json!({ "key": { "type": "string", "description": "the secret, shown only this once" } });
    let minted = with(&key(), secret, &["key"]);
    match replaces {
        true => with(&minted, json!({ "replaced": key() }), &["key"]),
        false => minted,
    }
}

/// An answer with the ids of keys of the same name that it left as they were, where there are any.
pub(super) fn still_valid(answer: &Value) -> Value {
    with_optional(answer, json!({ "stillValid": texts() }))
}

/// The same with the ids of those that changed with the key.
pub(super) fn beside_lineage(key: &Value) -> Value {
    with_optional(&still_valid(key), json!({ "alsoChanged": texts() }))
}

/// A key with what is wrong with it and the command that mends it.
pub(super) fn finding() -> Value {
    let fault = json!({
        "reason": { "enum": ["never_used", "unused", "expiring", "old"] },
        "remedy": { "type": "string", "pattern": "^keyward " },
    });
    with(&key(), fault, &[])
}

/// A key with what was done to it, and its secret where one was handed over on stdout.
pub(super) fn ensured() -> Value {
    let done = json!({
        "changed": { "type": "boolean" },
        "action": { "enum": ["created", "unchanged", "updated", "rotated"] },
        "key": { "type": "string", "description": "the secret, shown only this once" },
        "warnings": texts(),
    });
    with(&key(), done, &["key", "warnings"])
}

/// What is, or was, done to each key and workspace of a manifest.
pub(super) fn changes() -> Value {
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
    let answer = object(json!({
        "changes": { "type": "array", "items": key },
        "workspaces": { "type": "array", "items": workspace },
    }));
    with(&answer, json!({ "warnings": texts() }), &["warnings"])
}

/// The answer of `verify`, and a line of `verify --stream`, where alone there are an `id`, `bad_request`, `busy`,
/// `damaged` and `store_not_found`.
pub(super) fn verdict() -> Value {
    let codes: Vec<&str> = Code::ALL
        .iter()
        .map(|code| code.word())
        .chain(["bad_request", "busy", "damaged", "store_not_found"])
        .collect();
    let verdict = object(json!({
        "valid": { "type": "boolean" },
        "code": { "enum": codes },
        "status": { "enum": [200, 400, 401, 403, 429, 500, 503] },
        "message": { "type": "string" },
        "subject": maybe(&key()),
        "retryAfter": { "type": ["integer", "null"], "minimum": 0 },
        "remaining": { "type": ["integer", "null"], "minimum": 0 },
        "recorded": { "type": "boolean" },
    }));
    with(&verdict, json!({ "id": true }), &["id"])
}

/// A row of `usage`, for each of the ways to add up.
pub(super) fn usage() -> Value {
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

pub(super) fn caller() -> Value {
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

pub(super) fn workspace() -> Value {
    object(json!({
        "name": { "type": "string" },
        "preset": { "type": ["string", "null"] },
        "plan": { "type": ["string", "null"] },
        "createdAt": time(),
        "keys": object(json!({ "active": count(), "pending": count(), "disabled": count() })),
    }))
}

pub(super) fn policy() -> Value {
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
            "additionalProperties": with(
                &json!({}),
                json!({ "manage": texts(), "grant": texts() }),
                &["grant"],
            ),
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

pub(super) fn store() -> Value {
    object(json!({
        "path": { "type": "string" },
        "schema": { "type": ["integer", "null"] },
        "journalMode": { "type": ["string", "null"] },
        "sizeBytes": count(),
        "workspaces": count(),
        "keys": count(),
    }))
}

pub(super) fn event() -> Value {
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

/// Something that is wrong with a store.
pub(super) fn problem() -> Value {
    object(json!({
        "kind": { "enum": ["key", "workspace", "store"] },
        "subject": { "type": "string" },
        "problem": { "type": "string" },
        "remedy": { "type": "string" },
    }))
}

/// A line of an export: a workspace, or a key with its hash.
pub(super) fn exported() -> Value {
    let text = json!({ "type": ["string", "null"] });
    let workspace = object(json!({
        "type": { "const": "workspace" },
        "name": { "type": "string" },
        "preset": text,
        "policy": { "type": "string", "description": "TOML" },
        "plan": text,
    }));
    let more = json!({
        "type": { "const": "key" },
        "algorithm": { "const": "sha256" },
        "hash": hash(),
        "expired": { "type": "boolean" },
        "revokedMessage": text,
        "graceMillis": { "type": ["integer", "null"], "minimum": 0 },
        "previousExpiresAt": maybe(&time()),
    });
    json!({ "anyOf": [workspace, with(&key(), more, &[])] })
}

/// What became of a line of an import.
pub(super) fn imported() -> Value {
    let text = json!({ "type": ["string", "null"] });
    object(json!({
        "index": count(),
        "line": count(),
        "code": { "type": "string", "pattern": "^[a-z_]+$" },
        "id": text,
        "name": text,
        "fields": { "type": "array", "items": { "type": "string" } },
        "message": text,
    }))
}
