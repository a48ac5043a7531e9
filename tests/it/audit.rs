//! `keyward audit …`: a row per change, and a chain that shows when a row was altered.

use serde_json::json;

use crate::support::time::{assert_about, now};
use crate::support::{Sandbox, fields, moment, text};

/// The actions that were logged since the event of this number.
fn actions_since(sandbox: &Sandbox, seq: u64) -> Vec<String> {
    let mut events = sandbox.events();
    events.sort_by_key(|event| event["seq"].as_u64());
    events.retain(|event| event["seq"].as_u64() > Some(seq));
    events.iter().map(|event| text(event, "action")).collect()
}

/// The number of the last event.
fn last(sandbox: &Sandbox) -> u64 {
    let head = sandbox.keyward(["audit", "head"]).answer();
    head["seq"].as_u64().unwrap_or_else(|| panic!("no seq in {head:#}"))
}

/// A sandbox whose log has a handful of events.
fn with_some_history() -> Sandbox {
    let sandbox = Sandbox::with_keys(&["a", "b"]);
    sandbox.keyward(["rename", "a", "c"]).ok();
    sandbox.keyward(["revoke", "b", "--yes"]).ok();
    sandbox
}

#[test]
fn a_first_mint_leaves_three_events() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    assert_eq!(actions_since(&sandbox, 0), ["workspace.create", "key.mint", "key.activate"]);
    let id = sandbox.id_of("ci");
    for event in sandbox.events() {
        assert_about(moment(&event, "time"), now());
        assert!(text(&event, "actor").starts_with("operator:"), "{event:#}");
        assert_ne!(text(&event, "hash"), "");
        let about_a_key = text(&event, "action").starts_with("key.");
        assert_eq!(event["subject"].to_string().contains(&id), about_a_key, "{event:#}");
        assert!(!event.to_string().contains(&secret[20..]), "the log holds the secret");
        assert_eq!(
            fields(&event),
            ["action", "actor", "details", "hash", "seq", "subject", "time"]
        );
    }
}

#[test]
fn every_change_leaves_its_events() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.mint("ci");
    let held = sandbox.mint_with("held", &["--hold"]);
    let steps: [(&[&str], &[&str]); 17] = [
        (&["mint", "other"], &["key.mint", "key.activate"]),
        (&["mint", "second", "--hold"], &["key.mint"]),
        (&["rename", "other", "another"], &["key.rename"]),
        (&["set", "another", "--owner", "platform"], &["key.set"]),
        (&["disable", "another"], &["key.disable"]),
        (&["enable", "another"], &["key.enable"]),
        (&["rotate", "another"], &["key.mint", "key.rotate", "key.activate"]),
        // The old key is not rotated until the new one is activated.
        (&["rotate", "ci", "--hold"], &["key.mint"]),
        (&["rotate", "ci", "--cancel"], &["key.revoke", "key.cancel"]),
        // The one in its grace goes with the one that superseded it.
        (&["revoke", "another", "--yes"], &["key.revoke", "key.revoke"]),
        (&["revoke", "ci", "second", "--yes"], &["key.revoke", "key.revoke"]),
        (&["revoke", "second", "--yes"], &[]),
        (&["workspace", "set", "acme", "--cap", "9"], &["workspace.set"]),
        (&["workspace", "rename", "acme", "zenith"], &["workspace.rename"]),
        (&["workspace", "create", "empty"], &["workspace.create"]),
        (&["workspace", "use", "zenith"], &["workspace.use"]),
        (&["workspace", "delete", "empty"], &["workspace.delete"]),
    ];
    for (arguments, expected) in steps {
        let before = last(&sandbox);
        sandbox.keyward(arguments).ok();
        assert_eq!(actions_since(&sandbox, before), expected, "{arguments:?}");
    }
    let before = last(&sandbox);
    sandbox.keyward(["activate"]).stdin(held).ok();
    assert_eq!(actions_since(&sandbox, before), ["key.activate"]);
    sandbox.mint("last");
    let replacement = sandbox.keyward(["rotate", "last", "--hold"]).ok().line();
    let before = last(&sandbox);
    sandbox.keyward(["activate"]).stdin(replacement).ok();
    assert_eq!(actions_since(&sandbox, before), ["key.rotate", "key.activate"]);
    assert_eq!(sandbox.keyward(["audit", "verify"]).answer()["ok"], true);
}

#[test]
fn a_voided_key_is_logged() {
    let sandbox = Sandbox::with_keys(&["first"]);
    let before = last(&sandbox);
    sandbox.keyward(["mint", "ci", "--", "false"]).exit(16);
    assert_eq!(actions_since(&sandbox, before), ["key.mint", "key.void"]);
}

