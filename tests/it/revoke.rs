//! `keyward revoke`: permanently, with a reason, many at once.

use serde_json::json;

use crate::support::time::{assert_about, now};
use crate::support::{Sandbox, moment, names, text};

#[test]
fn a_revoked_key_never_verifies_again() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let answer = sandbox.keyward(["revoke", "ci", "--yes"]).answer();
    let key = &answer["keys"][0];
    assert_eq!(answer["keys"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&key["name"], &key["status"], &key["changed"]),
        (&json!("ci"), &json!("revoked"), &json!(true))
    );
    assert_about(moment(key, "revokedAt"), now());
    sandbox.verdict(&secret, &[], 11, "revoked");
    for verb in ["enable", "disable", "rotate"] {
        sandbox.refuses(&[verb, "ci"], 4, "conflict");
    }
    sandbox.keyward(["activate"]).stdin(&secret).refused(11, "revoked");
    sandbox.verdict(&secret, &[], 11, "revoked");
}

#[test]
fn without_a_terminal_it_needs_yes() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let error = sandbox.keyward(["revoke", "ci"]).refused(2, "usage");
    assert!(error.to_string().contains("--yes"), "the error does not name --yes: {error:#}");
    sandbox.expect_transcripts(
        r#"
$ keyward revoke ci
------- stderr -------
error: confirmation required, but this is not a terminal
hint: pass --yes to confirm
[exit status: 2]
"#,
    );
    // Before anything else: even before it is known whether the key exists.
    sandbox.refuses(&["revoke", "missing"], 2, "usage");
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn the_reason_is_kept() {
    let sandbox = Sandbox::new();
    for reason in ["compromised", "superseded", "retired", "unspecified"] {
        sandbox.mint(reason);
        sandbox.keyward(["revoke", reason, "--yes", "--reason", reason]).ok();
        assert_eq!(sandbox.show(reason)["revokedReason"], reason);
    }
    sandbox.mint("ci");
    sandbox.refuses(&["revoke", "ci", "--yes", "--reason", "bored"], 2, "usage");
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    assert_eq!(sandbox.show("ci")["revokedReason"], "unspecified");
}

#[test]
fn the_message_is_in_the_audit_log() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let flags = ["--reason", "compromised", "--message", "found in a build log"];
    sandbox.keyward(["revoke", "ci", "--yes"]).args(flags).ok();
    let events = sandbox.events();
    let event = events
        .iter()
        .find(|event| event["action"] == "key.revoke")
        .expect("the revocation is logged");
    let details = event["details"].to_string();
    assert!(details.contains("found in a build log"), "no message in {event:#}");
    assert!(details.contains("compromised"), "no reason in {event:#}");
}

#[test]
fn many_keys_are_revoked_at_once() {
    let sandbox = Sandbox::new();
    let secrets = ["a", "b", "c"].map(|name| sandbox.mint(name));
    let short = text(&sandbox.show("b"), "short");
    let answer = sandbox.keyward(["revoke", &sandbox.id_of("a"), &short, "c", "--yes"]).answer();
    assert_eq!(names(&answer["keys"]), ["a", "b", "c"]);
    for secret in secrets {
        sandbox.verdict(&secret, &[], 11, "revoked");
    }
}

#[test]
fn one_unknown_key_among_many_changes_nothing() {
    let sandbox = Sandbox::new();
    let secrets = ["a", "b"].map(|name| sandbox.mint(name));
    let head = sandbox.head();
    let error =
        sandbox.keyward(["revoke", "a", "missing", "b", "--yes"]).refused(3, "key_not_found");
    assert!(text(&error, "message").contains("missing"), "the message does not name it: {error:#}");
    for secret in secrets {
        sandbox.verdict(&secret, &[], 0, "valid");
    }
    assert_eq!(sandbox.head(), head);
}

#[test]
fn one_ambiguous_key_among_many_changes_nothing() {
    let (sandbox, secret) = Sandbox::with_key("a");
    sandbox.mint("b");
    sandbox.mint_with("b", &["-e", "test"]);
    sandbox.refuses(&["revoke", "a", "b", "--yes"], 4, "ambiguous");
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn revoking_twice_succeeds_and_keeps_the_first_time_and_reason() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let first = sandbox.keyward(["revoke", "ci", "--yes", "--reason", "compromised"]).answer();
    let head = sandbox.head();
    let second = sandbox.keyward(["revoke", "ci", "--yes", "--reason", "retired"]).answer();
    let mut expected = first["keys"][0].clone();
    expected["changed"] = false.into();
    assert_eq!(second["keys"][0], expected);
    assert_eq!(sandbox.head(), head);
}

