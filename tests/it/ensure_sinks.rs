//! What `keyward ensure` makes of what it finds in its sink, and of sinks that fail.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::ensure::{assert_refused, ensure};
use crate::support::Sandbox;
use crate::support::files::{Stamp, mode, names_in};

#[test]
fn a_secret_that_is_not_in_its_file_is_missing() {
    let (sandbox, superseded) = Sandbox::with_key("ci");
    sandbox.keyward(["rotate", "ci", "--out", "F"]).ok();
    let secret = sandbox.line("F");
    let other = sandbox.mint("other");
    let dead = sandbox.mint("dead");
    sandbox.keyward(["revoke", "dead", "--yes"]).ok();
    let altered = format!("{secret}x");
    let twice = format!("{secret}\n{secret}\n");
    for content in ["", "foreign\n", &altered, &twice, &other, &dead, &superseded] {
        sandbox.file("F", content);
        assert_refused(&sandbox, &["ci", "--out", "F"], "F", 4, "secret_missing");
    }
    fs::remove_file(sandbox.home().join("F")).expect("it is there");
    let arguments = ["ci", "--owner", "x", "--out", "F"];
    assert_refused(&sandbox, &arguments, "F", 4, "secret_missing");
    sandbox.file("F", &secret);
    assert_eq!(ensure(&sandbox, &["ci", "--out", "F"])["action"], "unchanged");
}

#[test]
fn a_secret_that_is_not_in_its_variable_is_missing() {
    let sandbox = Sandbox::new();
    let arguments = ["ci", "--dotenv", ".env", "--var", "KEY"];
    assert_eq!(ensure(&sandbox, &arguments)["action"], "created");
    let set = sandbox.text(".env");
    let other = sandbox.mint("other");
    let missing = |content: &str| {
        sandbox.file(".env", content);
        assert_refused(&sandbox, &arguments, ".env", 4, "secret_missing");
    };
    missing("");
    missing("# KEY\nA=1\n");
    missing("KEY=\n");
    missing(&format!("KEY={other}\n"));
    missing(&set.replace("KEY=", "OTHER_KEY="));
    // Some readers take the first of several and some the last.
    missing(&format!("{set}KEY={other}\n"));
    fs::remove_file(sandbox.home().join(".env")).expect("it is there");
    assert_refused(&sandbox, &arguments, ".env", 4, "secret_missing");
}

#[test]
fn a_variable_is_recognised_however_its_file_is_written() {
    let sandbox = Sandbox::new();
    let arguments = ["ci", "--dotenv", ".env", "--var", "KEY"];
    sandbox.file(".env", "A='1'\n# note\nexport B=2");
    ensure(&sandbox, &arguments);
    let text = sandbox.text(".env");
    let (others, line) = text.split_once("\nKEY=").expect("the variable was added");
    assert_eq!(others, "A='1'\n# note\nexport B=2");
    let secret = line.trim_end();
    let before = sandbox.store_bytes();
    for content in [
        format!("KEY=\"{secret}\"\n"),
        format!("KEY='{secret}' # ours\nA=1\n"),
        format!("export KEY={secret}\n"),
        format!("A=1\r\n  export KEY = \"{secret}\"\r\nB=2\r\n"),
        format!("KEY={secret}"),
        format!("KEY={secret}\nKEY=\"{secret}\"\n"),
    ] {
        let stamp = Stamp::of(sandbox.file(".env", &content));
        assert_eq!(ensure(&sandbox, &arguments)["action"], "unchanged", "{content:?}");
        assert_eq!(Stamp::of(sandbox.home().join(".env")), stamp);
    }
    assert!(sandbox.store_bytes() == before);
}

