//! `keyward prune`: which records go and when, what goes with them, and what stays.

use std::fs;

use serde_json::{Value, json};

use crate::support::past::{Old, Past, ids};
use crate::support::terminal::Terminal;
use crate::support::time::{DAY, HOUR};
use crate::support::{Sandbox, names, text};

/// Prunes with these flags and returns what the answer lists.
pub fn prune(sandbox: &Sandbox, flags: &[&str]) -> Vec<Value> {
    let answer = sandbox.keyward(["prune", "--yes"]).args(flags).answer();
    let keys = answer["keys"].as_array();
    keys.unwrap_or_else(|| panic!("no keys in {answer:#}")).clone()
}

/// The ids in a list of keys, sorted.
pub fn ids_of(keys: &[Value]) -> Vec<String> {
    let mut ids: Vec<String> = keys.iter().map(|key| text(key, "id")).collect();
    ids.sort();
    ids
}

/// The names of what is pruned with these flags, in the answer's order.
#[track_caller]
fn assert_pruned(sandbox: &Sandbox, flags: &[&str], expected: &[&str]) {
    let pruned = names(&Value::Array(prune(sandbox, flags)));
    assert_eq!(pruned, expected, "{flags:?}");
}

/// The subjects of the trail's rows of this action, sorted.
pub fn subjects(sandbox: &Sandbox, action: &str) -> Vec<String> {
    let sql = format!("SELECT subject FROM audit WHERE action = '{action}' ORDER BY subject");
    sandbox.rows(&sql).concat()
}

/// How many rows each table has that says something of single keys.
fn rows(sandbox: &Sandbox) -> [i64; 5] {
    ["key", "usage", "refusal", "meter", "claim"]
        .map(|table| sandbox.number(&format!("SELECT count(*) FROM {table}")))
}

/// A store with keys that have been dead for 200 days, 90 days, an hour less than that, and a day; and living ones.
fn with_dead_and_living(sandbox: &Sandbox) {
    let mut past = Past::of(sandbox);
    for (name, dead_for) in [
        ("revoked long ago", 200 * DAY),
        ("revoked 90 days ago", 90 * DAY),
        ("revoked a little later", 90 * DAY - HOUR),
        ("revoked yesterday", DAY),
    ] {
        let key = past.mint(None, name, 1, 300 * DAY);
        past.revoke(&key, dead_for);
    }
    past.mint_until(None, "expired long ago", 1, Some("100d"), 300 * DAY);
    past.mint_until(None, "expired 90 days ago", 1, Some("210d"), 300 * DAY);
    past.mint_until(None, "expired yesterday", 1, Some("299d"), 300 * DAY);
    past.mint(None, "active", 1, 300 * DAY);
    past.mint(None, "disabled", 1, 300 * DAY);
    // A pending key lapses a day after it was minted.
    past.hold("lapsed long ago", 91 * DAY);
    past.hold("lapsed yesterday", 90 * DAY);
    past.hold("pending", DAY - HOUR);
    drop(past);
    sandbox.keyward(["disable", "disabled"]).ok();
}

const LIVING: [&str; 3] = ["active", "disabled", "pending"];

#[test]
fn what_has_been_dead_for_ninety_days_is_deleted_and_nothing_else() {
    let sandbox = Sandbox::new();
    with_dead_and_living(&sandbox);
    let pruned = [
        "revoked long ago",
        "revoked 90 days ago",
        "expired long ago",
        "expired 90 days ago",
        "lapsed long ago",
    ];
    assert_pruned(&sandbox, &[], &pruned);
    let left = [
        "active",
        "disabled",
        "expired yesterday",
        "lapsed yesterday",
        "pending",
        "revoked a little later",
        "revoked yesterday",
    ];
    assert_eq!(sandbox.listed(&["--all"]), left);
    assert_pruned(&sandbox, &[], &[]);
}

