//! `keyward rotate --hold`: the time between a replacement's delivery and its activation, and what may happen in it.

use serde_json::Value;

use crate::rotate::rotate;
use crate::support::time::{DAY, HOUR, assert_about, now};
use crate::support::{Sandbox, moment, text};

/// Rotates the key, held, and returns the new secret.
fn hold(sandbox: &Sandbox, key: &str, flags: &[&str]) -> String {
    let arguments = [&["rotate", key, "--hold"], flags].concat();
    sandbox.keyward(arguments).ok().line()
}

fn activate(sandbox: &Sandbox, secret: &str) {
    sandbox.keyward(["activate"]).stdin(secret).ok();
}

#[test]
fn a_held_replacement_counts_against_the_cap_even_with_now() {
    let sandbox = Sandbox::with_workspace("small", &["--cap", "1"]);
    let old = sandbox.mint("ci");
    sandbox.refuses(&["rotate", "ci", "--now", "--hold"], 5, "limit_reached");
    sandbox.verdict(&old, &[], 0, "valid");
    sandbox.keyward(["rotate", "ci", "--now"]).ok();
    assert_eq!(sandbox.listed(&[]), ["ci"]);
}

#[test]
fn a_held_rotation_can_be_cancelled_when_the_old_key_is_dead() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let old = sandbox.id_of("ci");
    let new = hold(&sandbox, "ci", &[]);
    sandbox.keyward(["revoke", &old, "--yes"]).ok();
    sandbox.keyward(["rotate", &old, "--cancel"]).ok();
    sandbox.verdict(&new, &[], 11, "revoked");
    sandbox.mint("ci");
}

#[test]
fn renaming_the_old_key_renames_the_replacement_that_waits() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let old = sandbox.id_of("ci");
    let new = hold(&sandbox, "ci", &[]);
    sandbox.keyward(["rename", "ci", "deploy"]).ok();
    let pending = sandbox.verdict(&new, &[], 13, "pending");
    assert_eq!(pending["subject"]["name"], "deploy");
    // The name that was left is free, the new one is not, whatever becomes of the old key.
    sandbox.mint("ci");
    sandbox.keyward(["revoke", &old, "--yes"]).ok();
    sandbox.refuses(&["mint", "deploy"], 4, "name_taken");
    activate(&sandbox, &new);
    assert_eq!(sandbox.show("deploy")["status"], "active");
    assert_eq!(sandbox.listed(&["--status", "active"]).len(), 2);
}

#[test]
fn a_replacement_that_waits_cannot_be_renamed_away() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let new = hold(&sandbox, "ci", &[]);
    let pending = sandbox.verdict(&new, &[], 13, "pending");
    let id = text(&pending["subject"], "id");
    sandbox.refuses(&["rename", &id, "other"], 4, "conflict");
}

#[test]
fn a_paused_key_is_not_replaced_behind_its_pause() {
    let (sandbox, old) = Sandbox::with_key("ci");
    let new = hold(&sandbox, "ci", &[]);
    sandbox.keyward(["disable", "ci"]).ok();
    sandbox.keyward(["--json", "activate"]).stdin(&new).run().error();
    sandbox.verdict(&new, &[], 13, "pending");
    sandbox.keyward(["enable", "ci"]).ok();
    activate(&sandbox, &new);
    sandbox.verdict(&new, &[], 0, "valid");
    sandbox.verdict(&old, &[], 0, "valid");
}

#[test]
fn cancelling_keeps_a_life_that_was_shortened_on_purpose() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let old = sandbox.id_of("ci");
    sandbox.keyward(["rotate", "ci"]).ok();
    sandbox.keyward(["set", &old, "--expires", "5m"]).ok();
    let shortened = sandbox.show(&old)["expiresAt"].clone();
    sandbox.keyward(["rotate", &old, "--cancel"]).ok();
    assert_ne!(shortened, Value::Null);
    assert_eq!(sandbox.show(&old)["expiresAt"], shortened);
}

#[test]
fn a_held_secret_is_activated_in_its_own_workspace_alone() {
    let sandbox = Sandbox::with_workspace("one", &[]);
    sandbox.workspace("two", &[]);
    let secret = sandbox.mint_with("ci", &["-w", "two", "--hold"]);
    let activate = |workspace: &str| {
        let arguments = ["--json", "activate", "-w", workspace];
        sandbox.keyward(arguments).stdin(&secret).run()
    };
    assert_eq!(activate("one").error()["code"], "not_found");
    assert_eq!(activate("none").error()["code"], "workspace_not_found");
    assert_eq!(activate("two").json()["status"], "active");
}

#[test]
fn with_hold_the_grace_begins_at_activation() {
    let (sandbox, old) = Sandbox::with_key("ci");
    let old_id = sandbox.id_of("ci");
    let new = sandbox.keyward(["rotate", "ci", "--hold", "--grace", "2h"]).ok().line();
    sandbox.verdict(&new, &[], 13, "pending");
    sandbox.verdict(&old, &[], 0, "valid");
    assert_eq!(sandbox.show(&old_id)["expiresAt"], Value::Null);
    assert_eq!(sandbox.show(&old_id)["status"], "active");
    assert_eq!(sandbox.id_of("ci"), old_id, "the name has passed before the activation");
    let activated = sandbox.keyward(["activate"]).stdin(&new).answer();
    assert_eq!(activated["replaces"], old_id.as_str());
    assert_about(moment(&sandbox.show(&old_id), "expiresAt"), now() + 2 * HOUR);
    assert_eq!(sandbox.id_of("ci"), text(&activated, "id"));
    sandbox.verdict(&new, &[], 0, "valid");
}

#[test]
fn a_held_rotation_with_now_revokes_the_old_key_at_activation() {
    let (sandbox, old) = Sandbox::with_key("ci");
    let new = sandbox.keyward(["rotate", "ci", "--hold", "--now"]).ok().line();
    sandbox.verdict(&old, &[], 0, "valid");
    sandbox.keyward(["activate"]).stdin(&new).ok();
    sandbox.verdict(&old, &[], 11, "revoked");
}

#[test]
fn a_held_rotation_ends_with_its_new_key_and_can_be_begun_again() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let held = rotate(&sandbox, &["ci", "--hold"]);
    sandbox.keyward(["revoke", &text(&held, "id"), "--yes"]).ok();
    let held = rotate(&sandbox, &["ci", "--hold"]);
    // As if its holder had not come for more than a day.
    let id = text(&held, "id");
    sandbox.rewrite(&format!(
        "UPDATE key SET created_at = created_at - {} WHERE id = '{id}'",
        2 * DAY
    ));
    sandbox.keyward(["rotate", "ci"]).ok();
    sandbox.keyward(["activate"]).stdin(text(&held, "key")).refused(11, "revoked");
}

#[test]
fn a_pending_replacement_keeps_the_name_when_the_old_key_dies() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let old = sandbox.id_of("ci");
    let held = sandbox.keyward(["rotate", "ci", "--hold"]).ok().line();
    sandbox.keyward(["revoke", &old, "--yes"]).ok();
    sandbox.refuses(&["mint", "ci"], 4, "name_taken");
    sandbox.keyward(["activate"]).stdin(&held).ok();
    assert_eq!(sandbox.verdict(&held, &[], 0, "valid")["subject"]["name"], "ci");
}
