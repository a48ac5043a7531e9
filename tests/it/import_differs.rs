//! `keyward store import` beside records that are there already: what differs is named and stays as it is.

use serde_json::{Value, json};

use crate::support::past::Past;
use crate::support::time::DAY;
use crate::support::{Sandbox, text};
use crate::transfer::{foreign, hex, import, line, with_a_key};

/// The lines of a store's export, in its order.
pub fn records(sandbox: &Sandbox) -> Vec<Value> {
    sandbox.keyward(["store", "export"]).ok().json_lines()
}

/// The record of the key or workspace of this name.
fn record(sandbox: &Sandbox, kind: &str, name: &str) -> Value {
    let mut records = records(sandbox).into_iter();
    let found = records.find(|record| record["type"] == kind && record["name"] == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}"))
}

/// Lines of an import.
pub fn lines<'a>(records: impl IntoIterator<Item = &'a Value>) -> String {
    let lines = records.into_iter().map(|record| record.to_string() + "\n");
    lines.collect()
}

/// The line with this field changed; without it where the value is null and it is not a text that may be.
fn with(record: &Value, field: &str, value: Value) -> Value {
    let mut record = record.clone();
    record[field] = value;
    record
}

/// Asserts that a line differs in these fields, for an import of all and for one that keeps going, and that nothing of it comes in.
#[track_caller]
fn assert_differs(sandbox: &Sandbox, record: &Value, fields: &[&str]) {
    let before = sandbox.settled_bytes();
    let error = import(sandbox, &lines([record])).refused(4, "conflict");
    let message = text(&error, "message");
    let named = fields.join(", ");
    assert!(message.contains("line 1 (differs)") && message.contains(&named), "{message}");
    let kept = import(sandbox, &lines([record])).args(["--keep-going", "--json"]);
    let answer = kept.exit(4).json();
    let result = &answer["results"][0];
    assert_eq!(
        (&result["code"], &result["fields"]),
        (&json!("differs"), &json!(fields)),
        "{record:#}"
    );
    assert_eq!(result["id"].is_string(), record["type"] == "key");
    assert!(sandbox.settled_bytes() == before, "it was written");
}

#[track_caller]
fn assert_unchanged(sandbox: &Sandbox, lines: &str) {
    let before = sandbox.settled_bytes();
    let answer = import(sandbox, lines).answer();
    for result in answer["results"].as_array().expect("a list") {
        assert_eq!(result["code"], "unchanged", "{result:#}");
        assert_eq!(result["fields"], json!([]));
    }
    assert!(sandbox.settled_bytes() == before, "it was written");
}

/// A store with the workspace `acme` and in it the key `full`, which has something in every field, and its record.
fn with_a_full_key() -> (Sandbox, Value) {
    let sandbox = Sandbox::new();
    let policy = "environments = [\"live\", \"test\"]\n[scopes.read]\n[scopes.write]\n[plans.free]\n[plans.pro]\n";
    sandbox.file("policy.toml", policy);
    sandbox.workspace("acme", &["--policy", "policy.toml", "--plan", "free"]);
    sandbox.workspace("other", &[]);
    sandbox.keyward(["workspace", "use", "acme"]).ok();
    let flags = [
        "--scope=read",
        "--scope=write",
        "--expires=90d",
        "--allow=203.0.113.0/24",
        "--allow=2001:db8::/32",
        "--owner=ops",
        "--label=a=b",
    ];
    sandbox.mint_with("full", &flags);
    let full = record(&sandbox, "key", "full");
    (sandbox, full)
}