#[test]
fn reading_and_failing_leave_no_events() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let before = last(&sandbox);
    sandbox.keyward(["list"]).ok();
    sandbox.keyward(["show", "ci"]).ok();
    sandbox.keyward(["whoami"]).ok();
    sandbox.keyward(["store", "info"]).ok();
    sandbox.verdict(&secret, &[], 0, "valid");
    sandbox.keyward(["mint", "ci"]).exit(4);
    sandbox.keyward(["rename", "missing", "other"]).exit(3);
    sandbox.keyward(["revoke", "ci"]).exit(2);
    assert_eq!(last(&sandbox), before);
}

#[test]
fn numbers_rise_by_one_and_the_head_is_the_last_event() {
    let sandbox = with_some_history();
    let mut events = sandbox.events();
    events.sort_by_key(|event| event["seq"].as_u64());
    let numbers: Vec<u64> = events.iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert_eq!(numbers, (1..=7).collect::<Vec<u64>>());
    let last = events.last().expect("there are events");
    let head = sandbox.keyward(["audit", "head"]).answer();
    assert_eq!(head, json!({"seq": 7, "hash": last["hash"]}));
    assert_eq!(sandbox.head(), format!("7:{}", text(last, "hash")));
}

#[test]
fn an_untouched_log_verifies() {
    let sandbox = with_some_history();
    let answer = sandbox.keyward(["audit", "verify"]).answer();
    assert_eq!(answer, json!({"ok": true, "checked": 7, "firstBad": null}));
    sandbox.expect_transcripts(
        r#"
$ keyward audit verify
audit trail intact: 7 rows checked
------- stderr -------
hint: to detect a truncated or rewritten trail, compare it with a saved head: `keyward audit verify --against SEQ:HASH`
[exit status: 0]
"#,
    );
}

#[test]
fn the_list_is_one_object_a_line_in_jsonl_and_one_line_an_event_in_tsv() {
    let sandbox = with_some_history();
    let lines = sandbox.keyward(["audit", "list", "-o", "jsonl"]).ok();
    assert_eq!(lines.json_lines(), sandbox.events());
    assert_eq!(sandbox.keyward(["audit", "list", "-o", "tsv"]).ok().stdout.lines().count(), 7);
}

/// Alters the log outside keyward and asserts that the alteration is found at one of these events.
fn assert_found(sql: &str, first_bad: &[u64]) {
    let sandbox = with_some_history();
    sandbox.tamper(sql);
    let output = sandbox.keyward(["--json", "audit", "verify"]).run();
    assert_eq!(output.status, 9, "not found: {sql}");
    let answer = output.json();
    assert_eq!(answer["ok"], false, "{sql}");
    let found = answer["firstBad"].as_u64();
    assert!(found.is_some_and(|seq| first_bad.contains(&seq)), "{sql}\n{answer:#}");
}

#[test]
fn an_altered_event_is_found() {
    let columns = {
        let sandbox = with_some_history();
        let connection = sandbox.sqlite();
        let mut rows = connection
            .prepare("SELECT name FROM pragma_table_info('audit')")
            .expect("a table of this name");
        let names = rows.query_map([], |row| row.get::<_, String>(0)).expect("columns have names");
        names.collect::<Result<Vec<_>, _>>().expect("columns have names")
    };
    assert!(columns.len() >= 6, "the columns are {columns:?}");
    for column in columns.iter().filter(|column| *column != "seq") {
        // Another value of the same type, whatever the column holds.
        let value = format!(
            "CASE typeof(\"{column}\") WHEN 'integer' THEN \"{column}\" + 1 WHEN 'blob' THEN zeroblob(32) \
             ELSE replace(replace(\"{column}\", 'e', 'E'), '0', '1') || ' ' END"
        );
        assert_found(&format!("UPDATE audit SET \"{column}\" = {value} WHERE seq = 3"), &[3]);
    }
}

#[test]
fn a_removed_event_is_found() {
    // The gap shows at the missing number or at the first one after it.
    assert_found("DELETE FROM audit WHERE seq = 4", &[4, 5]);
}

#[test]
fn a_removed_first_event_is_found() {
    assert_found("DELETE FROM audit WHERE seq = 1", &[1, 2]);
}

#[test]
fn exchanged_events_are_found() {
    assert_found(
        "UPDATE audit SET seq = 1000 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; \
         UPDATE audit SET seq = 4 WHERE seq = 1000;",
        &[3],
    );
}

#[test]
fn the_log_of_a_store_that_does_not_exist_is_empty() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.keyward(["audit", "list"]).answer(), json!({ "events": [] }));
    // To find nothing wrong there would say that there was something to look at.
    sandbox.refuses(&["audit", "verify"], 3, "store_not_found");
    assert!(!sandbox.store_path().exists(), "reading made a store");
}