#[test]
fn the_policy_says_how_long_and_an_option_says_it_better() {
    let sandbox = Sandbox::new();
    with_dead_and_living(&sandbox);
    let set = ["workspace", "set", "default", "--usage-retention"];
    sandbox.keyward(set).args(["0s"]).ok();
    let old = ["revoked long ago", "expired long ago", "expired 90 days ago"];
    assert_pruned(&sandbox, &["--dead-for", "90d1h", "--dry-run"], &[old[0], old[1]]);
    sandbox.keyward(set).args(["1y"]).ok();
    assert_pruned(&sandbox, &[], &[]);
    sandbox.keyward(set).args(["0s"]).ok();
    assert_eq!(prune(&sandbox, &[]).len(), 9);
    assert_eq!(sandbox.listed(&["--all"]), LIVING);
    assert_pruned(&sandbox, &["--dead-for", "0s", "--all-workspaces"], &[]);
}

#[test]
fn what_a_key_was_used_for_goes_with_it_and_other_counts_stay() {
    let sandbox = Sandbox::new();
    let mut past = Past::of(&sandbox);
    let first = past.mint(None, "first", 1, 300 * DAY);
    let gone = past.mint(None, "gone", 2, 300 * DAY);
    let last = past.mint(None, "last", 1, 300 * DAY);
    let all = [&first[..], &gone, &last].concat();
    past.use_them(&all, 250 * DAY);
    past.use_them(&all, 249 * DAY);
    past.revoke(&gone, 200 * DAY);
    drop(past);
    for key in &gone {
        // Refused on a day on which it was not used any more.
        sandbox.verdict(&key.secret, &[], 11, "revoked");
    }
    let wrong = &["-e", "test"];
    sandbox.verdict(&last[0].secret, wrong, 14, "wrong_environment");
    sandbox.tamper("INSERT INTO claim SELECT seq FROM key WHERE name = 'gone-1'");
    assert_eq!(rows(&sandbox), [4, 8, 3, 4, 1]);
    let counts = |flags: &[&str]| {
        let usage = sandbox.keyward(["usage", "--since", "2020-01-01"]);
        usage.args(flags).answer()
    };
    let before = [counts(&["first"]), counts(&["last"])];
    assert_eq!(prune(&sandbox, &[]).len(), 2);
    assert_eq!(rows(&sandbox), [2, 4, 1, 2, 0]);
    assert_eq!([counts(&["first"]), counts(&["last"])], before);
    // Whoever gets the row numbers inherits nothing.
    let fresh = sandbox.mint("fresh");
    assert_eq!(sandbox.show("fresh")["lastUsedAt"], Value::Null);
    assert_eq!(counts(&["fresh"]), json!({ "usage": [] }));
    sandbox.verdict(&fresh, &[], 0, "valid");
}

#[test]
fn a_pruned_keys_secret_is_unknown() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let id = sandbox.id_of("ci");
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    sandbox.verdict(&secret, &[], 11, "revoked");
    assert_pruned(&sandbox, &["--dead-for", "0s"], &["ci"]);
    sandbox.verdict(&secret, &[], 10, "not_found");
    let activate = sandbox.keyward(["activate"]).stdin(&secret);
    activate.refused(10, "not_found");
    for key in ["ci", &id] {
        sandbox.refuses(&["show", key], 3, "key_not_found");
    }
}

#[test]
fn the_trail_keeps_everything_and_gets_a_row_for_each_key() {
    let sandbox = Sandbox::new();
    with_dead_and_living(&sandbox);
    let before = sandbox.events();
    let mut pruned = prune(&sandbox, &[]);
    pruned.sort_by_key(|key| text(key, "id"));
    let after = sandbox.events();
    assert_eq!(after[..before.len()], before);
    let mut added = after[before.len()..].to_vec();
    added.sort_by_key(|event| text(event, "subject"));
    assert_eq!(added.len(), pruned.len());
    for (event, key) in added.iter().zip(&pruned) {
        assert_eq!(event["action"], "key.prune");
        assert_eq!(event["subject"], key["id"]);
        let details = event["details"].to_string();
        for field in ["workspace", "name", "environment", "prefix", "status"] {
            assert!(details.contains(&text(key, field)), "{field}: {event:#}");
        }
    }
    assert_eq!(sandbox.keyward(["audit", "verify"]).answer()["ok"], true);
    // What has to be looked up later: what became of this key?
    let named = |key: &&Value| key["name"] == "revoked long ago";
    let id = text(pruned.iter().find(named).expect("it was pruned"), "id");
    let events = after.iter().filter(|event| event["subject"] == id.as_str());
    let actions: Vec<String> = events.map(|event| text(event, "action")).collect();
    assert_eq!(actions, ["key.mint", "key.activate", "key.revoke", "key.prune"]);
}