#[test]
fn a_foreign_file_where_a_new_key_belongs_is_replaced_only_when_told() {
    let (sandbox, living) = Sandbox::with_key("living");
    ensure(&sandbox, &["ci", "--out", "F"]);
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    for name in ["ci", "never-there"] {
        for content in ["precious\n", ""] {
            sandbox.file("F", content);
            assert_refused(&sandbox, &[name, "--out", "F"], "F", 16, "delivery_failed");
        }
        sandbox.file("F", &living);
        assert_refused(&sandbox, &[name, "--out", "F"], "F", 4, "conflict");
        let dotenv = sandbox.file(".env", &format!("KEY={living}\n"));
        let before = fs::read(&dotenv).expect("it is there");
        let run = sandbox.keyward(["ensure", name, "--dotenv", ".env", "--var", "KEY"]);
        run.refused(4, "conflict");
        assert_eq!(fs::read(&dotenv).expect("it is there"), before);
    }
    // Nor where there is a store and no workspace yet.
    let empty = Sandbox::new();
    empty.workspace("default", &[]);
    empty.keyward(["workspace", "delete", "default", "--yes"]).ok();
    empty.file("F", "precious\n");
    assert_refused(&empty, &["ci", "--out", "F"], "F", 16, "delivery_failed");
    let created = ensure(&sandbox, &["ci", "--rotate-if-missing", "--out", "F"]);
    assert_eq!(created["action"], "created");
    sandbox.verdict(&sandbox.line("F"), &[], 0, "valid");
    assert_eq!(mode(sandbox.home().join("F")), 0o600);
}

#[test]
fn a_key_whose_delivery_failed_is_created_by_the_next_run() {
    let sandbox = Sandbox::new();
    sandbox.refuses(&["ensure", "ci", "--", "false"], 16, "delivery_failed");
    let keys = sandbox.keyward(["list", "--all"]).answer();
    assert_eq!(keys["keys"][0]["status"], "revoked", "{keys:#}");
    assert_eq!(keys["keys"][0]["revokedReason"], "undelivered", "{keys:#}");
    let created = ensure(&sandbox, &["ci", "--", "sh", "-c", "cat >received"]);
    assert_eq!(created["action"], "created");
    let verdict = sandbox.verdict(&sandbox.line("received"), &[], 0, "valid");
    assert_eq!(verdict["subject"]["id"], created["id"]);
    assert_eq!(sandbox.listed(&["--status", "pending"]), [""; 0]);
}

#[test]
fn a_command_that_is_not_needed_is_not_run() {
    let sandbox = Sandbox::new();
    let script = ["ci", "--", "sh", "-c", "cat >>received; echo ran >>runs"];
    assert_eq!(ensure(&sandbox, &script)["action"], "created");
    let before = sandbox.store_bytes();
    let output = sandbox.keyward(["ensure"]).args(script).ok();
    assert_eq!(output.stdout, "");
    assert!(output.stderr.starts_with("ci was delivered before"), "{}", output.stderr);
    // A command that has the secret needs no warning, so that cron has nothing to mail.
    for flags in [&["--json"][..], &["--quiet"]] {
        let answer = sandbox.keyward(flags).args(["ensure"]).args(script).ok();
        assert_eq!(answer.stderr, "", "{flags:?}");
    }
    assert_eq!(sandbox.text("runs"), "ran\n");
    assert!(sandbox.store_bytes() == before);
}

#[test]
fn a_first_run_that_cannot_deliver_makes_no_store() {
    let sandbox = Sandbox::new();
    sandbox.file("taken", "precious\n");
    symlink("taken", sandbox.home().join("link")).expect("a link can be made");
    symlink("nowhere", sandbox.home().join("dangling")).expect("a link can be made");
    for (arguments, exit) in [
        (&["--out", "missing/F"][..], 16),
        (&["--out", "taken"], 16),
        (&["--out", "link"], 16),
        (&["--out", "dangling"], 16),
        (&["--rotate-if-missing", "--out", "link"], 16),
        (&["--dotenv", "link", "--var", "KEY"], 16),
        (&["--dotenv", "missing/.env", "--var", "KEY"], 16),
        (&["--dotenv", ".env", "--var", "A-B"], 2),
        (&["--dotenv", ".env"], 2),
        (&["--out", "F", "--scope", "nobody"], 5),
        (&["--out", "F", "-e", "nowhere"], 5),
        (&["--out", "F", "-w", "nowhere"], 3),
        (&["--out", "F", "--expires", "3d", "--rotate-before", "7d"], 5),
    ] {
        let output = sandbox.keyward(["ensure", "ci"]).args(arguments).exit(exit);
        assert_eq!(output.stdout, "", "{arguments:?}");
        assert!(!sandbox.store_path().exists(), "{arguments:?} made a store");
        assert_eq!(names_in(sandbox.home()), ["dangling", "link", "taken"]);
        assert_eq!(sandbox.text("taken"), "precious\n");
    }
}

