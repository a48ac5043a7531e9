//! `keyward usage`: what is counted, added up by what, and for which days.

use serde_json::{Value, json};

use crate::support::time::{assert_about, now};
use crate::support::{Sandbox, moment};

/// Two keys, `a` of environment live used three times and refused once, and `b` of environment test used once for 5
/// credits.
fn used(sandbox: &Sandbox) -> (String, String) {
    let a = sandbox.mint("a");
    let b = sandbox.mint_with("b", &["-e", "test"]);
    for _ in 0..3 {
        sandbox.verdict(&a, &["--ip", "203.0.113.7"], 0, "valid");
    }
    sandbox.verdict(&a, &["-e", "test"], 14, "wrong_environment");
    sandbox.verdict(&b, &["--cost", "5"], 0, "valid");
    (a, b)
}

fn usage(sandbox: &Sandbox, flags: &[&str]) -> Vec<Value> {
    let answer = sandbox.keyward(["usage", "--json"]).args(flags).ok().json();
    let rows = answer["usage"].as_array().expect("a list of rows");
    rows.clone()
}

/// The rows' counts: valid, refused, credits.
fn counts(rows: &[Value]) -> Vec<(u64, u64, u64)> {
    let number = |row: &Value, field: &str| row[field].as_u64().expect("a count");
    let count = |row| (number(row, "valid"), number(row, "refused"), number(row, "credits"));
    rows.iter().map(count).collect()
}

/// The UTC day of `a`'s last use.
fn today(sandbox: &Sandbox) -> String {
    let time = sandbox.show("a")["lastUsedAt"].clone();
    time.as_str().expect("it was used")[..10].to_owned()
}

#[test]
fn each_key_has_a_row_for_each_day_it_was_used_on() {
    let sandbox = Sandbox::new();
    used(&sandbox);
    sandbox.mint("unused");
    let rows = usage(&sandbox, &[]);
    assert_eq!(counts(&rows), [(3, 1, 3), (1, 0, 5)]);
    let expected = json!({
        "workspace": "default", "keyId": sandbox.show("a")["id"], "name": "a", "environment": "live", "day": today(&sandbox),
        "valid": 3, "refused": 1, "credits": 3, "refusedBy": { "wrong_environment": 1 },
    });
    assert_eq!(rows[0], expected);
}

#[test]
fn rows_are_added_up_by_what_is_asked_for() {
    let sandbox = Sandbox::new();
    used(&sandbox);
    sandbox.workspace("other", &[]);
    let other = sandbox.mint_with("c", &["-w", "other"]);
    sandbox.verdict(&other, &[], 0, "valid");
    let default: &[&str] = &["-w", "default"];
    let by = |by, more: &[&str]| usage(&sandbox, &[&["--by", by], more].concat());
    assert_eq!(counts(&by("day", default)), [(4, 1, 8)]);
    assert_eq!(counts(&by("environment", default)), [(3, 1, 3), (1, 0, 5)]);
    assert_eq!(counts(&by("environment,day", default)), [(3, 1, 3), (1, 0, 5)]);
    let workspaces = by("workspace", &[]);
    assert_eq!(counts(&workspaces), [(4, 1, 8), (1, 0, 1)]);
    let fields: Vec<&String> = workspaces[0].as_object().expect("a row").keys().collect();
    assert_eq!(fields, ["workspace", "valid", "refused", "credits", "refusedBy"]);
    assert_eq!(workspaces[1]["workspace"], "other");
    let keys = by("key", default);
    assert_eq!(keys[0]["lastAddress"], "203.0.113.7");
    assert_eq!(keys[1]["lastAddress"], Value::Null);
    assert_about(moment(&keys[0], "lastUsedAt"), now());
}

#[test]
fn one_key_is_shown_alone_and_one_that_is_revoked_too() {
    let sandbox = Sandbox::new();
    let (a, _) = used(&sandbox);
    sandbox.keyward(["revoke", "a", "--yes"]).ok();
    sandbox.verdict(&a, &[], 11, "revoked");
    let rows = usage(&sandbox, &["a"]);
    assert_eq!(counts(&rows), [(3, 2, 3)]);
    assert_eq!(rows[0]["refusedBy"], json!({ "revoked": 1, "wrong_environment": 1 }));
    sandbox.refuses(&["usage", "nobody"], 3, "key_not_found");
}

