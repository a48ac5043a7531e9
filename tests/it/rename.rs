//! `keyward rename`: names taken, names kept, names that change nothing.

use crate::support::Sandbox;

#[test]
fn a_renamed_key_keeps_everything_but_its_name() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint("ci");
    let mut key = sandbox.show("ci");
    let renamed = sandbox.keyward(["rename", "ci", "deploy"]).answer();
    key["name"] = "deploy".into();
    assert_eq!(renamed, key);
    assert_eq!(sandbox.show("deploy"), key);
    let _ = sandbox.keyward(["show", "ci"]).refused(3, "key_not_found");
    let _ = sandbox.verdict(&secret, &[], 0, "valid");
    // The old name is free.
    let _ = sandbox.mint("ci");
}

#[test]
fn a_living_keys_name_is_taken_in_its_environment_alone() {
    let sandbox = Sandbox::new();
    let _ = sandbox.mint("a");
    let _ = sandbox.mint("b");
    let _ = sandbox.mint_with("c", &["-e", "test"]);
    let _ = sandbox
        .keyward(["rename", "a", "b"])
        .refused(4, "name_taken");
    let _ = sandbox.keyward(["disable", "b"]).ok();
    let _ = sandbox
        .keyward(["rename", "a", "b"])
        .refused(4, "name_taken");
    let _ = sandbox.keyward(["rename", "a", "c"]).ok();
    let _ = sandbox.keyward(["revoke", "b", "--yes"]).ok();
    let _ = sandbox.keyward(["rename", "c", "b", "-e", "live"]).ok();
    assert_eq!(sandbox.listed(&["-e", "live"]), ["b"]);
}

#[test]
fn a_name_that_breaks_the_rules_changes_nothing() {
    let sandbox = Sandbox::new();
    let _ = sandbox.mint("ci");
    for name in ["", " ci", "c\u{202e}i", "c\ni", &"n".repeat(65)] {
        let _ = sandbox
            .keyward(["rename", "ci", name])
            .refused(2, "invalid_name");
    }
    assert_eq!(sandbox.listed(&["--all"]), ["ci"]);
}

#[test]
fn the_name_it_has_already_is_no_change() {
    let sandbox = Sandbox::new();
    let _ = sandbox.mint("ci");
    let head = sandbox.keyward(["audit", "head"]).ok().stdout;
    let output = sandbox.keyward(["rename", "ci", "ci"]).ok();
    assert_ne!(output.stderr, "", "nothing is said of the unchanged name");
    assert_eq!(sandbox.keyward(["audit", "head"]).ok().stdout, head);
}

#[test]
fn a_dead_key_is_not_renamed() {
    let sandbox = Sandbox::new();
    let _ = sandbox.mint("ci");
    let _ = sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    let _ = sandbox
        .keyward(["rename", "ci", "deploy"])
        .refused(4, "conflict");
    let _ = sandbox
        .keyward(["rename", "cd", "deploy"])
        .refused(3, "key_not_found");
    assert_eq!(sandbox.listed(&["--all"]), ["ci"]);
}