#[test]
fn a_key_whose_folder_is_not_there_is_not_minted() {
    let sandbox = Sandbox::with_keys(&["other"]);
    for sink in [&["--out", "missing/F"][..], &["--dotenv", "missing/.env", "--var", "KEY"]] {
        let arguments = [&["ci"], sink].concat();
        assert_refused(&sandbox, &arguments, "missing/F", 16, "delivery_failed");
    }
    assert_eq!(sandbox.listed(&["--all"]), ["other"]);
}

#[test]
fn a_link_is_never_followed() {
    let sandbox = Sandbox::new();
    ensure(&sandbox, &["ci", "--out", "F"]);
    let secret = sandbox.text("F");
    symlink("F", sandbox.home().join("link")).expect("a link can be made");
    // Although the secret is behind it.
    for flags in [&[][..], &["--rotate-if-missing"]] {
        let arguments = [&["ci", "--out", "link"], flags].concat();
        assert_refused(&sandbox, &arguments, "F", 16, "delivery_failed");
    }
    assert_eq!(sandbox.text("F"), secret);
}

#[test]
fn only_a_sink_that_can_be_looked_at_can_be_mended() {
    let sandbox = Sandbox::new();
    let runner = sandbox.file("runner", "");
    for sink in [
        &["--stdout"][..],
        &[],
        &["--github-env", "KEY"],
        &["--github-output", "key"],
        &["--", "cat"],
    ] {
        let run = sandbox
            .keyward(["ensure", "ci", "--rotate-if-missing"])
            .env("GITHUB_ENV", &runner)
            .env("GITHUB_OUTPUT", &runner);
        run.args(sink).refused(2, "usage");
        assert!(!sandbox.store_path().exists(), "{sink:?}");
    }
}

#[test]
fn a_dead_key_is_minted_anew_and_its_secret_replaced() {
    let sandbox = Sandbox::new();
    ensure(&sandbox, &["revoked", "--out", "revoked"]);
    ensure(&sandbox, &["expired", "--expires", "1s", "--out", "expired"]);
    sandbox.keyward(["revoke", "revoked", "--yes"]).ok();
    sandbox.wait_for_verdict(&sandbox.line("expired"), 12);
    for name in ["revoked", "expired"] {
        let dead = sandbox.line(name);
        let created = ensure(&sandbox, &[name, "--out", name]);
        assert_eq!(created["action"], "created", "{created:#}");
        assert_eq!(created["replaces"], Value::Null);
        assert_ne!(sandbox.line(name), dead);
        let verdict = sandbox.verdict(&sandbox.line(name), &[], 0, "valid");
        assert_eq!(verdict["subject"]["id"], created["id"]);
        assert_eq!(mode(sandbox.home().join(name)), 0o600);
    }
}

#[test]
fn after_a_restoration_that_took_the_successor_away_the_hint_leads_on() {
    let sandbox = Sandbox::new();
    let arguments = ["ci", "--out", "F", "--expires", "30d"];
    ensure(&sandbox, &arguments);
    sandbox.keyward(["store", "backup", "b.db"]).ok();
    fs::remove_file(sandbox.home().join("F")).expect("it is there");
    let again = [&arguments[..], &["--rotate-if-missing"]].concat();
    assert_eq!(ensure(&sandbox, &again)["action"], "rotated");
    sandbox.keyward(["store", "restore", "b.db", "--yes"]).ok();
    let run = || sandbox.keyward(["ensure"]).args(arguments);
    let error = run().refused(16, "delivery_failed");
    let hint = error["hint"].as_str().unwrap_or_default();
    assert!(hint.contains("--rotate-if-missing"), "{error:#}");
    assert_eq!(ensure(&sandbox, &again)["action"], "created");
    sandbox.verdict(&sandbox.line("F"), &[], 0, "valid");
    // A mint has no such option.
    let mint = ["mint", "new", "--out", "F", "--idempotency-key", "K"];
    let error = sandbox.keyward(mint).refused(16, "delivery_failed");
    let hint = error["hint"].as_str().unwrap_or_default();
    assert!(!hint.contains("--rotate-if-missing"), "{error:#}");
}
