//! `keyward rotate`: the overlap, its end and its inheritance.

use std::fs;

use serde_json::{Value, json};

use crate::support::time::{DAY, HOUR, assert_about, now};
use crate::support::{Sandbox, moment, text};

/// Rotates and returns the new key's object, its secret included.
pub fn rotate(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    sandbox.keyward(["rotate"]).args(arguments).answer()
}

#[test]
fn old_and_new_secret_overlap() {
    let (sandbox, old) = Sandbox::with_key("ci");
    let new = sandbox.keyward(["rotate", "ci"]).ok().line();
    assert_ne!(old, new);
    sandbox.verdict(&old, &[], 0, "valid");
    sandbox.verdict(&new, &[], 0, "valid");
}

#[test]
fn stdout_is_the_new_secret_alone() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let output = sandbox.keyward(["rotate", "ci", "-n"]).ok();
    sandbox.verdict(&output.stdout, &[], 0, "valid");
    assert!(!output.stderr.contains(&output.stdout), "stderr holds the secret");
}

#[test]
fn both_keys_are_linked_and_the_answer_holds_both() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let old_id = sandbox.id_of("ci");
    let new = rotate(&sandbox, &["ci"]);
    assert_eq!(new["replaces"], old_id.as_str());
    assert_eq!(new["replaced"]["id"], old_id.as_str());
    assert_eq!(new["replaced"]["replacedBy"], new["id"]);
    assert!(new["replaced"].get("key").is_none(), "the old key has a secret: {new:#}");
    assert_eq!(sandbox.show(&old_id), new["replaced"]);
    assert_eq!(sandbox.show(&text(&new, "id"))["replaces"], old_id.as_str());
}

#[test]
fn the_name_passes_to_the_new_key() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let new = rotate(&sandbox, &["ci"]);
    assert_eq!(new["name"], "ci");
    assert_eq!(sandbox.id_of("ci"), text(&new, "id"));
    // A superseded key does not hold its name, but the new one does.
    sandbox.refuses(&["mint", "ci"], 4, "name_taken");
    assert_eq!(sandbox.listed(&[]).len(), 2);
}

#[test]
fn the_old_key_ends_after_the_grace() {
    let sandbox = Sandbox::with_keys(&["by default", "by flag", "at once"]);
    let by_default = rotate(&sandbox, &["by default"]);
    assert_about(moment(&by_default["replaced"], "expiresAt"), now() + DAY);
    let by_flag = rotate(&sandbox, &["by flag", "--grace", "7d"]);
    assert_about(moment(&by_flag["replaced"], "expiresAt"), now() + 7 * DAY);
    assert_eq!(by_flag["replaced"]["status"], "active");
    assert_eq!(by_flag["expiresAt"], Value::Null);
}

#[test]
fn the_policy_sets_the_grace() {
    let sandbox = Sandbox::with_workspace("acme", &["--rotation-grace", "2h"]);
    sandbox.mint("ci");
    let new = rotate(&sandbox, &["ci"]);
    assert_about(moment(&new["replaced"], "expiresAt"), now() + 2 * HOUR);
}

#[test]
fn the_grace_never_prolongs_the_old_key() {
    let sandbox = Sandbox::new();
    sandbox.mint_with("ci", &["--expires", "1h"]);
    let before = sandbox.show("ci");
    let new = rotate(&sandbox, &["ci", "--grace", "30d"]);
    assert_eq!(new["replaced"]["expiresAt"], before["expiresAt"]);
}

#[test]
fn the_old_key_really_ends() {
    let (sandbox, old) = Sandbox::with_key("ci");
    let new = sandbox.keyward(["rotate", "ci", "--grace", "1s"]).ok().line();
    sandbox.wait_for_verdict(&old, 12);
    sandbox.verdict(&new, &[], 0, "valid");
    assert_eq!(sandbox.listed(&["--all"]), ["ci", "ci"]);
    assert_eq!(sandbox.listed(&[]), ["ci"]);
}