#[test]
fn a_line_that_a_record_contradicts_differs_in_the_fields_that_are_named() {
    let (sandbox, full) = with_a_full_key();
    for (field, value) in [
        ("workspace", json!("other")),
        ("id", json!("key_zzzzzzzzzzzzzzzz")),
        ("name", json!("other")),
        ("environment", json!("test")),
        ("scopes", json!(["read"])),
        ("scopes", json!([])),
        ("prefix", json!("kw_live_x")),
        ("short", json!("x")),
        ("keyHint", json!("x")),
        ("status", json!("disabled")),
        ("status", json!("pending")),
        ("hash", json!("a".repeat(64))),
        ("createdAt", json!("2020-01-01")),
        ("createdBy", json!("somebody")),
        ("expiresAt", json!("2999-01-01")),
        ("expiresAt", Value::Null),
        ("replacedBy", json!("key_zzzzzzzzzzzzzzzz")),
        ("replaces", json!("key_zzzzzzzzzzzzzzzz")),
        ("allow", json!(["203.0.113.0/24"])),
        ("allow", json!([])),
        ("owner", json!("dev")),
        ("owner", Value::Null),
        ("labels", json!({"a": "c"})),
        ("labels", json!({})),
    ] {
        assert_differs(&sandbox, &with(&full, field, value), &[field]);
    }
    let two = with(&with(&full, "owner", Value::Null), "name", json!("x"));
    assert_differs(&sandbox, &two, &["name", "owner"]);
    // The order of what has none is not a difference, and the last use is nobody's word.
    let same = with(&full, "allow", json!(["2001:db8::/32", "203.0.113.0/24", "203.0.113.0/24"]));
    let same = with(&same, "scopes", json!(["write", "read"]));
    let same = with(&same, "lastUsedAt", json!("2020-01-01"));
    assert_unchanged(&sandbox, &lines([&same]));
    sandbox.assert_whole();
}

#[test]
fn a_line_of_a_workspace_differs_in_its_policy_or_its_plan() {
    let (sandbox, _) = with_a_full_key();
    let acme = record(&sandbox, "workspace", "acme");
    let policy = text(&acme, "policy") + "[scopes.more]\n";
    assert_differs(&sandbox, &with(&acme, "policy", json!(policy)), &["policy"]);
    assert_differs(&sandbox, &with(&acme, "plan", json!("pro")), &["plan"]);
    assert_differs(&sandbox, &with(&acme, "plan", Value::Null), &["plan"]);
    assert_differs(&sandbox, &with(&acme, "preset", json!("x")), &["preset"]);
    let mut silent = acme.clone();
    for field in ["plan", "preset"] {
        silent.as_object_mut().expect("an object").remove(field);
    }
    assert_unchanged(&sandbox, &lines([&silent]));
}

#[test]
fn a_hash_is_named_before_its_form_and_null_is_a_value_only_where_a_record_may_have_none() {
    let (sandbox, full) = with_a_full_key();
    let mut line = with(&full, "hash", json!("0".repeat(128)));
    line["algorithm"] = json!("sha512");
    assert_differs(&sandbox, &line, &["hash", "algorithm", "foreign"]);
    for field in ["environment", "scopes", "prefix", "createdAt", "createdBy", "allow", "labels"] {
        assert_unchanged(&sandbox, &lines([&with(&full, field, Value::Null)]));
    }
    for field in ["expiresAt", "owner"] {
        assert_differs(&sandbox, &with(&full, field, Value::Null), &[field]);
    }
}

#[test]
fn a_line_that_says_little_contradicts_little() {
    let (sandbox, full) = with_a_full_key();
    let says = |more: Value| {
        let mut line = json!({"name": "full", "hash": full["hash"]});
        let fields = line.as_object_mut().expect("an object");
        fields.extend(more.as_object().cloned().unwrap_or_default());
        line
    };
    let little = lines([&says(json!({}))]);
    assert_unchanged(&sandbox, &little);
    // Wherever commands work.
    sandbox.keyward(["workspace", "use", "other"]).ok();
    assert_unchanged(&sandbox, &little);
    let elsewhere = import(&sandbox, &little).args(["-w", "other"]);
    let error = elsewhere.refused(4, "conflict");
    assert!(text(&error, "message").ends_with(": workspace"), "{error:#}");
    sandbox.keyward(["workspace", "use", "acme"]).ok();
    sandbox.keyward(["disable", "full"]).ok();
    assert_unchanged(&sandbox, &little);
    assert_differs(
        &sandbox,
        &with(&says(json!({"status": "active"})), "type", json!("key")),
        &["status"],
    );
}

