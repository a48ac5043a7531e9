//! The commands that `keyward check` names: each can be copied into a shell, works there, and fixes what was found.

use std::collections::BTreeMap;

use crate::check::{EVERYTHING, assert_found, findings, with_every_fault};
use crate::support::past::Past;
use crate::support::time::DAY;
use crate::support::{Sandbox, text};

#[test]
fn every_remedy_mends_its_finding() {
    let sandbox = Sandbox::new();
    with_every_fault(&sandbox);
    assert_remedies_mend(&sandbox, &EVERYTHING, 7);
}

/// Asserts that there are so many findings, that each is mended by its remedy, and that none is left.
#[track_caller]
fn assert_remedies_mend(sandbox: &Sandbox, flags: &[&str], count: usize) {
    let mut remedies = BTreeMap::new();
    let all = findings(sandbox, flags);
    assert_eq!(all.len(), count);
    for finding in all {
        let verb = match text(&finding, "reason").as_str() {
            "expiring" | "old" => "keyward rotate ",
            _ => "keyward revoke ",
        };
        let remedy = text(&finding, "remedy");
        assert!(remedy.starts_with(verb), "{finding:#}");
        // Whatever is wrong with a key, one command is enough; revoking fixes everything.
        remedies.entry(text(&finding, "id")).or_insert(remedy);
    }
    for remedy in remedies.values() {
        sandbox.follow(remedy).ok();
    }
    let left = findings(sandbox, flags);
    let left: Vec<_> =
        left.iter().filter(|finding| remedies.contains_key(&text(finding, "id"))).collect();
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn a_remedy_names_the_workspace_where_there_are_several() {
    let sandbox = Sandbox::new();
    for name in ["acme", "my shop", "ünïcode ✓"] {
        sandbox.workspace(name, &[]);
        let mut past = Past::of(&sandbox);
        past.mint(Some(name), "one", 1, 100 * DAY);
        let used = past.mint(Some(name), "two", 1, 100 * DAY);
        past.use_them(&used, DAY);
    }
    // The choice of another workspace must not lead a remedy astray.
    sandbox.keyward(["workspace", "use", "acme"]).ok();
    let flags = ["-A", "--unused-for", "30d", "--older-than", "90d"];
    for finding in findings(&sandbox, &flags) {
        assert!(text(&finding, "remedy").contains("-w"), "{finding:#}");
    }
    assert_remedies_mend(&sandbox, &flags, 9);
}

#[test]
fn the_remedy_for_a_damaged_record_names_the_workspace_where_there_are_several() {
    let sandbox = Sandbox::new();
    for name in ["acme", "my shop"] {
        sandbox.workspace(name, &[]);
    }
    let _ = sandbox.mint_with("ci", &["-w", "my shop"]);
    let _ = sandbox.keyward(["workspace", "use", "acme"]).ok();
    sandbox.tamper("UPDATE key SET name = 'other'");
    let found = sandbox.keyward(["store", "check", "--json"]).exit(9).json();
    let remedy = text(&found["problems"][0], "remedy");
    assert!(remedy.ends_with(" -w 'my shop'"), "{found:#}");
    sandbox.follow(&remedy).ok();
    let _ = sandbox.keyward(["store", "check"]).ok();
}

/// Asserts that the remedies for the old key of a workspace of this name can be pasted into a shell.
#[track_caller]
fn assert_can_be_copied(name: &str) {
    let sandbox = Sandbox::with_workspace("other", &[]);
    sandbox.keyward(["workspace", "create", "--", name]).ok();
    Past::of(&sandbox).mint(Some(name), "ci", 1, 100 * DAY);
    assert_remedies_mend(&sandbox, &["-A", "--older-than", "90d"], 1);
}

#[test]
fn a_remedy_can_be_copied_into_a_shell_whatever_the_workspace_is_called() {
    for name in ["it's", "'", "$HOME `id`", "a;b\"c", "*", "a=b", "#1", "~"] {
        assert_can_be_copied(name);
    }
}

#[test]
fn a_remedy_can_be_copied_when_the_workspaces_name_looks_like_an_option() {
    for name in ["-v", "--all"] {
        assert_can_be_copied(name);
    }
}

#[test]
fn a_remedy_can_be_copied_when_the_workspaces_name_is_shown_escaped() {
    for name in ["a\\b", "::a", "a##b"] {
        assert_can_be_copied(name);
    }
}

#[test]
fn whoever_follows_the_remedies_of_an_unfinished_rotation_ends_with_nothing_found() {
    let sandbox = Sandbox::new();
    Past::of(&sandbox).mint(None, "ci", 1, 100 * DAY);
    sandbox.keyward(["rotate", "ci", "--hold"]).ok();
    for _ in 0..2 {
        for finding in findings(&sandbox, &["--older-than", "90d"]) {
            sandbox.follow(&text(&finding, "remedy")).ok();
        }
    }
    assert_found(&sandbox, &["--older-than", "90d"], &[]);
}

#[test]
fn a_remedy_spares_a_key_that_has_come_into_use_meanwhile() {
    let sandbox = Sandbox::new();
    let mut past = Past::of(&sandbox);
    let keys = past.mint(None, "ci", 1, 100 * DAY);
    drop(past);
    let findings = findings(&sandbox, &["--unused-for", "30d"]);
    let remedy = text(&findings[0], "remedy");
    let secret = &keys[0].secret;
    sandbox.verdict(secret, &[], 0, "valid");
    let output = sandbox.follow(&remedy).args(["--json"]).exit(5);
    assert_eq!(output.error()["code"], "in_use");
    sandbox.verdict(secret, &[], 0, "valid");
}
