//! When `keyward ensure` rotates, and what becomes of the old key and of the file: `--rotate-before`, `--grace` and
//! `--rotate-if-missing`.

use std::fs;

use serde_json::Value;

use crate::ensure::{assert_refused, ensure};
use crate::support::files::{Stamp, mode, set_mode};
use crate::support::time::{DAY, HOUR, assert_about, now};
use crate::support::{Sandbox, moment, text};

/// A sandbox with a key `ci` whose secret is in `F`, and that has these days left of ninety.
fn aged(days_left: i64) -> Sandbox {
    let sandbox = Sandbox::new();
    ensure(&sandbox, &["ci", "--expires", "90d", "--out", "F"]);
    age(&sandbox, 90 - days_left);
    sandbox
}

/// Makes every key of the store older by these days.
fn age(sandbox: &Sandbox, days: i64) {
    sandbox.rewrite(&format!(
        "UPDATE key SET created_at = created_at - {0}, expires_at = expires_at - {0}",
        days * DAY
    ));
}

/// What a pipeline runs.
const NIGHTLY: [&str; 7] = ["ci", "--expires", "90d", "--rotate-before", "14d", "--out", "F"];

/// Asserts that a secret is in the file and live, and that it is this key's.
#[track_caller]
fn assert_holds(sandbox: &Sandbox, file: &str, key: &Value) {
    let verdict = sandbox.verdict(&sandbox.line(file), &["--no-record"], 0, "valid");
    assert_eq!(verdict["subject"]["id"], key["id"]);
}

#[test]
fn a_key_that_is_due_is_rotated_by_one_run_and_left_alone_by_the_next() {
    let sandbox = aged(10);
    let old = sandbox.show("ci");
    let old_secret = sandbox.line("F");
    let rotated = ensure(&sandbox, &NIGHTLY);
    assert_eq!(rotated["action"], "rotated", "{rotated:#}");
    assert_eq!(rotated["changed"], true);
    assert_eq!(rotated["replaces"], old["id"]);
    assert_about(moment(&rotated, "expiresAt"), now() + 90 * DAY);
    assert_eq!(mode(sandbox.home().join("F")), 0o600);
    let before = (sandbox.store_bytes(), Stamp::of(sandbox.home().join("F")));
    let unchanged = ensure(&sandbox, &NIGHTLY);
    assert_eq!(unchanged["action"], "unchanged");
    assert_eq!(unchanged["id"], rotated["id"]);
    assert!(sandbox.store_bytes() == before.0);
    assert_eq!(Stamp::of(sandbox.home().join("F")), before.1);
    assert_holds(&sandbox, "F", &rotated);
    // The old key lives through the policy's grace, which is shorter than what it had left.
    let old = sandbox.show(&text(&old, "id"));
    assert_eq!(old["status"], "active");
    assert_eq!(old["replacedBy"], rotated["id"]);
    assert_about(moment(&old, "expiresAt"), now() + DAY);
    sandbox.verdict(&old_secret, &[], 0, "valid");
}

#[test]
fn the_old_key_lives_through_its_grace_and_not_longer() {
    for (grace, left) in [("2h", 2 * HOUR), ("13d", 10 * DAY)] {
        let sandbox = aged(10);
        let old = sandbox.id_of("ci");
        let rotated = ensure(&sandbox, &[&NIGHTLY[..], &["--grace", grace]].concat());
        assert_eq!(rotated["action"], "rotated");
        let old = sandbox.show(&old);
        assert_eq!(old["status"], "active");
        assert_about(moment(&old, "expiresAt"), now() + left);
    }
    let sandbox = aged(10);
    let old_secret = sandbox.line("F");
    ensure(&sandbox, &[&NIGHTLY[..], &["--grace", "1s"]].concat());
    sandbox.wait_for_verdict(&old_secret, 12);
    let unchanged = ensure(&sandbox, &NIGHTLY);
    assert_eq!(unchanged["action"], "unchanged");
    assert_holds(&sandbox, "F", &unchanged);
    assert_eq!(sandbox.listed(&["--all"]), ["ci", "ci"]);
}

#[test]
fn a_key_that_is_not_due_is_left_alone() {
    let sandbox = aged(15);
    let before = sandbox.store_bytes();
    assert_eq!(ensure(&sandbox, &NIGHTLY)["action"], "unchanged");
    // That it has ten days left is nobody's business without --rotate-before.
    let without = ["ci", "--expires", "90d", "--out", "F"];
    assert_eq!(ensure(&sandbox, &without)["action"], "unchanged");
    assert!(sandbox.store_bytes() == before);
    age(&sandbox, 2);
    assert_eq!(ensure(&sandbox, &without)["action"], "unchanged");
    assert_eq!(ensure(&sandbox, &NIGHTLY)["action"], "rotated");
}

