//! `keyward rotate --cancel`: what it says of both keys in each state, and that the hint of a refusal works.

use serde_json::Value;

use crate::support::{Sandbox, text};

/// What cancelling says to people, one line.
#[track_caller]
fn said(sandbox: &Sandbox, key: &str) -> String {
    let run = sandbox.keyward(["rotate", key, "--cancel"]).ok();
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.transcript());
    run.stderr.trim_end().to_owned()
}

/// What a refusal says, and its hint.
#[track_caller]
fn refused(sandbox: &Sandbox, key: &str) -> (String, String) {
    let cancel = sandbox.keyward(["rotate", key, "--cancel"]);
    let error = cancel.refused(4, "conflict");
    let hint = error["hint"].as_str().unwrap_or_default();
    (text(&error, "message"), hint.to_owned())
}

fn pending(sandbox: &Sandbox, key: &str) -> (String, String) {
    let secret = sandbox.keyward(["rotate", key, "--hold"]).ok().line();
    let verdict = sandbox.verdict(&secret, &[], 13, "pending");
    (text(&verdict["subject"], "id"), secret)
}

#[test]
fn a_pending_replacement_was_revoked_and_the_old_key_is_as_it_was() {
    for by_new in [false, true] {
        let (sandbox, secret) = Sandbox::with_key("ci");
        let before = sandbox.show("ci");
        let id = text(&before, "id");
        let (new, held) = pending(&sandbox, "ci");
        let named = if by_new { &new } else { &id };
        let expected = format!(
            "cancelled the rotation of ci: revoked {new}, which was pending; {id} was not superseded yet and is active as before"
        );
        assert_eq!(said(&sandbox, named), expected);
        assert_eq!(sandbox.show("ci"), before);
        sandbox.verdict(&secret, &["--no-record"], 0, "valid");
        sandbox.verdict(&held, &["--no-record"], 11, "revoked");
        // A second time there is nothing to cancel, and both names say so.
        let (message, hint) = refused(&sandbox, &new);
        assert_eq!(
            message,
            format!("the rotation of {id} has ended: {new}, its replacement, is revoked")
        );
        assert!(hint.contains(&format!("`keyward rotate {id}` ")), "{hint}");
        let (message, hint) = refused(&sandbox, &id);
        assert_eq!(message, format!("{id} is not being rotated"));
        assert_eq!(sandbox.follow(&hint).args(["--json"]).ok().json()["replaces"], id.as_str());
    }
}

#[test]
fn a_pending_replacement_of_a_dead_key_was_revoked_and_the_old_key_stays_dead() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let id = sandbox.id_of("ci");
    let (new, _) = pending(&sandbox, "ci");
    sandbox.keyward(["revoke", &id, "--yes"]).ok();
    let expected = format!(
        "revoked {new}, which was pending; {id} was not superseded yet and is revoked as before"
    );
    assert!(said(&sandbox, &new).ends_with(&expected));
}

#[test]
fn a_superseded_key_has_its_life_back_and_the_new_one_is_named_as_it_was() {
    for (is_disabled, is_revoked) in [(false, false), (true, false), (false, true)] {
        let sandbox = Sandbox::new();
        sandbox.mint_with("ci", &["--expires", "90d"]);
        let before = sandbox.show("ci");
        let id = text(&before, "id");
        sandbox.keyward(["rotate", "ci"]).ok();
        let new = sandbox.id_of("ci");
        let fate = if is_disabled {
            sandbox.keyward(["disable", &new]).ok();
            format!("revoked {new}, which was disabled")
        } else if is_revoked {
            sandbox.keyward(["revoke", &new, "--yes"]).ok();
            format!("{new} was revoked already")
        } else {
            format!("revoked {new}, which was active")
        };
        let expires = text(&before, "expiresAt");
        let expected = format!(
            "cancelled the rotation of ci: {fate}; {id} is active, no longer superseded, and expires at {expires} as before the rotation"
        );
        assert_eq!(said(&sandbox, &id), expected);
    }
}

