//! A secret appears once, on its sink, and nowhere else: not in the store's bytes, not in messages or answers, not in
//! any process's command line or environment.

use std::fs;
use std::path::{Path, PathBuf};

use keyward::cli::Cli;
use rustix::process::geteuid;
use sha2::{Digest, Sha256};

use crate::support::held::Held;
use crate::support::ordinary::Ordinary;
use crate::support::{Sandbox, skipped, text, token};

/// Every file under a folder, with its bytes.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            let bytes = fs::read(&path).expect("a file can be read");
            files.push((path, bytes));
        }
    }
    files
}

/// Whether these bytes are among those.
pub fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// What must not be seen of a token of the default form: the whole, its secret part, and any long piece of that.
fn traces(secret: &str) -> Vec<String> {
    let parts = token::parts(secret, "kw_live_");
    vec![
        secret.to_owned(),
        parts.secret.to_owned(),
        parts.secret[..16].to_owned(),
        parts.secret[16..].to_owned(),
        parts.checksum.to_owned(),
    ]
}

/// Asserts that no file under HOME, and no table on a server, holds anything of these secrets, as text or reversed bytes of a page.
#[track_caller]
pub fn assert_in_no_file(sandbox: &Sandbox, secrets: &[&str]) {
    let mut files = files(sandbox.home());
    files.extend(sandbox.place().map(|place| (place.into(), sandbox.store_bytes())));
    assert!(!files.is_empty(), "there is no file to look at");
    for secret in secrets {
        for trace in traces(secret) {
            for (path, bytes) in &files {
                assert!(
                    !holds(bytes, trace.as_bytes()),
                    "{} holds {trace:?} of a secret",
                    path.display()
                );
            }
        }
    }
}

#[track_caller]
pub fn assert_unsaid(output: &str, secret: &str, what: &str) {
    for trace in traces(secret) {
        assert!(!output.contains(&trace), "{what} says {trace:?}:\n{output}");
    }
}

#[test]
fn the_store_holds_the_hash_of_a_token_and_nothing_of_the_token() {
    let sandbox = Sandbox::new();
    let secrets = [
        sandbox.mint("ci"),
        sandbox.mint_with("deploy", &["-e", "live", "--owner", "platform"]),
        sandbox.mint_with("held", &["--hold"]),
    ];
    sandbox.keyward(["activate"]).stdin(&secrets[2]).ok();
    sandbox.verdict(&secrets[0], &[], 0, "valid");
    sandbox.keyward(["revoke", "deploy", "--yes"]).ok();
    let rotated = sandbox.keyward(["rotate", "ci"]).ok().line();
    let hashes = sandbox.rows("SELECT hash FROM key").concat();
    for secret in secrets.iter().chain([&rotated]) {
        assert!(hashes.contains(&token::hash(secret)), "the hash is not in the store");
        let part = token::parts(secret, "kw_live_").secret;
        assert!(!hashes.contains(&token::hash(part)));
    }
    let secrets: Vec<&str> = secrets.iter().chain([&rotated]).map(String::as_str).collect();
    assert_in_no_file(&sandbox, &secrets);
}

#[test]
fn nothing_beside_an_open_store_holds_a_secret() {
    let (sandbox, first) = Sandbox::with_key("first");
    let held = Held::start(sandbox.home(), sandbox.keyward(["mint", "second"]));
    let second = held.secret.clone();
    let third = sandbox.mint("third");
    let fourth = sandbox.keyward(["rotate", "third"]).ok().line();
    sandbox.keyward(["verify"]).stdin(&second).exit(13);
    let log = fs::read(sandbox.home().join(".local/share/keyward/keyward.db-wal"));
    let log = log.expect("another process keeps the log open");
    assert!(
        holds(&log, &Sha256::digest(fourth.as_bytes())),
        "the log does not hold what was last written, so looking at it proves nothing"
    );
    assert_in_no_file(&sandbox, &[&first, &second, &third, &fourth]);
    held.killed();
    assert_in_no_file(&sandbox, &[&first, &second, &third, &fourth]);
    sandbox.keyward(["list"]).ok();
    assert_in_no_file(&sandbox, &[&first, &second, &third, &fourth]);
}

#[test]
fn no_answer_and_no_message_repeats_a_secret() {
    let sandbox = Sandbox::new();
    let minted = sandbox.keyward(["mint", "ci"]).ok();
    let secret = minted.line();
    assert_unsaid(&minted.stderr, &secret, "mint's stderr");
    sandbox.file("secret-file", &secret);
    sandbox.file("unknown", &token::well_formed());
    let id = sandbox.id_of("ci");
    let short = token::parts(&secret, "kw_live_").short;
    let hash: String =
        Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let commands: [&[&str]; 24] = [
        &["list"],
        &["list", "--all"],
        &["show", "ci"],
        &["show", &id],
        &["show", short],
        &["audit", "list"],
        &["audit", "head"],
        &["audit", "verify"],
        &["store", "info"],
        &["workspace", "list"],
        &["workspace", "show"],
        &["whoami"],
        &["whoami", "--as", "secret-file"],
        &["list", "--as", "secret-file"],
        &["verify", "--file", "secret-file"],
        &["verify", "--file", "secret-file", "-e", "test"],
        &["verify", "--env", "SECRET"],
        &["activate", "--file", "secret-file"],
        &["rename", "ci", "ci"],
        &["mint", "ci"],
        &["mint", "new", "--out", "secret-file"],
        &["disable", "ci"],
        &["verify", "--file", "secret-file"],
        &["revoke", "ci", "--yes", "--as", "secret-file"],
    ];
    for format in ["table", "json", "jsonl", "tsv"] {
        for command in commands {
            let output =
                sandbox.keyward(command).args(["--output", format]).env("SECRET", &secret).run();
            let what = format!("{command:?} as {format}");
            assert_unsaid(&output.stdout, &secret, &what);
            assert_unsaid(&output.stderr, &secret, &what);
            assert!(!output.stdout.contains(&hash), "{what} tells the hash");
            assert!(!output.stderr.contains(&hash), "{what} tells the hash");
        }
        sandbox.keyward(["enable", "ci"]).ok();
    }
    for wrong in [
        token::with_typo(&secret, 30),
        format!("{secret} "),
        format!("{secret}\n\n"),
        secret[..secret.len() - 1].to_owned(),
        format!("{secret}{secret}"),
    ] {
        for command in [&["verify"][..], &["activate"], &["whoami", "--as", "-"]] {
            let output = sandbox.keyward(command).stdin(&wrong).exit(10);
            let part = token::parts(&secret, "kw_live_").secret;
            for said in [&output.stdout, &output.stderr] {
                assert!(!said.contains(&part[4..20]), "{command:?}: {said}");
            }
        }
    }
}

