//! `keyward disable` and `keyward enable`: pausing and resuming.

use crate::support::Sandbox;

#[test]
fn a_disabled_key_is_refused_until_it_is_enabled() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let key = sandbox.keyward(["disable", "ci"]).answer();
    assert_eq!(key["status"], "disabled");
    let verdict = sandbox.verdict(&secret, &[], 13, "disabled");
    assert_eq!(verdict["subject"]["name"], "ci");
    let key = sandbox.keyward(["enable", "ci"]).answer();
    assert_eq!(key["status"], "active");
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn doing_it_twice_changes_nothing_and_says_so() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    for verb in ["enable", "disable", "enable"] {
        sandbox.keyward([verb, "ci"]).ok();
        let head = sandbox.head();
        let output = sandbox.keyward([verb, "ci"]).ok();
        assert_ne!(output.stderr, "", "nothing is said of the second {verb}");
        assert_eq!(sandbox.head(), head, "the second {verb} left an audit row");
    }
}

#[test]
fn a_dead_key_can_be_neither() {
    let sandbox = Sandbox::with_keys(&["revoked"]);
    let secret = sandbox.mint_with("expired", &["--expires", "1s"]);
    sandbox.keyward(["revoke", "revoked", "--yes"]).ok();
    sandbox.wait_for_verdict(&secret, 12);
    for name in ["revoked", "expired"] {
        sandbox.refuses(&["disable", name], 4, "conflict");
        sandbox.refuses(&["enable", name], 4, "conflict");
    }
    sandbox.refuses(&["disable", "missing"], 3, "key_not_found");
}

#[test]
fn enabling_does_not_activate_a_pending_key() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint_with("ci", &["--hold"]);
    // Whatever it answers: only the holder of the secret makes a pending key live.
    let _ = sandbox.keyward(["enable", "ci"]).run();
    let _ = sandbox.keyward(["disable", "ci"]).run();
    let _ = sandbox.keyward(["enable", "ci"]).run();
    sandbox.verdict(&secret, &[], 13, "pending");
}

#[test]
fn a_disabled_key_can_still_be_renamed_and_revoked() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.keyward(["disable", "ci"]).ok();
    let key = sandbox.keyward(["rename", "ci", "deploy"]).answer();
    assert_eq!(key["status"], "disabled");
    sandbox.keyward(["revoke", "deploy", "--yes"]).ok();
    sandbox.verdict(&secret, &[], 11, "revoked");
}