#[test]
fn now_and_a_grace_of_nothing_revoke_the_old_key_at_once() {
    let sandbox = Sandbox::new();
    for (name, flags) in [("now", &["--now"][..]), ("no grace", &["--grace", "0s"])] {
        let old = sandbox.mint(name);
        let new = sandbox.keyward(["rotate", name]).args(flags).answer();
        assert_eq!(new["replaced"]["status"], "revoked", "{flags:?}");
        assert_eq!(new["replaced"]["revokedReason"], "superseded", "{flags:?}");
        assert_about(moment(&new["replaced"], "revokedAt"), now());
        sandbox.verdict(&old, &[], 11, "revoked");
        sandbox.verdict(&text(&new, "key"), &[], 0, "valid");
    }
}

#[test]
fn the_new_key_inherits_everything() {
    let sandbox = Sandbox::with_workspace("customer", &["--preset", "scrapewise"]);
    let flags = [
        "--scope",
        "LLM_READ",
        "--allow",
        "203.0.113.0/24",
        "--owner",
        "platform",
        "--label",
        "team=core",
    ];
    sandbox.mint_with("agent", &flags);
    let old = sandbox.show("agent");
    let new = rotate(&sandbox, &[&text(&old, "id")]);
    for field in ["workspace", "name", "environment", "scopes", "allow", "owner", "labels"] {
        assert_eq!(new[field], old[field], "{field}");
    }
    for field in ["id", "prefix", "short"] {
        assert_ne!(new[field], old[field], "{field}");
    }
}

#[test]
fn a_lifetime_is_inherited_by_its_length() {
    let sandbox = Sandbox::new();
    sandbox.mint_with("ci", &["--expires", "90d"]);
    // As if it had been minted twenty days ago.
    sandbox.rewrite(&format!(
        "UPDATE key SET created_at = created_at - {0}, expires_at = expires_at - {0}",
        20 * DAY
    ));
    let new = rotate(&sandbox, &["ci"]);
    assert_eq!(moment(&new, "expiresAt") - moment(&new, "createdAt"), 90 * DAY);
    assert_about(moment(&new, "expiresAt"), now() + 90 * DAY);
}

#[test]
fn expires_overrides_the_inherited_lifetime() {
    let sandbox = Sandbox::new();
    sandbox.mint_with("ci", &["--expires", "90d"]);
    let new = rotate(&sandbox, &["ci", "--expires", "7d"]);
    assert_about(moment(&new, "expiresAt"), now() + 7 * DAY);
    let newest = rotate(&sandbox, &["ci", "--expires", "never"]);
    assert_eq!(newest["expiresAt"], Value::Null);
    sandbox.refuses(&["rotate", "ci", "--expires", "2001-01-01"], 5, "invalid_expiry");
}

#[test]
fn only_an_active_key_that_is_not_superseded_rotates() {
    let sandbox = Sandbox::with_keys(&["superseded", "disabled", "revoked"]);
    sandbox.mint_with("pending", &["--hold"]);
    let expired = sandbox.mint_with("expired", &["--expires", "1s"]);
    let superseded = sandbox.id_of("superseded");
    sandbox.keyward(["rotate", "superseded"]).ok();
    sandbox.keyward(["disable", "disabled"]).ok();
    sandbox.keyward(["revoke", "revoked", "--yes"]).ok();
    sandbox.wait_for_verdict(&expired, 12);
    let before = sandbox.listed(&["--all"]);
    for key in [superseded.as_str(), "disabled", "revoked", "pending", "expired"] {
        sandbox.refuses(&["rotate", key], 4, "conflict");
        sandbox.refuses(&["rotate", key, "--now"], 4, "conflict");
    }
    sandbox.refuses(&["rotate", "missing"], 3, "key_not_found");
    assert_eq!(sandbox.listed(&["--all"]), before);
}

#[test]
fn the_cap_holds_during_the_overlap_and_now_works_at_the_cap() {
    let sandbox = Sandbox::with_workspace("acme", &["--active-key-cap", "2"]);
    let old = sandbox.mint("a");
    sandbox.mint("b");
    sandbox.refuses(&["rotate", "a"], 5, "limit_reached");
    sandbox.verdict(&old, &[], 0, "valid");
    let new = sandbox.keyward(["rotate", "a", "--now"]).ok().line();
    sandbox.verdict(&old, &[], 11, "revoked");
    sandbox.verdict(&new, &[], 0, "valid");
    sandbox.refuses(&["mint", "c"], 5, "limit_reached");
}