#[test]
fn a_key_that_never_expires_is_never_due() {
    let sandbox = Sandbox::new();
    let forever = ["ci", "--rotate-before", "3650d", "--out", "F"];
    assert_eq!(ensure(&sandbox, &forever)["expiresAt"], Value::Null);
    let before = sandbox.store_bytes();
    assert_eq!(ensure(&sandbox, &forever)["action"], "unchanged");
    let with = [&forever[..], &["--expires", "3651d"]].concat();
    assert_eq!(ensure(&sandbox, &with)["action"], "unchanged");
    assert!(sandbox.store_bytes() == before);
}

#[test]
fn a_life_that_would_be_due_at_once_is_refused() {
    let sandbox = Sandbox::with_keys(&["other"]);
    for life in ["13d", "14d", "1s"] {
        let arguments = ["ci", "--expires", life, "--rotate-before", "14d", "--out", "F"];
        assert_refused(&sandbox, &arguments, "F", 5, "invalid_expiry");
        assert_eq!(sandbox.listed(&["--all"]), ["other"]);
    }
    // Nor does a rotation that inherits such a life begin.
    ensure(&sandbox, &["ci", "--expires", "10d", "--out", "F"]);
    let arguments = ["ci", "--rotate-before", "14d", "--out", "F"];
    assert_refused(&sandbox, &arguments, "F", 5, "invalid_expiry");
    let longer = [&arguments[..], &["--expires", "15d"]].concat();
    assert_eq!(ensure(&sandbox, &longer)["action"], "rotated");
}

#[test]
fn what_is_given_with_a_rotation_is_the_new_keys_alone() {
    let sandbox = aged(10);
    let old = sandbox.id_of("ci");
    let flags = ["--owner", "platform", "--label", "team=core"];
    let rotated = ensure(&sandbox, &[&NIGHTLY[..], &flags].concat());
    assert_eq!(rotated["action"], "rotated");
    assert_eq!(rotated["owner"], "platform");
    assert_eq!(rotated["labels"]["team"], "core");
    assert_eq!(sandbox.show(&old)["owner"], Value::Null);
}

#[test]
fn a_secret_that_is_missing_is_replaced_when_told() {
    for content in [None, Some(""), Some("foreign\n"), Some("dead"), Some("other")] {
        let sandbox = Sandbox::new();
        ensure(&sandbox, &["ci", "--out", "F"]);
        let old = (sandbox.id_of("ci"), sandbox.line("F"));
        let dead = sandbox.mint("dead");
        sandbox.keyward(["revoke", "dead", "--yes"]).ok();
        let path = sandbox.home().join("F");
        match content {
            None => fs::remove_file(&path).expect("it is there"),
            Some("dead") => fs::write(&path, dead).expect("it can be written"),
            Some("other") => fs::write(&path, sandbox.mint("other")).expect("it can be written"),
            Some(text) => fs::write(&path, text).expect("it can be written"),
        }
        if content.is_some() {
            // Others had access to what was there; they must not have it to the secret.
            set_mode(&path, 0o644);
        }
        let arguments = ["ci", "--out", "F", "--rotate-if-missing"];
        let rotated = ensure(&sandbox, &arguments);
        assert_eq!(rotated["action"], "rotated", "{content:?}");
        assert_eq!(rotated["replaces"], old.0.as_str());
        assert_holds(&sandbox, "F", &rotated);
        assert_eq!(mode(&path), 0o600, "{content:?}");
        sandbox.verdict(&old.1, &["--no-record"], 0, "valid");
        assert_about(moment(&sandbox.show(&old.0), "expiresAt"), now() + DAY);
        let before = sandbox.store_bytes();
        assert_eq!(ensure(&sandbox, &arguments)["action"], "unchanged");
        assert!(sandbox.store_bytes() == before, "{content:?}");
    }
}

#[test]
fn a_file_that_held_the_secret_keeps_its_mode_unless_everybody_could_read_it() {
    for (before, after) in [(0o640, 0o640), (0o400, 0o400), (0o644, 0o600), (0o606, 0o600)] {
        let sandbox = aged(10);
        let path = sandbox.home().join("F");
        set_mode(&path, before);
        let rotated = ensure(&sandbox, &NIGHTLY);
        assert_eq!(rotated["action"], "rotated");
        assert_eq!(mode(&path), after, "{before:o}");
        assert_holds(&sandbox, "F", &rotated);
    }
}