#[test]
fn a_key_that_was_revoked_here_and_is_live_in_the_line_differs() {
    let (sandbox, full) = with_a_full_key();
    sandbox.keyward(["revoke", "full", "--yes"]).ok();
    let fields = ["status", "revokedAt", "revokedReason"];
    assert_differs(&sandbox, &full, &fields);
    let little = json!({"type": "key", "name": "full", "hash": full["hash"]});
    assert_differs(&sandbox, &little, &["status"]);
    let revoked = record(&sandbox, "key", "full");
    assert_differs(
        &sandbox,
        &with(&revoked, "revokedReason", json!("compromised")),
        &["revokedReason"],
    );
    assert_differs(&sandbox, &with(&revoked, "revokedAt", json!("2020-01-01")), &["revokedAt"]);
    assert_unchanged(&sandbox, &lines([&revoked]));
    // Nor is one revoked that is live here.
    let other = Sandbox::new();
    import(&other, &lines(records(&sandbox).iter().filter(|record| record["type"] == "workspace")))
        .ok();
    import(&other, &lines([&full])).ok();
    assert_differs(&other, &revoked, &fields);
}

#[test]
fn what_time_alone_has_changed_is_no_difference() {
    let sandbox = Sandbox::new();
    let mut past = Past::of(&sandbox);
    past.mint(None, "old", 1, 2 * DAY);
    past.hold("lapsed", 2 * DAY);
    drop(past);
    sandbox.mint_with("paused", &["--expires=2s"]);
    let ends = sandbox.mint_with("ends", &["--expires=2s"]);
    sandbox.keyward(["disable", "paused"]).ok();
    let before = records(&sandbox);
    assert_unchanged(&sandbox, &lines(&before));
    sandbox.wait_for_verdict(&ends, 12);
    let after = records(&sandbox);
    assert_ne!(before, after);
    assert_unchanged(&sandbox, &lines(&before));
    assert_unchanged(&sandbox, &lines(&after));
    // As it was before it lapsed.
    let lapsed = after.iter().find(|record| record["name"] == "lapsed");
    let lapsed = lapsed.expect("it is exported");
    assert_eq!(lapsed["status"], "revoked");
    let waiting = with(lapsed, "revokedAt", Value::Null);
    assert_unchanged(&sandbox, &lines([&with(&waiting, "status", json!("pending"))]));
    let other = Sandbox::new();
    import(&other, &lines(&after)).ok();
    assert_eq!(records(&other), after);
    assert_unchanged(&other, &lines(&after));
}

#[test]
fn two_lines_of_one_import_are_not_of_the_same_key() {
    let sandbox = with_a_key();
    let id = "key_aaaaaaaaaaaaaaaa";
    for (second, field) in [
        (line("b", &foreign(1), &json!({})), "hash"),
        (line("a", &foreign(1), &json!({})), "hash"),
        (line("b", &foreign(2), &json!({"id": id})), "id"),
    ] {
        let both = line("a", &foreign(1), &json!({"id": id})) + "\n" + &second;
        let before = sandbox.settled_bytes();
        let error = import(&sandbox, &both).refused(4, "conflict");
        let message = text(&error, "message");
        let expected = format!("line 3 (conflict): lines 1 and 3 have the same {field}");
        assert!(message.contains(&expected), "{message}");
        assert!(sandbox.settled_bytes() == before, "it was written");
    }
    // Nor of one that already exists.
    let present = lines([&record(&sandbox, "key", "present")]);
    let error = import(&sandbox, &present.repeat(2)).refused(4, "conflict");
    assert!(text(&error, "message").contains("lines 1 and 2"), "{error:#}");
    let all = present.repeat(2) + &line("c", &foreign(3), &json!({}));
    let kept = import(&sandbox, &all).args(["--keep-going"]).exit(4);
    let expected = "1 created, 1 unchanged, 0 differ, 1 rejected";
    assert!(kept.stderr.contains(expected), "{}", kept.transcript());
}