#[test]
fn a_pending_key_can_be_revoked() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint_with("ci", &["--hold"]);
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    sandbox.verdict(&secret, &[], 11, "revoked");
}

#[test]
fn a_revoked_keys_record_stays() {
    let sandbox = Sandbox::new();
    sandbox.mint_with("ci", &["--owner", "platform"]);
    let before = sandbox.show("ci");
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    let after = sandbox.show("ci");
    for field in ["id", "name", "owner", "createdAt", "createdBy", "prefix", "keyHint"] {
        assert_eq!(after[field], before[field], "{field}");
    }
}

#[test]
fn an_id_is_not_found_in_an_environment_that_is_not_its_own() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let id = sandbox.id_of("ci");
    sandbox.refuses(&["revoke", &id, "-e", "test", "--yes"], 3, "key_not_found");
    sandbox.verdict(&secret, &["-e", "live"], 0, "valid");
}

#[test]
fn revoking_by_name_twice_finds_the_same_key_twice() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.keyward(["rotate", "ci"]).ok();
    let revoke = |flags: &[&str]| {
        let arguments = [&["revoke", "ci", "--yes"], flags].concat();
        sandbox.keyward(arguments).answer()["keys"][0].clone()
    };
    let (first, second) = (revoke(&[]), revoke(&[]));
    assert_eq!((&first["changed"], &second["changed"]), (&true.into(), &false.into()));
    assert_eq!((&first["id"], &first["revokedAt"]), (&second["id"], &second["revokedAt"]));
    // Of two environments, -e says which name is meant before anybody asks who holds it.
    for environment in ["live", "test"] {
        sandbox.mint_with("web", &["-e", environment]);
    }
    sandbox.keyward(["revoke", "web", "-e", "test", "--yes"]).ok();
    let again = sandbox.keyward(["revoke", "web", "-e", "test", "--yes"]).answer();
    assert_eq!(again["keys"][0]["changed"], false);
    assert_eq!(sandbox.show("web")["environment"], "live");
}

#[test]
fn where_the_id_alone_revokes_a_name_like_its_beginning_does_not() {
    let sandbox = Sandbox::with_workspace("portal", &["--preset", "scrapewise"]);
    sandbox.workspace("other", &[]);
    sandbox.keyward(["workspace", "use", "other"]).ok();
    for name in ["k", "key", "key_"] {
        let flags = ["-w", "portal", "--scope", "USER"];
        let secret = sandbox.mint_with(name, &flags);
        let revoke = ["revoke", name, "-w", "portal", "--yes"];
        let error = sandbox.keyward(revoke).refused(3, "key_not_found");
        sandbox.verdict(&secret, &[], 0, "valid");
        // The hinted command finds the key although another workspace is in use.
        sandbox.follow(&text(&error, "hint")).ok();
        sandbox.verdict(&secret, &[], 11, "revoked");
    }
}

#[test]
fn a_person_reads_what_was_revoked_and_what_was_not() {
    let sandbox = Sandbox::with_keys(&["ci", "web"]);
    sandbox.keyward(["mint", "used", "--out", "used.key"]).ok();
    sandbox.expect_transcripts(
        r#"
$ keyward revoke ci web --yes --reason compromised
------- stderr -------
revoked ci (<id>)
revoked web (<id>)
[exit status: 0]
$ keyward revoke ci --yes
------- stderr -------
no change: ci (<id>) is already revoked
[exit status: 0]
$ keyward revoke used missing --yes
------- stderr -------
error: no key "missing" in workspace default
hint: `keyward list --all` shows every key
[exit status: 3]
$ keyward verify --file used.key --quiet
------- stderr -------
[exit status: 0]
$ keyward revoke used --yes --if-unused-for 30d
------- stderr -------
error: used (<id>) is in use: last at <time>, 1 time since <day>
hint: leave out --if-unused-for to do it anyway
[exit status: 5]
"#,
    );
}