#[test]
fn a_pending_key_that_replaces_none_is_refused_with_what_can_be_done_about_it() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    let secret = sandbox.mint_with("held", &["--hold"]);
    let id = text(&sandbox.verdict(&secret, &[], 13, "pending")["subject"], "id");
    sandbox.workspace("other", &[]);
    let cancel = ["rotate", &id, "--cancel", "-w", "acme"];
    let error = sandbox.keyward(cancel).refused(4, "conflict");
    assert_eq!(text(&error, "message"), format!("{id} is pending, but it replaces no other key"));
    let hint = text(&error, "hint");
    let revoke = hint.split(", or ").nth(1).expect("two ways");
    assert!(hint.starts_with("present its secret to `keyward activate`, or "), "{hint}");
    assert_eq!(sandbox.follow(revoke).args(["--json"]).ok().json()["keys"][0]["status"], "revoked");
}

#[test]
fn a_rotation_that_is_finished_is_refused_with_the_key_that_can_be_rotated() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let first = sandbox.id_of("ci");
    sandbox.keyward(["rotate", "ci", "--now"]).ok();
    let second = sandbox.id_of("ci");
    for named in [&first, &second] {
        let (message, hint) = refused(&sandbox, named);
        assert_eq!(message, format!("the rotation is finished: {first} is revoked"));
        assert_eq!(hint, format!("keyward rotate {second}"));
    }
    sandbox.follow(&format!("keyward rotate {second}")).ok();
    let third = sandbox.id_of("ci");
    let (message, hint) = refused(&sandbox, &first);
    assert_eq!(
        message,
        format!(
            "the rotation of {first} is finished: {second}, which replaced it, was replaced in turn"
        )
    );
    assert_eq!(hint, format!("keyward rotate {third}"));
}

#[test]
fn an_old_key_outlives_all_that_followed_it_if_its_rotation_is_cancelled() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint_with("ci", &["--expires", "90d"]);
    let before = sandbox.show("ci");
    let first = text(&before, "id");
    sandbox.keyward(["rotate", "ci"]).ok();
    let second = sandbox.id_of("ci");
    sandbox.keyward(["rotate", "ci"]).ok();
    let third = sandbox.id_of("ci");
    sandbox.keyward(["revoke", &second, "--yes"]).ok();
    // What follows it is live: it ends by itself, and the gate has nothing to say.
    let check = ["check", "--expiring-within", "25h", "--json"];
    sandbox.keyward(check).ok();
    refused(&sandbox, &first);
    sandbox.keyward(["revoke", &third, "--yes"]).ok();
    let findings = sandbox.keyward(check).exit(18).json();
    let remedy = text(&findings["findings"][0], "remedy");
    assert_eq!(remedy, format!("keyward rotate {first} --cancel"));
    sandbox.follow(&remedy).ok();
    assert_eq!(sandbox.show("ci"), before);
    sandbox.verdict(&secret, &["--no-record"], 0, "valid");
}

#[test]
fn an_unfinished_rotation_stands_in_the_way_of_another_until_it_is_cancelled() {
    let (sandbox, old) = Sandbox::with_key("ci");
    let before = sandbox.show("ci");
    let held = sandbox.keyward(["rotate", "ci", "--hold"]).ok().line();
    let error = sandbox.keyward(["rotate", "ci"]).refused(4, "conflict");
    let hint = text(&error, "hint");
    assert!(hint.contains("keyward rotate") && hint.contains("--cancel"), "the hint is {hint:?}");
    sandbox.keyward(["rotate", "ci", "--cancel"]).ok();
    sandbox.verdict(&held, &[], 11, "revoked");
    sandbox.keyward(["activate"]).stdin(&held).refused(11, "revoked");
    sandbox.verdict(&old, &["--no-record"], 0, "valid");
    assert_eq!(sandbox.show("ci"), before);
    sandbox.keyward(["rotate", "ci"]).ok();
}

