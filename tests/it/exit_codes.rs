//! Every exit status that can be reached, with its code word.
//!
//! Status 1 needs a fault of keyward itself, 17 a failure that cannot be brought about here, and 130 a terminal; 15 is among
//! the limits of `verify`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Invocation, Sandbox, token};

/// What every row of the tables starts from: a workspace `default` with keys `ci` (live and test) and `held`, and
/// `full`, which can take no key.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_workspace(
        "default",
        &["--maximum-lifetime", "1y", "--default-lifetime", "1d"],
    );
    sandbox.mint("ci");
    sandbox.mint("lone");
    sandbox.mint_with("ci", &["-e", "test"]);
    sandbox.mint_with("held", &["--hold"]);
    sandbox.workspace("full", &["--active-key-cap", "1"]);
    sandbox.mint_with("only", &["-w", "full"]);
    sandbox.keyward(["workspace", "use", "default"]).ok();
    sandbox.file("taken.key", "");
    sandbox.file("unreadable.toml", "token = ");
    sandbox.file("unknown.toml", "[key]\n");
    let secret = sandbox.mint("used");
    sandbox.verdict(&secret, &[], 0, "valid");
    sandbox
}

#[test]
fn every_refusal_has_its_exit_status_and_code_word() {
    let sandbox = sandbox();
    let rows: [(i32, &str, &[&str]); 41] = [
        (2, "usage", &["unheard-of"]),
        (2, "usage", &["mint"]),
        (2, "usage", &["mint", "new", "--unheard-of"]),
        (2, "usage", &["mint", "new", "--expires", "soonish"]),
        (2, "usage", &["mint", "new", "--github-env", "ACME_KEY"]),
        (2, "usage", &["set", "lone"]),
        (2, "usage", &["revoke", "lone"]),
        (2, "usage", &["list", "--status", "gone"]),
        (2, "usage", &["verify", "--file", "missing.key"]),
        (2, "usage", &["--as", "missing.key", "whoami"]),
        (2, "usage", &["store", "restore", "taken.key"]),
        (2, "usage", &["store", "restore", "missing.db", "--yes"]),
        (2, "usage", &["store", "import", "unreadable.toml"]),
        (2, "usage", &["audit", "verify", "--against", "1"]),
        (2, "invalid_name", &["mint", " new"]),
        (2, "invalid_name", &["rename", "lone", ""]),
        (2, "invalid_name", &["workspace", "create", "a\u{202e}b"]),
        (2, "invalid_policy", &["workspace", "create", "new", "--policy", "unreadable.toml"]),
        (2, "invalid_policy", &["workspace", "set", "default", "--token", "{prefix}"]),
        (2, "invalid_manifest", &["apply", "unknown.toml"]),
        (3, "key_not_found", &["show", "missing"]),
        (3, "key_not_found", &["revoke", "missing", "--yes"]),
        (3, "workspace_not_found", &["list", "-w", "missing"]),
        (3, "workspace_not_found", &["workspace", "show", "missing"]),
        (3, "store_not_found", &["list", "--store", "missing.db"]),
        (4, "conflict", &["store", "backup", "taken.key"]),
        (4, "name_taken", &["mint", "ci"]),
        (4, "name_taken", &["workspace", "create", "full"]),
        (4, "ambiguous", &["show", "ci"]),
        (4, "conflict", &["rotate", "held"]),
        (4, "conflict", &["workspace", "delete", "full", "--yes"]),
        (4, "secret_missing", &["ensure", "lone", "--out", "missing.key"]),
        (5, "in_use", &["revoke", "used", "--if-unused-for", "1d", "--yes"]),
        (5, "limit_reached", &["mint", "more", "-w", "full"]),
        (5, "invalid_scope", &["mint", "new", "--scope", "admin"]),
        (5, "invalid_environment", &["mint", "new", "-e", "staging"]),
        (5, "invalid_expiry", &["mint", "new", "--expires", "2y"]),
        (5, "invalid_expiry", &["mint", "new", "--expires", "2001-01-01"]),
        (9, "damaged", &["store", "restore", "taken.key", "--yes"]),
        (16, "delivery_failed", &["mint", "new", "--out", "taken.key"]),
        (16, "delivery_failed", &["mint", "newer", "--", "false"]),
    ];
    for (exit, code, arguments) in rows {
        let error = sandbox.keyward(arguments).refused(exit, code);
        assert!(
            error["message"].as_str().is_some_and(|message| !message.is_empty()),
            "{arguments:?}: {error:#}"
        );
    }
}

#[test]
fn a_refusal_has_the_same_exit_status_without_json() {
    let sandbox = sandbox();
    let rows: [(i32, &[&str]); 6] = [
        (2, &["mint"]),
        (2, &["revoke", "lone"]),
        (3, &["show", "missing"]),
        (4, &["mint", "ci"]),
        (5, &["mint", "more", "-w", "full"]),
        (16, &["mint", "new", "--out", "taken.key"]),
    ];
    for (exit, arguments) in rows {
        let output = sandbox.keyward(arguments).exit(exit);
        assert_eq!(output.stdout, "", "{arguments:?}");
        assert!(output.stderr.starts_with("error: "), "{}", output.transcript());
    }
}

