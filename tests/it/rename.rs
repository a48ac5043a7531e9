//! `keyward rename`: names taken, names kept, names that change nothing.

use crate::support::Sandbox;

#[test]
fn a_renamed_key_keeps_everything_but_its_name() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut key = sandbox.show("ci");
    let renamed = sandbox.keyward(["rename", "ci", "deploy"]).answer();
    key["name"] = "deploy".into();
    assert_eq!(renamed, key);
    assert_eq!(sandbox.show("deploy"), key);
    sandbox.refuses(&["show", "ci"], 3, "key_not_found");
    sandbox.verdict(&secret, &[], 0, "valid");
    // The old name is free.
    sandbox.mint("ci");
}

#[test]
fn a_living_keys_name_is_taken_in_its_environment_alone() {
    let sandbox = Sandbox::with_keys(&["a", "b"]);
    sandbox.mint_with("c", &["-e", "test"]);
    sandbox.refuses(&["rename", "a", "b"], 4, "name_taken");
    sandbox.keyward(["disable", "b"]).ok();
    sandbox.refuses(&["rename", "a", "b"], 4, "name_taken");
    sandbox.keyward(["rename", "a", "c"]).ok();
    sandbox.keyward(["revoke", "b", "--yes"]).ok();
    sandbox.keyward(["rename", "c", "b", "-e", "live"]).ok();
    assert_eq!(sandbox.listed(&["-e", "live"]), ["b"]);
}

#[test]
fn a_name_that_breaks_the_rules_changes_nothing() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    for name in ["", " ci", "c\u{202e}i", "c\ni", &"n".repeat(65)] {
        sandbox.refuses(&["rename", "ci", name], 2, "invalid_name");
    }
    assert_eq!(sandbox.listed(&["--all"]), ["ci"]);
}

#[test]
fn the_name_it_has_already_is_no_change() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let head = sandbox.head();
    let output = sandbox.keyward(["rename", "ci", "ci"]).ok();
    assert_ne!(output.stderr, "", "nothing is said of the unchanged name");
    assert_eq!(sandbox.head(), head);
}

#[test]
fn a_dead_key_is_not_renamed() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    sandbox.refuses(&["rename", "ci", "deploy"], 4, "conflict");
    sandbox.refuses(&["rename", "cd", "deploy"], 3, "key_not_found");
    assert_eq!(sandbox.listed(&["--all"]), ["ci"]);
}