#[test]
fn the_name_that_passes_is_the_one_the_old_key_has_then() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let held = sandbox.keyward(["rotate", "ci", "--hold"]).ok().line();
    sandbox.keyward(["rename", &sandbox.id_of("ci"), "deploy"]).ok();
    let activated = sandbox.keyward(["activate"]).stdin(held).answer();
    assert_eq!(activated["name"], "deploy");
    sandbox.mint("ci");
}

#[test]
fn a_key_can_be_rotated_again_and_again() {
    let (sandbox, first) = Sandbox::with_key("ci");
    let mut ids = vec![sandbox.id_of("ci")];
    for _ in 0..3 {
        let new = rotate(&sandbox, &["ci"]);
        assert_eq!(new["replaces"], ids.last().expect("there is one").as_str());
        ids.push(text(&new, "id"));
    }
    sandbox.verdict(&first, &[], 0, "valid");
    assert_eq!(sandbox.listed(&[]).len(), 4);
}

#[test]
fn the_new_secret_can_go_to_any_sink() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let output = sandbox.keyward(["rotate", "ci", "--out", "ci.key"]).ok();
    assert_eq!(output.stdout, "");
    sandbox.keyward(["verify", "--file", "ci.key"]).ok();
    let output = sandbox.keyward(["rotate", "ci", "--", "sh", "-c", "cat > received"]).ok();
    assert_eq!(output.stdout, "");
    let received = fs::read_to_string(sandbox.home().join("received")).expect("the command ran");
    sandbox.verdict(received.trim_end(), &[], 0, "valid");
}

#[test]
fn a_rotated_key_is_used_separately_from_the_old_one() {
    let (sandbox, old) = Sandbox::with_key("ci");
    sandbox.verdict(&old, &[], 0, "valid");
    let new = rotate(&sandbox, &["ci"]);
    assert_eq!(new["lastUsedAt"], Value::Null);
    assert_ne!(new["replaced"]["lastUsedAt"], Value::Null);
    assert_eq!(new["status"], json!("active"));
}

#[test]
fn a_person_reads_what_becomes_of_the_old_key() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.expect_transcripts(
        r#"
$ keyward rotate ci
<secret>
------- stderr -------
rotated ci in default/live
  id       <id>
  prefix   <prefix>
  expires  never
  old key  <id> expires in 24 hours
the secret is on stdout, shown only this once
[exit status: 0]
$ keyward rotate ci --cancel
------- stderr -------
cancelled the rotation of ci: revoked <id>, which was active; <id> is active, no longer superseded, and does not expire as before the rotation
[exit status: 0]
$ keyward rotate ci --now --out ci.key
------- stderr -------
rotated ci in default/live
  id       <id>
  prefix   <prefix>
  expires  never
  old key  <id> is revoked
the secret is in ci.key, shown only this once
[exit status: 0]
"#,
    );
}

#[test]
fn a_person_reads_why_nothing_was_rotated() {
    let sandbox = Sandbox::with_keys(&["ci", "dead"]);
    sandbox.keyward(["revoke", "dead", "--yes"]).ok();
    sandbox.expect_transcripts(
        r#"
$ keyward rotate dead
------- stderr -------
error: <id> is revoked: only an active key rotates
hint: `keyward mint dead -e live` mints another key
[exit status: 4]
$ keyward rotate missing
------- stderr -------
error: no key "missing" in workspace default
hint: `keyward list --all` shows every key
[exit status: 3]
$ keyward rotate ci --cancel
------- stderr -------
error: <id> is not being rotated
hint: run `keyward rotate <id>` to start a rotation
[exit status: 4]
$ keyward rotate ci -- false
------- stderr -------
error: "false" ended with exit status 1; the key is void
[exit status: 16]
"#,
    );
}