#[test]
fn a_gate_that_finds_something_answers_and_is_18() {
    let sandbox = sandbox();
    sandbox.file("more.toml", "[workspace.more]\n");
    for (arguments, list) in [
        (&["check", "--never-used"][..], "findings"),
        (&["apply", "more.toml", "--check"], "workspaces"),
    ] {
        let output = sandbox.keyward(["--json"]).args(arguments).exit(18);
        let found = output.json()[list].as_array().map(Vec::len);
        assert!(found.is_some_and(|found| found > 0), "{arguments:?}");
        assert_eq!(output.stderr, "", "{arguments:?}");
    }
    sandbox.keyward(["check", "--older-than", "90d"]).ok();
}

#[test]
fn every_verdict_has_its_exit_status() {
    let sandbox = sandbox();
    let live = sandbox.mint_with("fenced", &["--allow", "203.0.113.0/24"]);
    let [expired, pending, disabled, revoked] = sandbox.mint_refused(&[]);
    let unknown = token::well_formed();
    let rows: [(i32, &str, &str, &[&str]); 10] = [
        (0, "valid", &live, &["--ip", "203.0.113.1"]),
        (10, "malformed", "not a secret", &[]),
        (10, "not_found", &unknown, &[]),
        (11, "revoked", &revoked, &[]),
        (12, "expired", &expired, &[]),
        (13, "pending", &pending, &[]),
        (13, "disabled", &disabled, &[]),
        (14, "wrong_environment", &live, &["-e", "test"]),
        (14, "ip_denied", &live, &["--ip", "198.51.100.1"]),
        (14, "insufficient_scope", &live, &["--ip", "203.0.113.1", "--require", "admin"]),
    ];
    for (exit, code, secret, flags) in rows {
        sandbox.verdict(secret, flags, exit, code);
    }
}

#[test]
fn a_caller_whose_scope_does_not_allow_it_is_5() {
    let sandbox = sandbox();
    let secret = sandbox.mint("caller");
    sandbox.keyward(["--as", "-", "list"]).stdin(secret).refused(5, "scope_rejected");
}

#[test]
fn a_store_that_stays_locked_is_6() {
    let sandbox = sandbox();
    let connection = sandbox.sqlite();
    connection.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
    sandbox.refuses(&["mint", "new", "--wait", "1s"], 6, "busy");
    connection.execute_batch("ROLLBACK").expect("the transaction is open");
    connection.close().expect("the store can be closed");
    sandbox.mint("new");
}

#[test]
fn an_answer_that_cannot_be_written_is_7() {
    let sandbox = sandbox();
    let full =
        || fs::File::options().write(true).open("/dev/full").expect("this system has /dev/full");
    let output = sandbox.keyward(["list", "--json"]).stdout(full()).exit(7);
    assert_eq!(output.error()["code"], "io");
    let output = sandbox.keyward(["show", "lone", "--json"]).stdout(full()).exit(7);
    assert_eq!(output.error()["code"], "io");
}

#[test]
fn a_store_that_others_can_read_is_8() {
    let sandbox = sandbox();
    fs::set_permissions(sandbox.store_path(), fs::Permissions::from_mode(0o644)).expect("own file");
    let error = sandbox.keyward(["list"]).refused(8, "permissions");
    assert!(error.to_string().contains("chmod"), "the error does not say what to do: {error:#}");
    sandbox.keyward(["verify"]).stdin(token::well_formed()).refused(8, "permissions");
}

/// Runs a reading and a writing command, and `verify`.
fn each_kind(sandbox: &Sandbox) -> [Invocation; 3] {
    [
        sandbox.keyward(["list"]),
        sandbox.keyward(["mint", "new"]),
        sandbox.keyward(["verify"]).stdin(token::well_formed()),
    ]
}

#[test]
fn a_store_that_is_no_store_is_9() {
    let sandbox = sandbox();
    sandbox.tamper("PRAGMA user_version = 9999");
    for run in each_kind(&sandbox) {
        run.refused(9, "newer_store");
    }
    sandbox.tamper("PRAGMA user_version = 1; PRAGMA application_id = 1");
    for run in each_kind(&sandbox) {
        run.refused(9, "foreign");
    }
    let mut options = fs::File::options();
    let emptied = options.write(true).truncate(true).open(sandbox.store_path());
    drop(emptied.expect("own file"));
    for run in each_kind(&sandbox) {
        run.refused(9, "damaged");
    }
    assert_eq!(
        fs::metadata(sandbox.store_path()).expect("it is there").len(),
        0,
        "the file was written"
    );
}

#[test]
fn help_and_version_are_answers() {
    let sandbox = Sandbox::new();
    for arguments in [&["--help"][..], &["mint", "--help"], &["--version"]] {
        let output = sandbox.keyward(arguments).ok();
        assert!(output.stdout.contains("keyward"), "{}", output.transcript());
        assert_eq!(output.stderr, "");
    }
    let output = sandbox.keyward([""; 0]).exit(2);
    assert_eq!(output.stdout, "");
    assert!(output.stderr.contains("mint"), "no help on stderr:\n{}", output.stderr);
}