#[test]
fn days_outside_the_range_are_left_out() {
    let sandbox = Sandbox::new();
    used(&sandbox);
    // Ten days ago `a` was used 7 times.
    sandbox.tamper(
        "INSERT INTO usage SELECT slot - (CAST(10 AS bigint) << 40), 7, 7, last_used_at - 864000000, NULL FROM usage ORDER BY slot LIMIT 1",
    );
    assert_eq!(counts(&usage(&sandbox, &["a"])), [(7, 0, 7), (3, 1, 3)]);
    assert_eq!(counts(&usage(&sandbox, &["a", "--by", "key"])), [(10, 1, 10)]);
    assert_eq!(counts(&usage(&sandbox, &["a", "--since", "9d"])), [(3, 1, 3)]);
    assert_eq!(counts(&usage(&sandbox, &["a", "--since", "10d"])), [(7, 0, 7), (3, 1, 3)]);
    assert_eq!(counts(&usage(&sandbox, &["a", "--until", "1d"])), [(7, 0, 7)]);
    assert_eq!(
        counts(&usage(&sandbox, &["a", "--until", &today(&sandbox)])),
        [(7, 0, 7), (3, 1, 3)]
    );
    for flags in [&["--since", "never"][..], &["--since", "2027-01-01", "--until", "2026-01-01"]] {
        sandbox.keyward(["usage"]).args(flags).refused(2, "usage");
    }
}

#[test]
fn people_get_a_bar_and_the_reasons_of_refusals() {
    let sandbox = Sandbox::new();
    used(&sandbox);
    let table = sandbox.keyward(["usage"]).ok().stdout;
    assert!(table.starts_with("NAME"), "{table}");
    assert!(table.contains("████████"), "{table}");
    assert!(table.contains("1 wrong_environment"), "{table}");
    let empty = Sandbox::new();
    empty.mint("a");
    let output = empty.keyward(["usage"]).ok();
    assert_eq!(output.stdout, "");
    assert!(output.stderr.contains("no usage recorded yet"), "{}", output.stderr);
}

#[test]
fn lines_and_tabs_carry_the_same_rows() {
    let sandbox = Sandbox::new();
    used(&sandbox);
    let lines = sandbox.keyward(["usage", "--output", "jsonl"]).ok();
    assert_eq!(lines.json_lines(), usage(&sandbox, &[]));
    let tsv = sandbox.keyward(["usage", "--by", "environment", "--output", "tsv"]).ok().stdout;
    assert_eq!(tsv, "default\tlive\t3\t1\t3\twrong_environment=1\ndefault\ttest\t1\t0\t5\t\n");
}

#[test]
fn a_key_sees_the_usage_of_its_own_workspace_if_it_may_list() {
    let sandbox = Sandbox::new();
    sandbox.keyward(["workspace", "create", "sw", "--preset", "scrapewise"]).ok();
    sandbox.keyward(["workspace", "create", "other"]).ok();
    let user = sandbox.mint_with("user", &["-w", "sw", "--scope", "USER"]);
    let other = sandbox.mint_with("x", &["-w", "other"]);
    sandbox.verdict(&user, &[], 0, "valid");
    sandbox.verdict(&other, &[], 0, "valid");
    let caller = sandbox.file("caller", &user);
    let answer = sandbox
        .keyward(["usage", "--by", "workspace", "--json", "--as"])
        .args([&caller])
        .ok()
        .json();
    assert_eq!(answer["usage"].as_array().map(Vec::len), Some(1), "{answer:#}");
    assert_eq!(answer["usage"][0]["workspace"], "sw");
    let other = sandbox.file("other", &other);
    sandbox.keyward(["usage", "--as"]).args([&other]).refused(5, "scope_rejected");
}

#[test]
fn the_usage_of_a_deleted_workspaces_keys_goes_with_them() {
    let sandbox = Sandbox::with_workspace("gone", &[]);
    let secret = sandbox.mint_with("a", &["-w", "gone"]);
    sandbox.verdict(&secret, &[], 0, "valid");
    sandbox.verdict(&secret, &["-e", "test"], 14, "wrong_environment");
    sandbox.keyward(["revoke", "a", "-w", "gone", "--yes"]).ok();
    sandbox.keyward(["workspace", "delete", "gone", "--yes"]).ok();
    // The next key may get the same row, and must not inherit what was counted in it.
    sandbox.mint("fresh");
    assert_eq!(usage(&sandbox, &[]), [Value::Null; 0]);
    assert_eq!(sandbox.show("fresh")["lastUsedAt"], Value::Null);
}