#[test]
fn people_read_how_many_lines_differ_and_where() {
    let (sandbox, full) = with_a_full_key();
    let other = with(&full, "owner", json!("dev"));
    let new = line("new", &foreign(1), &json!({}));
    let id = text(&full, "id");
    let both = lines([&other]) + &new;
    let run = import(&sandbox, &both).args(["--keep-going"]).exit(4);
    for expected in [
        "1 created, 0 unchanged, 1 differs, 0 rejected".to_owned(),
        format!("line 1 (differs): {id} differs in this store: owner"),
    ] {
        assert!(run.stderr.contains(&expected), "{}", run.transcript());
    }
    assert_eq!(record(&sandbox, "key", "full")["owner"], "ops");
    assert_eq!(hex(&foreign(1)), text(&record(&sandbox, "key", "new"), "hash"));
}

#[test]
fn the_lines_of_a_rotation_differ_in_each_of_its_fields() {
    let (sandbox, full) = with_a_full_key();
    sandbox.keyward(["rotate", "full", "--grace=1h"]).ok();
    let old = text(&full, "id");
    let both = records(&sandbox);
    let of = |is_old: bool| {
        let mut keys = both.iter().filter(|record| record["name"] == "full");
        keys.find(|record| (record["id"] == *old) == is_old).expect("it is exported")
    };
    let (old, new) = (of(true), of(false));
    assert_unchanged(&sandbox, &lines([old, new]));
    for (record, field, value) in [
        (old, "replacedBy", json!("key_zzzzzzzzzzzzzzzz")),
        (old, "replacedBy", Value::Null),
        (new, "replaces", json!("key_zzzzzzzzzzzzzzzz")),
        (new, "graceMillis", json!(1)),
        (new, "previousExpiresAt", json!("2999-01-01")),
        (new, "previousExpiresAt", Value::Null),
    ] {
        assert_differs(&sandbox, &with(record, field, value), &[field]);
    }
    let none = with(new, "replaces", Value::Null);
    let none = with(&none, "graceMillis", Value::Null);
    assert_differs(&sandbox, &none, &["replaces", "previousExpiresAt"]);
    // As it was before the rotation.
    assert_differs(&sandbox, &full, &["expiresAt", "replacedBy"]);
    sandbox.keyward(["revoke", "full", "--yes", "--message=seen"]).ok();
    let revoked = record(&sandbox, "key", "full");
    assert_differs(&sandbox, &with(&revoked, "revokedMessage", Value::Null), &["revokedMessage"]);
}

#[test]
fn the_line_of_a_live_key_that_says_why_it_was_revoked_is_refused() {
    let (sandbox, full) = with_a_full_key();
    sandbox.keyward(["disable", "full"]).ok();
    let disabled = record(&sandbox, "key", "full");
    for (line, field) in
        [(&full, "revokedReason"), (&disabled, "revokedMessage"), (&disabled, "revokedAt")]
    {
        let line = with(line, field, json!("2026-01-01"));
        let error = import(&sandbox, &lines([&line])).refused(2, "usage");
        assert!(text(&error, "message").contains(field), "{error:#}");
    }
}

#[test]
fn a_line_that_an_import_has_taken_is_no_other_one_afterwards() {
    let sandbox = with_a_key();
    for (number, more) in [
        json!({}),
        json!({"status": "expired", "expiresAt": "2999-01-01"}),
        json!({"status": "expired", "expiresAt": "2020-01-01"}),
        json!({"status": "revoked"}),
        json!({"status": "revoked", "revokedReason": null, "revokedAt": null}),
        json!({"revokedReason": null, "graceMillis": 5, "previousExpiresAt": null}),
        json!({"owner": null, "expiresAt": null, "createdAt": null, "environment": null, "status": null}),
        json!({"status": "pending", "createdAt": "2020-01-01", "replaces": "key_zzzzzzzzzzzzzzzz"}),
        json!({"status": "disabled", "expiresAt": "2020-01-01", "replacedBy": "key_zzzzzzzzzzzzzzzz"}),
    ]
    .iter()
    .enumerate()
    {
        let line = line(&format!("k{number}"), &foreign(number), more);
        import(&sandbox, &line).ok();
        assert_unchanged(&sandbox, &line);
    }
    let exported = lines(&records(&sandbox));
    assert_unchanged(&sandbox, &exported);
    let other = Sandbox::new();
    import(&other, &exported).ok();
    assert_eq!(lines(&records(&other)), exported);
}
