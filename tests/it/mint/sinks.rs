//! `keyward mint`: each sink's happy path.

use std::fs;
use std::process::Command;

use crate::support::files::mode;
use crate::support::{Sandbox, token, tool};

#[test]
fn out_writes_the_secret_to_a_new_private_file() {
    let sandbox = Sandbox::new();
    let path = sandbox.home().join("ci.key");
    let output = sandbox.keyward(["mint", "ci", "--out", "ci.key"]).ok();
    assert_eq!(output.stdout, "");
    let secret = fs::read_to_string(&path).expect("the file was made");
    assert_eq!(mode(&path), 0o600);
    token::parts(secret.trim_end_matches('\n'), "kw_live_");
    assert!(!output.stderr.contains(secret.trim_end()), "stderr holds the secret");
    sandbox.keyward(["verify", "--file", "ci.key"]).ok();
}

#[test]
fn a_sink_other_than_stdout_leaves_the_secret_out_of_the_json() {
    let sandbox = Sandbox::new();
    let key = sandbox.keyward(["mint", "ci", "--out", "ci.key"]).answer();
    assert_eq!(key["name"], "ci");
    assert_eq!(key["status"], "active");
    assert!(key.get("key").is_none(), "the object has a secret: {key:#}");
}

#[test]
fn dotenv_adds_the_variable_and_keeps_the_other_lines() {
    if !tool("sh") {
        return;
    }
    let sandbox = Sandbox::new();
    let path = sandbox.file(".env", "# settings\nPORT=8080\n");
    let output = sandbox.keyward(["mint", "ci", "--dotenv", ".env", "--var", "ACME_KEY"]).ok();
    assert_eq!(output.stdout, "");
    let content = fs::read_to_string(&path).expect("the file is there");
    assert!(
        content.starts_with("# settings\nPORT=8080\n"),
        "the other lines have changed:\n{content}"
    );
    assert!(content.ends_with('\n'), "the last line has no end:\n{content}");
    let script = ". ./.env && printf '%s' \"$PORT $ACME_KEY\"";
    let sourced = Command::new("sh").args(["-c", script]).current_dir(sandbox.home()).output();
    let sourced = String::from_utf8(sourced.expect("sh can be started").stdout).expect("UTF-8");
    let secret =
        sourced.strip_prefix("8080 ").expect("the shell reads the other variable as before");
    sandbox.verdict(secret, &[], 0, "valid");
}

#[test]
fn dotenv_makes_a_private_file_when_there_is_none() {
    let sandbox = Sandbox::new();
    sandbox.keyward(["mint", "ci", "--dotenv", "new.env", "--var", "ACME_KEY"]).ok();
    assert_eq!(mode(sandbox.home().join("new.env")), 0o600);
}

/// Reads the one entry of a file in the runner's form, `NAME<<DELIMITER`, value, `DELIMITER`.
fn runner_entry(content: &str, name: &str) -> String {
    let lines: Vec<&str> = content.lines().collect();
    let [head, value, end] = lines[..] else { panic!("not three lines:\n{content}") };
    let delimiter = head
        .strip_prefix(&format!("{name}<<"))
        .unwrap_or_else(|| panic!("no {name}<< in:\n{content}"));
    assert_eq!(end, delimiter);
    assert!(delimiter.len() >= 16, "the delimiter {delimiter} can be guessed");
    value.to_owned()
}

#[test]
fn the_runners_files_get_the_secret_after_a_mask_line() {
    for (flag, variable) in [("--github-env", "GITHUB_ENV"), ("--github-output", "GITHUB_OUTPUT")] {
        let sandbox = Sandbox::new();
        let path = sandbox.file("runner", "");
        let run = sandbox
            .keyward(["mint", "ci", flag, "ACME_KEY"])
            .env("GITHUB_ACTIONS", "true")
            .env(variable, &path);
        let output = run.ok();
        let secret =
            runner_entry(&fs::read_to_string(&path).expect("the file is there"), "ACME_KEY");
        assert_eq!(output.stdout, format!("::add-mask::{secret}\n"), "{flag}");
        sandbox.verdict(&secret, &[], 0, "valid");
    }
}

#[test]
fn under_json_the_mask_line_moves_to_stderr() {
    let sandbox = Sandbox::new();
    let path = sandbox.file("runner", "");
    let run = sandbox
        .keyward(["mint", "ci", "--github-env", "ACME_KEY", "--json"])
        .env("GITHUB_ENV", &path);
    let output = run.env("GITHUB_ACTIONS", "true").ok();
    let secret = runner_entry(&fs::read_to_string(&path).expect("the file is there"), "ACME_KEY");
    assert!(output.json().get("key").is_none(), "the object has a secret");
    let mask = format!("::add-mask::{secret}");
    assert!(output.stderr.lines().any(|line| line == mask), "no mask line on stderr");
}

#[test]
fn a_command_gets_the_secret_on_its_stdin_alone() {
    let sandbox = Sandbox::new();
    let script = "cat > received; env > environment; echo said";
    let output = sandbox.keyward(["mint", "ci", "--", "sh", "-c", script]).ok();
    assert_eq!(output.stdout, "");
    assert!(
        output.stderr.contains("said"),
        "the command's stdout is not on stderr:\n{}",
        output.stderr
    );
    let received = fs::read_to_string(sandbox.home().join("received")).expect("the command ran");
    let secret = received.strip_suffix('\n').expect("a line feed follows the secret");
    sandbox.verdict(secret, &[], 0, "valid");
    let environment =
        fs::read_to_string(sandbox.home().join("environment")).expect("the command ran");
    assert!(!environment.contains(secret), "the command's environment holds the secret");
    assert!(!output.stderr.contains(secret), "stderr holds the secret");
}

#[test]
fn a_command_gets_no_line_feed_with_n() {
    let sandbox = Sandbox::new();
    sandbox.keyward(["mint", "ci", "-n", "--", "sh", "-c", "cat > received"]).ok();
    let received = fs::read_to_string(sandbox.home().join("received")).expect("the command ran");
    token::parts(&received, "kw_live_");
}

#[test]
fn in_ci_a_bare_stdout_is_warned_of_and_can_be_meant() {
    let sandbox = Sandbox::new();
    let bare = sandbox.keyward(["mint", "bare"]).env("CI", "true").ok();
    assert!(bare.stderr.contains("--out"), "stderr names no other sink:\n{}", bare.stderr);
    sandbox.verdict(&bare.line(), &[], 0, "valid");
    let meant = sandbox.keyward(["mint", "meant", "--stdout"]).env("CI", "true").ok();
    assert!(
        !meant.stderr.contains("--out"),
        "stderr warns although it is meant:\n{}",
        meant.stderr
    );
}

#[test]
fn a_bare_stdout_can_be_forbidden() {
    let sandbox = Sandbox::with_keys(&["first"]);
    sandbox.keyward(["mint", "ci"]).env("KEYWARD_REQUIRE_SINK", "1").refused(2, "usage");
    assert_eq!(sandbox.listed(&["--all"]), ["first"]);
    sandbox.keyward(["mint", "ci", "--out", "ci.key"]).env("KEYWARD_REQUIRE_SINK", "1").ok();
    assert_eq!(sandbox.show("ci")["status"], "active");
}

#[test]
fn a_command_that_is_announced_and_not_there_is_no_secret_on_stdout() {
    let sandbox = Sandbox::new();
    sandbox.refuses(&["mint", "ci", "--"], 2, "usage");
    assert!(!sandbox.store_path().exists());
}