#[test]
fn a_cancelled_rotation_needs_the_old_name_to_be_free() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let old = sandbox.id_of("ci");
    let new = sandbox.keyward(["rotate", "ci"]).ok().line();
    // By its id it leaves the old key behind under the old name.
    let id = sandbox.id_of("ci");
    sandbox.keyward(["rename", &id, "deploy"]).ok();
    sandbox.mint("ci");
    sandbox.refuses(&["rotate", &old, "--cancel"], 4, "name_taken");
    sandbox.verdict(&new, &[], 0, "valid");
}

#[test]
fn a_rotation_can_be_cancelled_while_the_old_key_lives_in_its_grace() {
    let sandbox = Sandbox::new();
    let old = sandbox.mint_with("ci", &["--expires", "90d"]);
    let before = sandbox.show("ci");
    let new = sandbox.keyward(["rotate", "ci"]).ok().line();
    sandbox.keyward(["rotate", &text(&before, "id"), "--cancel"]).ok();
    sandbox.verdict(&new, &[], 11, "revoked");
    sandbox.verdict(&old, &["--no-record"], 0, "valid");
    assert_eq!(sandbox.show("ci"), before);
}

#[test]
fn there_is_nothing_to_cancel_without_a_rotation() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.refuses(&["rotate", "ci", "--cancel"], 4, "conflict");
    sandbox.keyward(["rotate", "ci", "--now"]).ok();
    let superseded = sandbox.verdict(&secret, &[], 11, "revoked")["subject"]["id"].clone();
    let superseded = superseded.as_str().expect("an id");
    // The old key is dead: nothing could be taken back.
    sandbox.refuses(&["rotate", superseded, "--cancel"], 4, "conflict");
}

#[test]
fn a_rotation_whose_new_key_was_revoked_can_be_cancelled_and_the_old_key_lives_on() {
    for by_new in [false, true] {
        let sandbox = Sandbox::new();
        let secret = sandbox.mint_with("ci", &["--expires", "90d"]);
        let old = sandbox.show("ci");
        let new = sandbox.keyward(["rotate", "ci", "--grace", "1h", "--out", "new.key"]).answer();
        let (old_id, new_id) = (text(&old, "id"), text(&new, "id"));
        sandbox.keyward(["revoke", &new_id, "--yes"]).ok();
        // What expires within the hour has nothing that follows it.
        let check = ["check", "--expiring-within", "2h", "--json"];
        let findings = sandbox.keyward(check).exit(18).json();
        let remedy = text(&findings["findings"][0], "remedy");
        assert_eq!(remedy, format!("keyward rotate {old_id} --cancel"));
        let named = if by_new { &new_id } else { &old_id };
        sandbox.keyward(["rotate", named, "--cancel"]).ok();
        let after = sandbox.show("ci");
        assert_eq!(after["id"], old["id"]);
        assert_eq!(after["expiresAt"], old["expiresAt"]);
        assert_eq!(after["replacedBy"], Value::Null);
        sandbox.keyward(check).ok();
        sandbox.verdict(&secret, &[], 0, "valid");
        sandbox.refuses(&["rotate", "ci", "--cancel"], 4, "conflict");
        let revoked = sandbox.events_of("key.revoke");
        assert_eq!(revoked.len(), 1, "it was revoked once");
    }
}

#[test]
fn a_key_whose_expiry_was_set_since_it_was_superseded_is_not_as_before() {
    let sandbox = Sandbox::new();
    sandbox.mint_with("ci", &["--expires", "90d"]);
    let id = sandbox.id_of("ci");
    sandbox.keyward(["rotate", "ci"]).ok();
    let new = sandbox.id_of("ci");
    sandbox.keyward(["set", &id, "--expires", "2h"]).ok();
    let expires = text(&sandbox.show(&id), "expiresAt");
    assert_eq!(
        said(&sandbox, &id),
        format!(
            "cancelled the rotation of ci: revoked {new}, which was active; {id} is active, no longer superseded, and expires at {expires}"
        )
    );
    assert_eq!(sandbox.show("ci")["expiresAt"], expires);
}