#[test]
fn a_rehearsal_lists_the_same_and_changes_no_byte() {
    let sandbox = Sandbox::new();
    with_dead_and_living(&sandbox);
    let bytes = || fs::read(sandbox.store_path()).expect("the store can be read");
    let before = (bytes(), rows(&sandbox));
    let flags = ["--dead-for", "1h", "--dry-run"];
    let rehearsed = prune(&sandbox, &flags);
    let said = sandbox.keyward(["prune"]).args(flags).ok();
    assert!(said.stderr.contains("would delete"), "{}", said.stderr);
    assert!(!said.stderr.contains("deleted"), "{}", said.stderr);
    assert!((bytes(), rows(&sandbox)) == before, "something was changed");
    assert_eq!(prune(&sandbox, &flags[..2]), rehearsed);
    assert_eq!(sandbox.listed(&["--all"]), LIVING);
}

#[test]
fn people_are_told_what_was_deleted_or_that_there_was_nothing() {
    let sandbox = Sandbox::new();
    with_dead_and_living(&sandbox);
    let output = sandbox.keyward(["prune"]).ok();
    assert_eq!(output.stdout, "");
    assert_eq!(output.stderr.matches("deleted ").count(), 6);
    assert!(output.stderr.contains("deleted 5 keys that had been revoked or expired for 90 days"));
    assert!(output.stderr.contains("revoked long ago"));
    let output = sandbox.keyward(["prune"]).ok();
    let nothing = "nothing to prune: no key has been revoked or expired for 90 days";
    assert_eq!(output.stderr.lines().last(), Some(nothing));
    let lines = sandbox.keyward(["prune", "-o", "jsonl", "--dead-for", "0s", "--yes"]);
    assert_eq!(lines.ok().stdout.lines().count(), 4);
}

#[test]
fn one_workspace_is_pruned_or_all() {
    let sandbox = Sandbox::new();
    for name in ["acme", "zenith"] {
        sandbox.workspace(name, &[]);
    }
    let mut past = Past::of(&sandbox);
    for (workspace, name) in [("acme", "a"), ("zenith", "z"), ("zenith", "y")] {
        let keys = past.mint(Some(workspace), name, 1, 300 * DAY);
        past.revoke(&keys, 200 * DAY);
    }
    drop(past);
    sandbox.refuses(&["prune"], 4, "ambiguous");
    let missing = sandbox.keyward(["prune", "-w", "missing"]);
    missing.refused(3, "workspace_not_found");
    assert_pruned(&sandbox, &["--all-workspaces", "--dry-run"], &["a", "z", "y"]);
    assert_pruned(&sandbox, &["-w", "acme"], &["a"]);
    // Each workspace has its own retention.
    let set = ["workspace", "set", "zenith", "--usage-retention", "1y"];
    sandbox.keyward(set).ok();
    assert_pruned(&sandbox, &["--all-workspaces"], &[]);
    assert_pruned(&sandbox, &["--all-workspaces", "--dead-for", "90d"], &["z", "y"]);
}

#[test]
fn where_nothing_is_nothing_is_pruned_and_no_store_is_made() {
    let sandbox = Sandbox::new();
    for flags in [&[][..], &["--all-workspaces"], &["--dead-for", "0s"]] {
        assert_pruned(&sandbox, flags, &[]);
        assert!(!sandbox.store_path().exists(), "a store was made");
    }
}