#[test]
fn a_variable_is_replaced_and_every_other_byte_of_its_file_kept() {
    let sandbox = Sandbox::new();
    let arguments = ["ci", "--dotenv", ".env", "--var", "KEY"];
    let rotating = [&arguments[..], &["--expires", "90d", "--rotate-before", "14d"]].concat();
    ensure(&sandbox, &rotating);
    let path = sandbox.home().join(".env");
    let mut secret = sandbox.text(".env").trim()["KEY=".len()..].to_owned();
    let forms: [fn(&str) -> String; 3] = [
        |secret| format!("A='1'\nKEY={secret}\n\n# note\nB=\"two\nlines\"\n"),
        |secret| format!("A=1\r\nexport KEY=\"{secret}\" # ours\r\nMY_KEY=x\r\n"),
        |secret| format!("KEY={secret}\nA=\u{ff}\nexport KEY='{secret}'"),
    ];
    for form in forms {
        fs::write(&path, form(&secret)).expect("it can be written");
        set_mode(&path, 0o640);
        age(&sandbox, 80);
        let rotated = ensure(&sandbox, &rotating);
        assert_eq!(rotated["action"], "rotated");
        let text = sandbox.text(".env");
        let at = text.find("KEY=").expect("the variable is set") + "KEY=".len();
        let new: String = text[at..]
            .chars()
            .take_while(|character| character.is_ascii_alphanumeric() || *character == '_')
            .collect();
        assert_ne!(new, secret);
        // Quotes go with the old value, and the CR of its line; nothing else does.
        assert_eq!(
            text,
            form(&new)
                .replace(&format!("\"{new}\""), &new)
                .replace(&format!("'{new}'"), &new)
                .replace("# ours\r", "# ours")
        );
        assert_eq!(mode(&path), 0o640);
        let verdict = sandbox.verdict(&new, &["--no-record"], 0, "valid");
        assert_eq!(verdict["subject"]["id"], rotated["id"]);
        assert_eq!(ensure(&sandbox, &rotating)["action"], "unchanged");
        secret = new;
    }
    fs::write(&path, "A=1\nKEY=foreign\n").expect("it can be written");
    let mended = ensure(&sandbox, &[&arguments[..], &["--rotate-if-missing"]].concat());
    assert_eq!(mended["action"], "rotated");
    let text = sandbox.text(".env");
    let new = text.strip_prefix("A=1\nKEY=").expect("the rest is kept");
    sandbox.verdict(new.trim_end(), &[], 0, "valid");
}

#[test]
fn a_rotation_that_does_not_fit_the_cap_leaves_everything_as_it_was() {
    let sandbox = Sandbox::with_workspace("acme", &["--active-key-cap", "2"]);
    ensure(&sandbox, &["ci", "--expires", "90d", "--out", "F"]);
    sandbox.mint("other");
    age(&sandbox, 80);
    let (old, old_secret) = (sandbox.show("ci"), sandbox.line("F"));
    assert_refused(&sandbox, &NIGHTLY, "F", 5, "limit_reached");
    assert_eq!(sandbox.show("ci"), old);
    assert_refused(&sandbox, &["new", "--out", "G"], "G", 5, "limit_reached");
    let rotated = ensure(&sandbox, &[&NIGHTLY[..], &["--grace", "0s"]].concat());
    assert_eq!(rotated["action"], "rotated");
    assert_holds(&sandbox, "F", &rotated);
    sandbox.verdict(&old_secret, &[], 11, "revoked");
    assert_eq!(ensure(&sandbox, &NIGHTLY)["action"], "unchanged");
}

#[test]
fn a_rotation_whose_delivery_fails_leaves_the_old_key_as_it_was() {
    let sandbox = aged(10);
    let (old, secret) = (sandbox.show("ci"), sandbox.line("F"));
    let rotating = ["ci", "--expires", "90d", "--rotate-before", "14d"];
    let run = |script: &[&str]| sandbox.keyward(["ensure"]).args(rotating).args(script);
    run(&["--", "false"]).refused(16, "delivery_failed");
    run(&["--", "./missing"]).refused(16, "delivery_failed");
    assert_eq!(sandbox.show("ci"), old);
    assert_eq!(sandbox.listed(&["--status", "pending"]), [""; 0]);
    sandbox.verdict(&secret, &["--no-record"], 0, "valid");
    let rotated = run(&["--", "sh", "-c", "cat >received"]).answer();
    assert_eq!(rotated["action"], "rotated");
    assert_holds(&sandbox, "received", &rotated);
}

#[test]
fn somebody_elses_unfinished_rotation_is_not_touched() {
    let sandbox = aged(10);
    let old_secret = sandbox.line("F");
    let held = sandbox.keyward(["rotate", "ci", "--hold"]).ok().line();
    assert_refused(&sandbox, &NIGHTLY, "F", 4, "conflict");
    sandbox.verdict(&held, &["--no-record"], 13, "pending");
    // Nor if its secret has been put into the file: its holder finishes it, and then all is as it should be.
    sandbox.file("F", &held);
    assert_refused(&sandbox, &NIGHTLY, "F", 4, "secret_missing");
    sandbox.verdict(&old_secret, &["--no-record"], 0, "valid");
    sandbox.keyward(["activate"]).stdin(&held).ok();
    let settled = ensure(&sandbox, &["ci", "--out", "F"]);
    assert_eq!(settled["action"], "unchanged");
    assert_holds(&sandbox, "F", &settled);
    assert_eq!(sandbox.listed(&["--all"]), ["ci", "ci"]);
}
