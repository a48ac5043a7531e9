//! `keyward revoke -`: KEYs on standard input, a line each.

use crate::support::{Sandbox, names, text};

#[test]
fn each_line_is_a_key_and_all_are_revoked_together() {
    let sandbox = Sandbox::with_keys(&["a", "b", "c", "d"]);
    let id = sandbox.id_of("c");
    let run = sandbox.keyward(["revoke", "d", "-", "--yes"]);
    let answer = run.stdin(format!("a\r\n\n{id}\n")).answer();
    assert_eq!(names(&answer["keys"]), ["d", "a", "c"]);
    assert_eq!(sandbox.listed(&[]), ["b"]);
    let run = sandbox.keyward(["revoke", "-", "--yes"]);
    run.stdin("b\ngone\n").refused(3, "key_not_found");
    assert_eq!(sandbox.listed(&[]), ["b"]);
}

#[test]
fn without_a_key_there_is_nothing_to_revoke() {
    let sandbox = Sandbox::with_keys(&["a"]);
    for nothing in ["", "\n\n"] {
        let run = sandbox.keyward(["revoke", "-", "--yes"]).stdin(nothing);
        run.refused(2, "usage");
    }
    let run = sandbox.keyward(["revoke", "-", "-", "--yes"]).stdin("a\n");
    run.refused(2, "usage");
    let run = sandbox.keyward(["revoke", "-", "--yes"]).stdin(b"\xff\n");
    run.refused(2, "usage");
    // Standard input is not a terminal, so there is nobody to ask.
    let run = sandbox.keyward(["revoke", "-"]).stdin("a\n");
    run.refused(2, "usage");
    assert_eq!(sandbox.listed(&[]), ["a"]);
}

#[test]
fn a_secret_among_the_keys_is_refused_and_not_repeated() {
    let (sandbox, secret) = Sandbox::with_key("a");
    let opaque = Sandbox::with_workspace("sw", &["--preset", "azscraper"]);
    let other = opaque.mint("b");
    for (sandbox, secret) in [(&sandbox, &secret), (&opaque, &other)] {
        let run = sandbox.keyward(["revoke", "-", "--yes"]).stdin(secret);
        let error = run.refused(2, "usage");
        assert!(!error.to_string().contains(secret.as_str()), "{error:#}");
        assert!(text(&error, "message").contains("line 1"), "{error:#}");
    }
}

#[test]
fn the_callers_secret_and_the_keys_cannot_both_come_on_stdin() {
    let (sandbox, secret) = Sandbox::with_key("a");
    let run = sandbox.keyward(["revoke", "-", "--yes", "--as", "-"]);
    let error = run.stdin(secret).refused(2, "usage");
    let message = text(&error, "message");
    assert!(message.contains("the caller's secret and keys"), "{error:#}");
}