#[test]
fn an_old_key_that_a_replacement_waits_for_is_kept() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let old = sandbox.id_of("ci");
    let held = sandbox.keyward(["rotate", "ci", "--hold"]).ok().line();
    sandbox.keyward(["revoke", &old, "--yes"]).ok();
    assert_pruned(&sandbox, &["--dead-for", "0s"], &[]);
    let activated = sandbox.keyward(["activate"]).stdin(&held).answer();
    assert_eq!(activated["replaces"], old.as_str());
    // Now it is awaited no more.
    let pruned = prune(&sandbox, &["--dead-for", "0s"]);
    assert_eq!(ids_of(&pruned), [old]);
    sandbox.verdict(&held, &[], 0, "valid");
}

#[test]
fn what_outlives_its_relatives_is_still_shown_renamed_and_rotated() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let first = sandbox.id_of("ci");
    sandbox.keyward(["rotate", "ci", "--now"]).ok();
    let second = sandbox.show("ci");
    // The one that took over is gone before the one it took over from.
    sandbox.mint("deploy");
    let old = sandbox.id_of("deploy");
    sandbox.keyward(["rotate", "deploy"]).ok();
    let new = sandbox.id_of("deploy");
    sandbox.keyward(["revoke", &new, "--yes"]).ok();
    let left = sandbox.show(&old);
    let pruned = prune(&sandbox, &["--dead-for", "0s"]);
    let mut gone = vec![first.clone(), new.clone()];
    gone.sort();
    assert_eq!(ids_of(&pruned), gone);
    assert_eq!(sandbox.show("ci"), second);
    assert_eq!(second["replaces"], first.as_str());
    assert_eq!(sandbox.show(&old), left);
    assert_eq!(left["replacedBy"], new.as_str());
    let cancel = ["rotate", &text(&second, "id"), "--cancel"];
    sandbox.keyward(cancel).refused(4, "conflict");
    sandbox.refuses(&["rotate", &old], 4, "conflict");
    sandbox.keyward(["rotate", "ci"]).ok();
    sandbox.keyward(["rename", "ci", "build"]).ok();
    sandbox.keyward(["set", &old, "--expires", "1h"]).ok();
    sandbox.mint("ci");
    assert_eq!(sandbox.listed(&[]), ["build", "build", "ci", "deploy"]);
}

#[test]
fn a_key_that_was_used_lately_keeps_every_record_of_every_page() {
    let sandbox = Sandbox::new();
    let mut past = Past::of(&sandbox);
    let dead = past.mint(None, "dead", 1_100, 300 * DAY);
    past.use_them(&dead[1_099..], 20 * DAY);
    past.revoke(&dead, 10 * DAY);
    drop(past);
    let before = rows(&sandbox);
    let flags = ["--dead-for", "1d", "--if-unused-for"];
    let run = |idle: &str| sandbox.keyward(["prune"]).args(flags).args([idle]);
    for more in [&[][..], &["--dry-run"], &["--all-workspaces"]] {
        let error = run("21d").args(more).refused(5, "in_use");
        let message = text(&error, "message");
        let used = sandbox.show(&dead[1_099].id)["lastUsedAt"].clone();
        assert!(message.contains(&dead[1_099].id), "{message}");
        assert!(message.contains(used.as_str().expect("used")), "{message}");
        assert_eq!(rows(&sandbox), before, "something was deleted");
    }
    assert_eq!(subjects(&sandbox, "key.prune"), [""; 0]);
    let pruned = prune(&sandbox, &[&flags[..], &["20d"]].concat());
    assert_eq!(ids_of(&pruned), ids(&dead));
    assert_eq!(rows(&sandbox), [0; 5]);
    assert_eq!(subjects(&sandbox, "key.prune"), ids(&dead));
}

