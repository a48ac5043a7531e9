//! Kinds of bad line: each is named by its number, its field and what was wanted there, and nothing of it is repeated.

use serde_json::json;

use crate::support::Sandbox;
use crate::transfer::hex;

/// A plain line with this field.
fn plain(field: &str, value: serde_json::Value) -> String {
    let mut line = json!({"name": "a", "hash": hex("x")});
    line[field] = value;
    line.to_string()
}

/// A row of the source with this column.
fn row(hash: &str, column: &str, value: serde_json::Value) -> String {
    let mut row = json!({"name": "a"});
    row[hash] = json!(hex("x"));
    row[column] = value;
    row.to_string()
}

#[test]
fn each_kind_of_bad_line_is_named_by_line_field_and_what_was_wanted() {
    let seam = |column: &str, value| row("long_token_hash", column, value);
    let better = |column: &str, value| row("key", column, value);
    let secret = "a-secret-of-some-length";
    let whole_secret =
        json!({"name": "a", "hash": hex(secret), "labels": {"t": secret}}).to_string();
    let cases: Vec<(&str, String, &[&str])> = vec![
        ("", plain("name", json!(5)), &["name", "a string"]),
        ("", plain("name", json!(null)), &["name", "a string"]),
        ("", json!({"hash": hex("x")}).to_string(), &["missing field `name`"]),
        ("", json!({"name": "a"}).to_string(), &["missing field `hash`"]),
        ("", plain("hash", json!(7)), &["hash", "a string"]),
        ("", plain("hash", json!("zz")), &["hash", "SHA-256"]),
        ("", plain("hash", json!("sha256:zz")), &["hash", "SHA-256"]),
        (
            "",
            json!({"name": "a", "hash": "zz", "algorithm": "sha512"}).to_string(),
            &["hash", "SHA-512"],
        ),
        ("", plain("algorithm", json!("md5")), &["algorithm", "form"]),
        ("", plain("algorithm", json!(1)), &["algorithm", "a string"]),
        ("", plain("algorithm", json!("bcrypt")), &["algorithm", "bcrypt"]),
        ("", plain("scopes", json!("read")), &["scopes", "a list"]),
        ("", plain("scopes", json!([1])), &["scopes", "a string"]),
        ("", plain("labels", json!([])), &["labels", "an object"]),
        ("", plain("labels", json!({"a": 1})), &["labels", "a string"]),
        ("", plain("allow", json!(["home"])), &["allow", "address"]),
        ("", plain("allow", json!("10.0.0.1")), &["allow", "a list"]),
        ("", plain("createdAt", json!("soon")), &["createdAt", "time"]),
        ("", plain("createdAt", json!(17)), &["createdAt", "a time"]),
        ("", plain("expiresAt", json!("90d")), &["expiresAt", "time"]),
        ("", plain("expired", json!("yes")), &["expired", "a boolean"]),
        ("", plain("status", json!("gone")), &["status", "active, pending, disabled"]),
        ("", plain("foreign", json!(1)), &["foreign", "a boolean"]),
        ("", plain("labels", json!({"a=b": "c"})), &["labels", "="]),
        ("", plain("prefix", json!(7)), &["prefix", "a string"]),
        ("", plain("prefix", json!("a\u{202e}b")), &["prefix", "invisible"]),
        ("", plain("short", json!("s".repeat(257))), &["short", "256 characters"]),
        ("", plain("keyHint", json!("123456789")), &["keyHint", "8 characters"]),
        ("", plain("environment", json!(["live"])), &["environment", "a string"]),
        ("", plain("workspace", json!(true)), &["workspace", "a string"]),
        ("", plain("lastUsedAt", json!("yesterday")), &["lastUsedAt", "time"]),
        ("", plain("expired", json!(true)), &["expiresAt", "expired key needs"]),
        ("", plain("revokedReason", json!("compromised")), &["revokedReason", "revoked key"]),
        ("", plain("replacedBy", json!("key_1")), &["replacedBy", "key id"]),
        ("", plain("id", json!("key_short")), &["id", "key id"]),
        ("", plain("createdBy", json!("b".repeat(257))), &["createdBy", "256 characters"]),
        ("", plain("hash", json!(hex("x")[..62])), &["hash", "SHA-256", "Base64"]),
        ("", plain("revokedAt", json!("2026-01-01")), &["revokedAt", "revoked"]),
        ("", plain("graceMillis", json!("1h")), &["graceMillis", "a whole number"]),
        ("", plain("replaces", json!("key_x")), &["replaces", "id"]),
        ("", plain("owner", json!(["a"])), &["owner", "a string"]),
        ("", plain("owner", json!("user_2NNEqL2nrIRdJ194ndJqAHwEfxC")), &["field owner", "secret"]),
        ("", whole_secret, &["field labels", "whole secret"]),
        ("", plain("nmae", json!("b")), &["unknown field `nmae`"]),
        ("", plain("key", json!("b")), &["field key", "secret"]),
        ("", plain("type", json!("user")), &["type", "workspace"]),
        ("", "{\"name\":\"a\",\"name\":\"b\"}".to_owned(), &["duplicate field `name`"]),
        ("", "{".to_owned(), &["JSON object"]),
        ("", "7".to_owned(), &["JSON object"]),
        ("seam", "7".to_owned(), &["JSON object"]),
        ("seam", seam("long_token_hash", json!(null)), &["hash", "empty"]),
        ("seam", seam("long_token_hash", json!(["a"])), &["hash", "a text", "a list"]),
        ("seam", seam("name", json!(["a"])), &["name", "a text", "a list"]),
        ("seam", seam("name", json!("a\u{7}b")), &["name", "U+0007"]),
        ("seam", seam("name", json!("n".repeat(65))), &["name", "65 characters"]),
        (
            "seam",
            seam("disabled", json!("perhaps")),
            &["disabled", "true or false", "another text"],
        ),
        ("seam", seam("revoked_at", json!([])), &["revoked", "true or false", "a list"]),
        ("seam", seam("expires_at", json!("whenever")), &["expires_at", "a time", "another text"]),
        ("seam", seam("expires_at", json!(1_700_000_000_000_000_u64)), &["expires_at", "a number"]),
        ("seam", seam("created_at", json!({})), &["created_at", "a time", "an object"]),
        ("seam", seam("last_used_at", json!(true)), &["last_used_at", "a time", "true or false"]),
        ("seam", seam("scopes", json!(5)), &["scopes", "a list of words", "a number"]),
        ("seam", seam("scopes", json!({"files": "read"})), &["scopes", "another text"]),
        ("seam", seam("scopes", json!("[\"read\"]")), &["scopes", "JSON"]),
        ("better-auth", better("permissions", json!("read")), &["scopes", "JSON text"]),
        ("better-auth", better("enabled", json!(2)), &["disabled", "true or false", "a number"]),
        (
            "better-auth",
            json!({"key": hex("x"), "rateLimitMax": "ten", "rateLimitTimeWindow": 1}).to_string(),
            &["rate", "a whole number", "another text"],
        ),
        (
            "better-auth",
            json!({"key": hex("x"), "referenceId": "o".repeat(300)}).to_string(),
            &["owner"],
        ),
    ];
    assert!(cases.len() >= 40);
    for (source, bad, said) in cases {
        let sandbox = Sandbox::new();
        let lines = format!("\n{bad}\n");
        let mut import = sandbox.keyward(["store", "import", "-"]);
        if !source.is_empty() {
            import = import.args(["--from", source]);
        }
        let refused = import.stdin(lines).run();
        assert_eq!(refused.status, 2, "{bad}: {}", refused.transcript());
        assert!(refused.stderr.contains("line 2 ("), "{bad}: {}", refused.stderr);
        for words in said {
            assert!(refused.stderr.contains(words), "no {words:?} for {bad}: {}", refused.stderr);
        }
        for hidden in ["perhaps", "whenever", "soon", "gone", "home", "user_2NN"] {
            assert!(!refused.stderr.contains(hidden), "{hidden} is repeated: {}", refused.stderr);
        }
        assert!(!sandbox.store_path().exists(), "{bad}");
    }
}
