//! `--dry-run` on revoke, rotate and store import: what would be done, or the refusal, and a store that stays as it is.

use serde_json::Value;

use crate::support::{Sandbox, text};

/// Asserts that a run leaves the trail and every key as they were. Returns its answer.
#[track_caller]
fn rehearsed(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let before = (sandbox.head(), sandbox.keys(&[]));
    let answer = sandbox.keyward(arguments).args(["--dry-run"]).answer();
    assert_eq!((sandbox.head(), sandbox.keys(&[])), before, "{arguments:?}");
    answer
}

/// What a person reads of it.
fn said(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let run = sandbox.keyward(arguments).args(["--dry-run"]).ok();
    assert_eq!(run.stdout, "", "{}", run.transcript());
    run.stderr
}

#[test]
fn revoke_says_which_keys_it_would_end_and_asks_nothing() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.mint("dead");
    sandbox.keyward(["revoke", "dead", "--yes"]).ok();
    let answer = rehearsed(&sandbox, &["revoke", "ci", "dead"]);
    assert_eq!(answer["keys"][0]["changed"], true, "{answer:#}");
    assert_eq!(answer["keys"][1]["changed"], false, "{answer:#}");
    sandbox.verdict(&secret, &[], 0, "valid");
    let told = said(&sandbox, &["revoke", "ci", "dead"]);
    assert!(told.contains("would revoke ci ("), "{told}");
    assert!(told.contains("dead") && told.contains("already revoked"), "{told}");
    let refused = sandbox.keyward(["revoke", "ci", "--dry-run", "--if-unused-for", "1d"]);
    refused.refused(5, "in_use");
    sandbox.refuses(&["revoke", "gone", "--dry-run"], 3, "key_not_found");
    sandbox.assert_whole();
}

#[test]
fn rotate_says_how_long_the_old_secret_would_stay_and_hands_nothing_over() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let id = sandbox.id_of("ci");
    let rehearsal = rehearsed(&sandbox, &["rotate", "ci", "--grace", "1h"]);
    let old = &rehearsal["replaced"];
    assert_eq!(text(old, "id"), id);
    assert_ne!(old["expiresAt"], Value::Null, "{rehearsal:#}");
    assert_eq!(old["replacedBy"], Value::Null, "{rehearsal:#}");
    let expected = [("status", "active"), ("replaces", &id), ("name", "ci")];
    for (field, value) in expected {
        assert_eq!(rehearsal[field], value, "{rehearsal:#}");
    }
    // What is random is not known before.
    for field in ["id", "prefix", "short", "keyHint"] {
        assert_eq!(rehearsal[field], Value::Null, "{rehearsal:#}");
    }
    assert_eq!(rehearsal.get("key"), None, "{rehearsal:#}");
    let at_once = rehearsed(&sandbox, &["rotate", "ci", "--now"]);
    assert_eq!(at_once["replaced"]["status"], "revoked");
    let out = sandbox.home().join("new.key").display().to_string();
    let held = rehearsed(&sandbox, &["rotate", "ci", "--hold", "--out", &out]);
    assert_eq!(
        (&held["status"], &held["replaced"]["status"]),
        (&"pending".into(), &"active".into())
    );
    assert_eq!(held["replaced"]["expiresAt"], Value::Null);
    assert!(!sandbox.home().join("new.key").exists(), "a secret was delivered");
    let told = said(&sandbox, &["rotate", "ci", "--now"]);
    assert!(told.contains("would rotate ci") && told.contains("revoked at once"), "{told}");
    sandbox.verdict(&secret, &[], 0, "valid");
    sandbox.file("taken", "x");
    let taken = sandbox.home().join("taken").display().to_string();
    let taken = sandbox.keyward(["rotate", "ci", "--dry-run", "--out", &taken]);
    taken.exit(16);
    sandbox.keyward(["disable", "ci"]).ok();
    sandbox.refuses(&["rotate", "ci", "--dry-run"], 4, "conflict");
    sandbox.assert_whole();
}

#[test]
fn the_rehearsal_of_a_rotation_has_every_field_that_the_rotation_has() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.keyward(["rotate", "ci"]).ok();
    let fields = |answer: &Value| -> Vec<String> {
        answer.as_object().expect("an object").keys().cloned().collect()
    };
    for flags in [&[][..], &["--now"], &["--hold"]] {
        let words = [&["rotate", "ci"][..], flags].concat();
        let mut rehearsal = fields(&rehearsed(&sandbox, &words));
        rehearsal.push("key".to_owned());
        rehearsal.sort();
        let mut rotation = fields(&sandbox.keyward(&words).answer());
        rotation.sort();
        assert_eq!(rehearsal, rotation, "{flags:?}");
    }
}

#[test]
fn a_cancellation_can_be_rehearsed_too() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.refuses(&["rotate", "ci", "--cancel", "--dry-run"], 4, "conflict");
    sandbox.keyward(["rotate", "ci", "--hold"]).ok();
    let answer = rehearsed(&sandbox, &["rotate", "ci", "--cancel"]);
    assert_eq!(answer["name"], "ci");
    let told = said(&sandbox, &["rotate", "ci", "--cancel"]);
    assert!(told.contains("would have cancelled"), "{told}");
}

#[test]
fn a_calling_keys_use_is_not_recorded_by_a_rehearsal() {
    let sandbox = Sandbox::with_workspace("sw", &["--preset", "scrapewise"]);
    let user = sandbox.mint_with("user", &["--scope", "USER"]);
    let caller = sandbox.file("user", &user).display().to_string();
    let id = sandbox.id_of("user");
    for words in [&["revoke", &id][..], &["rotate", "user"]] {
        rehearsed(&sandbox, &[words, &["--as", &caller]].concat());
    }
    assert_eq!(sandbox.show("user")["lastUsedAt"], Value::Null);
}

#[test]
fn import_says_what_would_become_of_each_line() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let hash = "a".repeat(64);
    let line = format!("{{\"name\":\"worker\",\"hash\":\"{hash}\"}}\n");
    sandbox.file("keys.jsonl", &line);
    let answer = rehearsed(&sandbox, &["store", "import", "keys.jsonl"]);
    assert_eq!(answer["results"][0]["code"], "created", "{answer:#}");
    let told = said(&sandbox, &["store", "import", "keys.jsonl"]);
    assert!(told.contains("would create 1: 0 unchanged, 0 differ, 0 rejected"), "{told}");
    sandbox.file("wrong.jsonl", "{\"name\":\"worker\"}\n");
    sandbox.refuses(&["store", "import", "wrong.jsonl", "--dry-run"], 2, "usage");
    sandbox.assert_whole();
}

#[test]
fn an_import_that_is_only_rehearsed_makes_no_store() {
    let sandbox = Sandbox::new();
    let line = "{\"type\":\"workspace\",\"name\":\"acme\",\"preset\":null,\"policy\":\"\",\"plan\":null}\n";
    sandbox.file("keys.jsonl", line);
    let answer = sandbox.keyward(["store", "import", "keys.jsonl", "--dry-run"]);
    let answer = answer.answer();
    assert_eq!(answer["results"][0]["code"], "created", "{answer:#}");
    assert!(!sandbox.store_path().exists(), "a store was made");
}
