//! Changes that stand although their answer could not be written: exit 7 says what stands.

use std::fs::OpenOptions;

use serde_json::json;

use crate::support::{Sandbox, text};

fn full() -> std::fs::File {
    let full = OpenOptions::new().write(true).open("/dev/full");
    full.expect("this system has /dev/full")
}

/// Runs a command whose answer cannot be written, and asserts that its message has all of this.
fn assert_stands(sandbox: &Sandbox, arguments: &[&str], stdin: &str, said: &[&str]) {
    for format in ["json", "jsonl", "tsv"] {
        if format != "json" && arguments[0] != "disable" {
            continue;
        }
        let run = sandbox.keyward(["--output", format]).args(arguments);
        let output = run.stdin(stdin).stdout(full()).exit(7);
        let message = match format {
            "tsv" => output.stderr.clone(),
            _ => text(&output.error(), "message"),
        };
        for said in said.iter().chain(&["only the answer could not be written"]) {
            assert!(message.contains(said), "{arguments:?}: {message}");
        }
        assert!(output.stderr.contains("`keyward audit list -A`"), "{}", output.stderr);
    }
}

#[test]
fn an_answer_that_could_not_be_written_says_what_stands() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let id = sandbox.id_of("ci");
    let stands = |arguments: &[&str], said: &[&str]| assert_stands(&sandbox, arguments, "", said);
    stands(&["mint", "new", "--out", "new.key"], &["minted new (key_", "new.key"]);
    assert_eq!(sandbox.show("new")["status"], "active");
    stands(&["mint", "many", "--count", "2", "--out", "many.key"], &["minted 2 keys"]);
    stands(&["mint", "later", "--hold", "--out", "later.key"], &["minted later", "pending"]);
    stands(&["disable", "ci"], &["disabled", &id]);
    stands(&["enable", "ci"], &["enabled", &id]);
    stands(&["enable", "ci"], &["no change", &id]);
    stands(&["set", "ci", "--owner", "platform"], &["changed", &id]);
    assert_eq!(sandbox.show("ci")["owner"], "platform");
    stands(&["rename", "ci", "build"], &[&id, "build"]);
    stands(
        &["rotate", "build", "--now", "--out", "build.key"],
        &["rotated build (key_", &id, "is revoked"],
    );
    sandbox.verdict(&secret, &[], 11, "revoked");
    sandbox.verdict(&sandbox.line("build.key"), &[], 0, "valid");
    stands(&["rotate", "build", "--out", "b2.key"], &["rotated build (key_", "is superseded"]);
    stands(&["rotate", "build", "--cancel"], &["build", "revoked key_"]);
    let build = sandbox.id_of("build");
    stands(&["revoke", "build", "new", "--yes"], &["revoked build", &build, "revoked new"]);
    stands(&["revoke", &build, "--yes"], &["no change: build"]);
    assert_eq!(sandbox.show(&build)["status"], "revoked");
    stands(&["ensure", "worker", "--out", "worker.key"], &["minted worker (key_", "worker.key"]);
    stands(&["ensure", "worker", "--owner", "me", "--out", "worker.key"], &["updated worker"]);
    stands(&["workspace", "create", "acme"], &["created workspace acme"]);
    stands(&["workspace", "use", "acme"], &["acme"]);
    stands(&["workspace", "set", "acme", "--cap", "3"], &["acme"]);
    stands(&["workspace", "rename", "acme", "zenith"], &["zenith"]);
    stands(&["workspace", "delete", "zenith", "--yes"], &["zenith"]);
    stands(&["workspace", "use", "default"], &["default"]);
    let is_a_file = sandbox.place().is_none();
    if is_a_file {
        stands(&["store", "backup", "copy.db"], &["copy.db"]);
    }
    stands(&["prune", "--dead-for", "0s", "--yes"], &["deleted 4 keys"]);
    let line = json!({ "name": "other", "hash": "ab".repeat(32) }).to_string();
    assert_stands(&sandbox, &["store", "import", "-"], &line, &["1 created"]);
    let manifest = "[workspace.default]\n[[key]]\nworkspace = \"default\"\nname = \"app\"\ndeliver = { out = \"app.key\" }\n";
    sandbox.file("keys.toml", manifest);
    stands(&["apply", "keys.toml"], &["1 created"]);
    sandbox.verdict(&sandbox.line("app.key"), &[], 0, "valid");
    let held = sandbox.line("later.key");
    assert_stands(&sandbox, &["activate"], &held, &["activated later"]);
    sandbox.verdict(&held, &[], 0, "valid");
    stands(&["store", "check", "--reset-clock"], &["reset the last recorded time"]);
    if is_a_file {
        stands(&["store", "restore", "copy.db", "--yes"], &["keyward.db", "audit head"]);
    }
    stands(&["store", "create"], &["already exists"]);
}

/// Where stdout is the sink, an answer that is lost is a secret that is lost.
#[test]
fn a_secret_that_could_not_be_written_is_no_change_that_stands() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    for arguments in [&["mint", "new"][..], &["mint", "new", "--json"], &["rotate", "ci", "--json"]]
    {
        let output = sandbox.keyward(arguments).stdout(full()).exit(16);
        assert!(!output.stderr.contains("only the answer"), "{}", output.stderr);
    }
    assert_eq!(sandbox.listed(&[]), ["ci"]);
}

/// What changed nothing has nothing that stands.
#[test]
fn a_reading_command_says_that_its_answer_could_not_be_written_and_no_more() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    for arguments in
        [&["list", "--json"][..], &["show", "ci"], &["store", "check"], &["audit", "head"]]
    {
        let output = sandbox.keyward(arguments).stdout(full()).exit(7);
        assert!(output.stderr.contains("cannot write to stdout"), "{}", output.stderr);
        assert!(!output.stderr.contains("only the answer"), "{}", output.stderr);
    }
}

#[test]
fn a_warning_is_part_of_the_object_that_a_failure_is_and_waits_for_a_success() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let old = sandbox.id_of("ci");
    sandbox.keyward(["rotate", "ci", "--out", "ci.key"]).ok();
    let new = sandbox.id_of("ci");
    let (disable, enable) = (["disable", &new, "--json"], ["enable", &new, "--json"]);
    let output = sandbox.keyward(disable).stdout(full()).exit(7);
    assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
    let hint = text(&output.error(), "hint");
    assert!(hint.contains(&format!("keyward revoke {old}")), "{hint}");
    assert!(hint.contains("keyward audit list -A"), "{hint}");
    let output = sandbox.keyward(enable).ok();
    assert!(output.stderr.starts_with("warning: another key of this name"), "{}", output.stderr);
    sandbox.workspace("opaque", &["--preset", "azscraper"]);
    let output = sandbox.keyward(["patterns", "--json"]).stdout(full()).exit(7);
    assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
    assert!(text(&output.error(), "hint").contains("opaque has no rule"), "{}", output.stderr);
}
