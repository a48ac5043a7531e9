//! Errors in JSON against their schema.

use serde_json::Value;

use super::{POLICY, World, assert_valid, schema};
use crate::support::Sandbox;

/// Failing command lines, each with its exit status and code word.
const FAILING: &[(i32, &str, &[&str])] = &[
    (2, "usage", &["unheard-of"]),
    (2, "usage", &[]),
    (2, "usage", &["workspace"]),
    (2, "usage", &["mint"]),
    (2, "usage", &["mint", "a", "b"]),
    (2, "usage", &["mint", "a", "--unheard-of"]),
    (2, "usage", &["mint", "a", "--expires", "soonish"]),
    (2, "usage", &["mint", "a", "--count", "0"]),
    (2, "usage", &["list", "--status", "gone"]),
    (2, "usage", &["set", "ci"]),
    (2, "usage", &["revoke", "ci"]),
    (2, "usage", &["verify", "--file", "missing"]),
    (2, "usage", &["verify", "--env", "MISSING"]),
    (2, "usage", &["schema", "unheard-of"]),
    (2, "usage", &["completions", "unheard-of"]),
    (2, "usage", &["man", "unheard-of"]),
    (2, "usage", &["list", "--wait", "never"]),
    (2, "invalid_name", &["mint", " a"]),
    (2, "invalid_name", &["mint", "a\u{202e}b"]),
    (2, "invalid_policy", &["workspace", "create", "a", "--token", "{secret:4}"]),
    (3, "key_not_found", &["show", "missing"]),
    (3, "workspace_not_found", &["list", "-w", "missing"]),
    (4, "name_taken", &["mint", "ci"]),
    (4, "ambiguous", &["show", "twin"]),
    (4, "conflict", &["workspace", "delete", "acme", "--yes"]),
    (4, "conflict", &["rename", "revoked", "other"]),
    (5, "limit_reached", &["mint", "a", "-w", "capped", "--count", "2"]),
    (5, "invalid_scope", &["mint", "a", "--scope", "unheard-of"]),
    (5, "invalid_environment", &["mint", "a", "-e", "staging"]),
    (5, "invalid_expiry", &["mint", "a", "--expires", "9y"]),
    (5, "scope_rejected", &["audit", "list", "--as", "caller"]),
    (8, "permissions", &["list", "--store", "link"]),
    (9, "foreign", &["list", "--store", "garbage"]),
    (9, "damaged", &["list", "--store", "cut"]),
    (10, "malformed", &["list", "--as", "garbage"]),
    (13, "pending", &["list", "--as", "pending"]),
    (16, "delivery_failed", &["mint", "a", "--out", "caller"]),
    (16, "delivery_failed", &["mint", "a", "--", "false"]),
];

#[test]
fn every_error_is_one_object_valid_by_the_schema_of_errors() {
    let world = World::new();
    let sandbox = &world.sandbox;
    sandbox.mint_with("twin", &["-e", "live"]);
    sandbox.mint_with("twin", &["-e", "test"]);
    sandbox.file("garbage", "not a database at all\n");
    sandbox.file("cut", "SQLite format 3\0");
    sandbox.file("pending", &world.pending);
    std::os::unix::fs::symlink("garbage", sandbox.home().join("link")).expect("a link can be made");
    sandbox.file("capped.toml", &(POLICY.replace("= 100\ndefault", "= 1\ndefault")));
    sandbox.workspace("capped", &["--policy", "capped.toml"]);
    let schema = schema(sandbox, "error");
    for (exit, code, arguments) in FAILING {
        for format in [&["--json"][..], &["--output", "jsonl"], &["-ojson"], &["--output=json"]] {
            let output = sandbox.keyward(format).args(*arguments).run();
            let what = format!("{format:?} {arguments:?}");
            assert_eq!(output.status, *exit, "{what}: {}", output.transcript());
            assert_eq!(output.stdout, "", "{what}");
            assert_eq!(output.stderr.matches('\n').count(), 1, "{what}: {}", output.stderr);
            let document: Value = serde_json::from_str(&output.stderr)
                .unwrap_or_else(|error| panic!("{what}: {error}: {}", output.stderr));
            assert_valid(&schema, &document, &what);
            assert_eq!(document["error"]["code"], *code, "{what}");
            assert_eq!(document["error"]["exit"], *exit, "{what}");
            output.error();
        }
    }
}

#[test]
fn a_format_asked_for_anywhere_holds_for_errors() {
    let sandbox = Sandbox::new();
    for arguments in [
        &["show", "--json"][..],
        &["show", "missing", "--json"],
        &["unheard-of", "--json"],
        &["--output", "json", "unheard-of"],
        &["-o", "jsonl", "show"],
    ] {
        let output = sandbox.keyward(arguments).run();
        assert_ne!(output.status, 0);
        assert!(output.error()["code"].is_string(), "{arguments:?}");
    }
    // Behind `--` it is CMD's.
    let output = sandbox.keyward(["mint", "--wrong", "--", "cat", "--json"]).exit(2);
    assert!(output.stderr.starts_with("error: "), "{}", output.stderr);
}