#[test]
fn a_key_prunes_its_own_workspace_if_it_may_revoke() {
    let sandbox = Sandbox::with_workspace("sw", &["--preset", "scrapewise"]);
    sandbox.workspace("other", &[]);
    let caller = sandbox.mint_with("caller", &["-w", "sw", "--scope", "LLM_READ"]);
    sandbox.mint_with("mine", &["-w", "sw", "--scope", "USER"]);
    let other = sandbox.mint_with("other", &["-w", "other"]);
    sandbox.mint_with("theirs", &["-w", "other"]);
    for (name, workspace) in [("mine", "sw"), ("theirs", "other")] {
        let listed = sandbox.keyward(["list", "-w", workspace, "--name", name]);
        let id = text(&listed.answer()["keys"][0], "id");
        sandbox.keyward(["revoke", &id, "--yes"]).ok();
    }
    let run = |secret: &str, flags: &[&str]| {
        let caller = sandbox.file("caller", secret);
        let run = sandbox.keyward(["prune", "--yes", "--dead-for", "0s", "--as"]);
        run.args([caller]).args(flags)
    };
    run(&other, &[]).refused(5, "scope_rejected");
    // How long a record is kept is the operator's to say: by an option, or by the policy.
    run(&caller, &[]).refused(5, "scope_rejected");
    let by_policy = |flags: &[&str]| {
        let caller = sandbox.file("caller", &caller);
        sandbox.keyward(["prune", "--as"]).args([caller]).args(flags)
    };
    by_policy(&["-w", "other"]).refused(3, "workspace_not_found");
    assert_eq!(by_policy(&["--all-workspaces"]).answer()["keys"], Value::Array(Vec::new()));
    let set = ["workspace", "set", "sw", "--usage-retention", "0s"];
    sandbox.keyward(set).ok();
    let answer = by_policy(&["--all-workspaces"]).answer();
    assert_eq!(names(&answer["keys"]), ["mine"]);
    let events = sandbox.events();
    let last = events.last().expect("there are events");
    assert!(text(last, "actor").starts_with("key:"), "{last:#}");
    let all = prune(&sandbox, &["--all-workspaces", "--dead-for", "0s"]);
    assert_eq!(names(&Value::Array(all)), ["theirs"]);
}

/// So many revoked or expired keys, that died a hundred days ago.
pub fn dead(sandbox: &Sandbox, count: u32) -> Vec<Old> {
    let mut past = Past::of(sandbox);
    let keys = past.mint(None, "dead", count, 300 * DAY);
    past.revoke(&keys, 100 * DAY);
    keys
}

#[test]
fn what_is_younger_than_the_policys_retention_is_asked_about_and_the_rest_on_a_terminal_only() {
    let sandbox = Sandbox::with_keys(&["old", "young", "other"]);
    sandbox.keyward(["revoke", "old", "--yes"]).ok();
    let early = ["prune", "--dead-for", "0s"];
    let error = sandbox.keyward(early).refused(2, "usage");
    assert!(text(&error, "hint").contains("--yes"), "{error:#}");
    assert_eq!(sandbox.listed(&["--all"]).len(), 3);
    for (answer, status, left) in [("n\r", 130, 3), ("y\r", 0, 2)] {
        let mut terminal = Terminal::keyward(&sandbox, &early, &[]);
        terminal.wait_for("Permanently delete the records of 1 key?");
        terminal.types(answer);
        let (ended, seen) = terminal.end();
        assert_eq!(ended, status, "{seen}");
        assert!(seen.contains("  old  key_"), "{seen}");
        assert_eq!(sandbox.listed(&["--all"]).len(), left);
    }
    // Past its retention, a script need not say yes; a person is asked.
    sandbox.keyward(["revoke", "young", "--yes"]).ok();
    let set = ["workspace", "set", "--usage-retention", "0s"];
    if sandbox.keyward(set).run().status == 0 {
        let mut terminal = Terminal::keyward(&sandbox, &["prune"], &[]);
        terminal.wait_for("Permanently delete");
        terminal.types("n\r");
        assert_eq!(terminal.end().0, 130);
        sandbox.keyward(["prune"]).ok();
        assert_eq!(sandbox.listed(&["--all"]), ["other"]);
    }
}