#[test]
fn a_rotation_says_nothing_of_either_secret_but_the_new_one_on_stdout() {
    let (sandbox, old) = Sandbox::with_key("ci");
    let output = sandbox.keyward(["rotate", "ci"]).ok();
    let new = output.line();
    for secret in [&old, &new] {
        assert_unsaid(&output.stderr, secret, "rotate's stderr");
    }
    let output = sandbox.keyward(["--json", "rotate", "ci"]).ok();
    let newest = text(&output.json(), "key");
    assert_eq!(output.stdout.matches(&newest).count(), 1, "{}", output.stdout);
    assert_unsaid(&output.stdout, &new, "rotate's answer");
    assert_unsaid(&output.stderr, &newest, "rotate's stderr");
}

#[test]
fn no_process_has_the_secret_in_its_command_line_or_environment() {
    if !cfg!(target_os = "linux") {
        skipped("there is no /proc to look into");
        return;
    }
    let (sandbox, old) = Sandbox::with_key("old");
    for verb in ["mint new", "rotate old", "mint newer --hold"] {
        let run = sandbox.keyward(verb.split(' '));
        let held = Held::start(sandbox.home(), run);
        for process in [held.keyward, held.command] {
            for file in ["cmdline", "environ"] {
                let path = Path::new("/proc").join(process.to_string()).join(file);
                let bytes = match fs::read(&path) {
                    // keyward is closed even to its own user, which is the next test's business.
                    Err(_)
                        if file == "environ" && process == held.keyward && !geteuid().is_root() =>
                    {
                        continue;
                    }
                    read => read.unwrap_or_else(|error| panic!("{}: {error}", path.display())),
                };
                assert!(!bytes.is_empty(), "{} is empty", path.display());
                for secret in [&held.secret, &old] {
                    for trace in traces(secret) {
                        assert!(!holds(&bytes, trace.as_bytes()), "{}", path.display());
                    }
                }
            }
        }
        assert_eq!(held.release().status, 0);
    }
}

#[test]
fn a_process_that_holds_a_secret_leaves_no_core_and_is_closed_to_its_own_user() {
    if !cfg!(target_os = "linux") {
        skipped("there is no /proc to look into");
        return;
    }
    let Some(user) = Ordinary::new() else { return };
    let held = Held::start(user.sandbox.home(), user.keyward(["mint", "ci"]));
    let process = Path::new("/proc").join(held.keyward.to_string());
    let limits = fs::read_to_string(process.join("limits")).expect("limits can be read");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap_or_else(|| panic!("no core limit in\n{limits}"));
    let words: Vec<&str> = core.split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{core}");
    let output = held.release();
    assert_eq!(output.status, 0, "{}", output.transcript());

    // The same question asked by a process of the same user, of keyward and of a process that is open to it.
    let asked = |process: &str| {
        let script = format!("cat >/dev/null; cat /proc/{process}/environ >/dev/null");
        let name = format!("asked-{}", process.len());
        let run = user.keyward(["mint", &name, "--", "sh", "-c", &script]);
        run.run()
    };
    let open = asked("$$");
    assert_eq!(open.status, 0, "{}", open.transcript());
    let closed = asked("$PPID");
    assert_eq!(closed.status, 16, "keyward's memory is open to its user");
    assert!(closed.stderr.contains("ermission denied"), "{}", closed.stderr);
}

#[test]
fn help_never_prints_a_value_of_the_environment() {
    fn walk(sandbox: &Sandbox, command: &clap::Command, words: &[String]) {
        for flag in ["--help", "-h"] {
            let output = sandbox
                .keyward(words)
                .args([flag])
                .env("KEYWARD_STORE", "/canary/store.db")
                .env("KEYWARD_WORKSPACE", "canary-workspace")
                .env("KEYWARD_AS_FILE", "/canary/caller.key")
                .env("KEYWARD_REQUIRE_SINK", "canary")
                .env("GITHUB_ENV", "/canary/env")
                .env("GITHUB_OUTPUT", "/canary/output")
                .ok();
            assert!(!output.stdout.contains("canary"), "{words:?} {flag}");
            assert!(!output.stderr.contains("canary"), "{words:?} {flag}");
        }
        for below in command.get_subcommands() {
            let words = [words, &[below.get_name().to_owned()]].concat();
            walk(sandbox, below, &words);
        }
    }
    walk(&Sandbox::new(), &Cli::whole(), &[]);
}
