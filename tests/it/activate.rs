//! `keyward activate`: a held key becomes live by presenting its secret.

use serde_json::Value;

use crate::support::time::{DAY, HOUR};
use crate::support::{Sandbox, text, token};

#[test]
fn a_held_key_is_activated_by_its_secret() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint_with("ci", &["--hold"]);
    let key = sandbox.keyward(["activate"]).stdin(format!("{secret}\n")).answer();
    assert_eq!(key["name"], "ci");
    assert_eq!(key["status"], "active");
    assert!(key.get("key").is_none(), "the answer repeats the secret");
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn a_secret_may_come_from_a_file_or_a_variable() {
    let sandbox = Sandbox::new();
    let first = sandbox.mint_with("first", &["--hold"]);
    let second = sandbox.mint_with("second", &["--hold"]);
    let path = sandbox.file("first.key", &format!("{first}\n"));
    sandbox.keyward(["activate", "--file"]).args([path]).ok();
    sandbox.keyward(["activate", "--env", "ACME_KEY"]).env("ACME_KEY", &second).ok();
    sandbox.verdict(&first, &[], 0, "valid");
    sandbox.verdict(&second, &[], 0, "valid");
}

#[test]
fn activating_an_active_key_changes_nothing() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let before = sandbox.head();
    let key = sandbox.keyward(["activate"]).stdin(&secret).answer();
    assert_eq!(key["status"], "active");
    assert_eq!(sandbox.head(), before);
}

#[test]
fn the_way_out_names_the_workspace_where_there_are_several() {
    let sandbox = Sandbox::new();
    for name in ["acme", "shop"] {
        sandbox.workspace(name, &[]);
    }
    let hint = |secret: &str| {
        let error = sandbox.keyward(["activate"]).stdin(secret);
        text(&error.refused(4, "conflict"), "hint")
    };
    let secret = sandbox.mint_with("ci", &["-w", "shop"]);
    let id = text(&sandbox.keyward(["show", "ci", "-w", "shop"]).answer(), "id");
    let rotate = sandbox.keyward(["rotate", "ci", "-w", "shop", "--hold"]);
    let held = rotate.ok().line();
    let _ = sandbox.keyward(["disable", &id, "-w", "shop"]).ok();
    assert_eq!(hint(&secret), format!("keyward enable {id} -w shop"));
    assert_eq!(hint(&held), format!("keyward enable {id} -w shop"));
}

#[test]
fn only_a_known_secret_activates() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint_with("ci", &["--hold"]);
    sandbox.keyward(["activate"]).stdin(token::well_formed()).refused(10, "not_found");
    sandbox.keyward(["activate"]).stdin(token::with_typo(&secret, 30)).refused(10, "malformed");
    sandbox.keyward(["activate"]).stdin("").refused(10, "malformed");
    assert_eq!(sandbox.show("ci")["status"], "pending");
}

#[test]
fn a_revoked_key_is_not_activated() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint_with("ci", &["--hold"]);
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    sandbox.keyward(["activate"]).stdin(&secret).refused(11, "revoked");
    sandbox.verdict(&secret, &[], 11, "revoked");
}

#[test]
fn a_pending_key_voids_itself_after_a_day() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint_with("ci", &["--hold"]);
    sandbox.rewrite(&format!("UPDATE key SET created_at = created_at - {}", DAY - HOUR));
    assert_eq!(sandbox.show("ci")["status"], "pending");
    sandbox.rewrite(&format!("UPDATE key SET created_at = created_at - {}", 2 * HOUR));
    let key = sandbox.show("ci");
    assert_eq!((&key["status"], &key["revokedReason"]), (&"revoked".into(), &"undelivered".into()));
    sandbox.verdict(&secret, &[], 11, "revoked");
    sandbox.keyward(["activate"]).stdin(&secret).refused(11, "revoked");
    // Its name is free again.
    sandbox.mint("ci");
}

#[test]
fn a_secret_from_nowhere_is_a_usage_error() {
    let sandbox = Sandbox::new();
    sandbox.mint_with("ci", &["--hold"]);
    sandbox.refuses(&["activate", "--file", "missing.key"], 2, "usage");
    sandbox.refuses(&["activate", "--env", "ACME_KEY"], 2, "usage");
    assert_eq!(sandbox.show("ci")["lastUsedAt"], Value::Null);
}
