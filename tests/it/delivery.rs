//! Sinks that fail, and what becomes of the key.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::support::files::mode;
use crate::support::held::Held;
use crate::support::{KEYWARD, Sandbox, expect_transcript, skipped, token, tool};

/// The writing end of a pipe whose reader has gone.
pub fn pipe_nobody_reads() -> File {
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    drop(reader);
    File::from(OwnedFd::from(writer))
}

/// A sandbox with two things a sink must not touch, `taken` and what `link` points to, and an empty folder.
pub fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("taken", "precious\n");
    symlink("taken", sandbox.home().join("link")).expect("a link can be made");
    symlink("nowhere", sandbox.home().join("dangling")).expect("a link can be made");
    fs::create_dir(sandbox.home().join("folder")).expect("a folder can be made");
    sandbox
}

/// Sinks that cannot work, as arguments behind a mint or rotate.
const FAILING: &[&[&str]] = &[
    &["--out", "taken"],
    &["--out", "link"],
    &["--out", "dangling"],
    &["--out", "folder"],
    &["--out", "missing/file"],
    &["--out", "taken/file"],
    &["--out", "/dev/null"],
    &["--out", "/dev/full"],
    &["--dotenv", "link", "--var", "KEY"],
    &["--dotenv", "dangling", "--var", "KEY"],
    &["--dotenv", "folder", "--var", "KEY"],
    &["--dotenv", "missing/.env", "--var", "KEY"],
    &["--dotenv", "/dev/null", "--var", "KEY"],
    &["--", "false"],
    &["--", "./missing"],
    &["--", "missing-command-of-no-path"],
    &["--", "./taken"],
    &["--", "./folder"],
    &["--", "true"],
    &["--", "sh", "-c", "cat >/dev/null; exit 3"],
    &["--", "sh", "-c", "cat >/dev/null; kill -KILL $$"],
    &["--", "sh", "-c", "cat >/dev/null; kill -TERM $$"],
    &["--", "sh", "-c", "exec <&-; sleep 0.1"],
    &["--", "sh", "-c", "head -c 5 >/dev/null"],
];

/// Asserts that a failed delivery left nothing live, nothing pending and nothing of the secret, and the name free.
pub fn assert_void(sandbox: &Sandbox, living: &[&str], name: &str) {
    assert_eq!(sandbox.listed(&["--status", "active"]), living);
    assert_eq!(sandbox.listed(&["--status", "pending"]), [""; 0]);
    let after = sandbox.mint(name);
    sandbox.verdict(&after, &[], 0, "valid");
    let revoked = sandbox.keyward(["revoke", name, "--yes"]);
    revoked.ok();
    let content = fs::read_to_string(sandbox.home().join("taken")).expect("it is still there");
    assert_eq!(content, "precious\n", "a file that was there was touched");
    assert!(!sandbox.home().join("nowhere").exists(), "a dangling link was followed");
}

#[test]
fn a_mint_whose_sink_fails_leaves_no_live_key() {
    let sandbox = sandbox();
    for (number, sink) in FAILING.iter().enumerate() {
        let name = format!("key-{number}");
        let run = sandbox.keyward(["mint", &name]).args(*sink);
        let error = run.refused(16, "delivery_failed");
        assert!(error["message"].is_string(), "{sink:?}: {error:#}");
        assert_void(&sandbox, &[], &name);
    }
}

#[test]
fn a_rotation_whose_sink_fails_leaves_the_old_key_as_it_was() {
    let sandbox = sandbox();
    let secret = sandbox.mint("ci");
    let before = sandbox.show("ci");
    for sink in FAILING {
        let run = sandbox.keyward(["rotate", "ci"]).args(*sink);
        run.refused(16, "delivery_failed");
        assert_eq!(sandbox.show("ci"), before, "{sink:?}");
        assert_eq!(sandbox.listed(&["--status", "active"]), ["ci"]);
        assert_eq!(sandbox.listed(&["--status", "pending"]), [""; 0]);
        sandbox.verdict(&secret, &["--no-record"], 0, "valid");
    }
    let next = sandbox.keyward(["rotate", "ci"]).ok().line();
    sandbox.verdict(&next, &[], 0, "valid");
}

/// Opens a sink that stdout is led to.
type Opening = fn() -> File;

#[test]
fn a_stdout_that_takes_nothing_leaves_no_live_key() {
    let sinks: [(&str, Opening); 6] = [
        ("a full device", || opened("/dev/full")),
        ("/dev/null", || opened("/dev/null")),
        ("a pipe nobody reads", pipe_nobody_reads),
        ("a socket nobody reads", || {
            let (ours, theirs) = UnixStream::pair().expect("sockets can be made");
            drop(theirs);
            File::from(OwnedFd::from(ours))
        }),
        ("a file open for reading", || File::open("/proc/self/status").expect("it can be read")),
        ("a pipe's reading end", || {
            let (reader, _) = std::io::pipe().expect("a pipe can be made");
            File::from(OwnedFd::from(reader))
        }),
    ];
    let sandbox = sandbox();
    let old = sandbox.mint("old");
    for (number, (what, open)) in sinks.iter().enumerate() {
        let name = format!("key-{number}");
        for format in [&[][..], &["--json"], &["--output", "tsv"], &["-n"]] {
            let output = sandbox.keyward(["mint", &name]).args(format).stdout(open()).exit(16);
            let word = match format {
                ["--json"] => "\"delivery_failed\"",
                _ => "error: ",
            };
            assert!(output.stderr.contains(word), "{what}: {}", output.stderr);
            assert!(
                !output.stderr.contains("shown only this once"),
                "{what}: the failure is told as a success\n{}",
                output.stderr
            );
            assert_void(&sandbox, &["old"], &name);
        }
        sandbox.keyward(["rotate", "old"]).stdout(open()).exit(16);
        sandbox.verdict(&old, &["--no-record"], 0, "valid");
        assert_eq!(sandbox.listed(&["--status", "active"]), ["old"]);
        assert_eq!(sandbox.listed(&["--status", "pending"]), [""; 0]);
    }
}

fn opened(path: &str) -> File {
    let file = OpenOptions::new().write(true).open(path);
    file.expect("a device can be written")
}

#[test]
fn a_closed_stdout_is_refused_before_anything_is_minted() {
    let sandbox = sandbox();
    let old = sandbox.mint("old");
    let before = sandbox.head();
    for command in ["mint new", "rotate old", "mint new --json", "mint new --hold"] {
        let script = format!("exec \"$0\" {command} >&-");
        let output = sandbox.program("sh", ["-c", &script, KEYWARD]).exit(16);
        assert!(
            output.stderr.contains("standard output") || output.stderr.contains("stdout"),
            "{}",
            output.stderr
        );
    }
    let after = sandbox.head();
    assert_eq!(after, before, "something was minted");
    sandbox.verdict(&old, &[], 0, "valid");
}

#[test]
fn what_can_be_refused_beforehand_leaves_no_trace() {
    let sandbox = Sandbox::new();
    sandbox.file("taken", "");
    symlink("nowhere", sandbox.home().join("dangling")).expect("a link can be made");
    for sink in [&["--out", "taken"][..], &["--out", "dangling"], &["--out", "missing/file"]] {
        sandbox.keyward(["mint", "ci"]).args(sink).exit(16);
        assert!(!sandbox.store_path().exists(), "{sink:?} made a store");
    }
    sandbox.keyward(["mint", "ci"]).stdout(opened("/dev/null")).exit(16);
    assert!(!sandbox.store_path().exists(), "/dev/null made a store");
}

#[test]
fn a_voided_key_keeps_its_record_and_says_why() {
    let sandbox = Sandbox::new();
    sandbox.keyward(["mint", "ci", "--", "false"]).exit(16);
    let keys = sandbox.keyward(["list", "--all"]).answer();
    let key = &keys["keys"][0];
    assert_eq!(key["status"], "revoked", "{key:#}");
    assert_eq!(key["revokedReason"], "undelivered", "{key:#}");
    sandbox.keyward(["audit", "verify"]).ok();
}

#[test]
fn the_secret_of_a_void_key_never_verifies() {
    let sandbox = Sandbox::new();
    sandbox.keyward(["mint", "ci", "--", "sh", "-c", "cat >kept; exit 1"]).exit(16);
    let secret = fs::read_to_string(sandbox.home().join("kept")).expect("the command kept it");
    sandbox.verdict(&secret, &[], 11, "revoked");
    sandbox.keyward(["activate", "--file", "kept"]).exit(11);
}

#[test]
fn a_key_is_live_only_when_its_command_has_ended_well() {
    let sandbox = Sandbox::new();
    let held = Held::start(sandbox.home(), sandbox.keyward(["mint", "ci"]));
    let secret = held.secret.clone();
    token::parts(&secret, "kw_live_");
    sandbox.verdict(&secret, &[], 13, "pending");
    let output = held.release();
    assert_eq!(output.status, 0, "{}", output.transcript());
    assert_eq!(output.stdout, "");
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn a_signal_during_the_delivery_voids_the_key() {
    let signals = [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP")];
    for (signal, name) in signals {
        let (sandbox, old) = Sandbox::with_key("old");
        let held = Held::start(sandbox.home(), sandbox.keyward(["mint", "ci"]));
        let (secret, command) = (held.secret.clone(), held.command);
        let output = held.signalled(signal);
        assert_eq!(output.status, 130, "{signal:?}: {}", output.transcript());
        let said = format!("error: interrupted by {name}; the key is void");
        expect_transcript(
            &output.transcript(),
            &format!("------- stderr -------\n{said}\n[exit status: 130]\n"),
        );
        sandbox.verdict(&secret, &[], 11, "revoked");
        assert_eq!(sandbox.listed(&[]), ["old"]);
        let alive = Path::new("/proc").join(command.to_string());
        assert!(!alive.exists(), "{signal:?}: the command outlived keyward");

        let held = Held::start(sandbox.home(), sandbox.keyward(["rotate", "old"]));
        let secret = held.secret.clone();
        let output = held.signalled(signal);
        assert_eq!(output.status, 130, "{signal:?}: {}", output.transcript());
        sandbox.verdict(&secret, &[], 11, "revoked");
        sandbox.verdict(&old, &[], 0, "valid");
        sandbox.keyward(["audit", "verify"]).ok();
    }
}

#[test]
fn a_signal_while_a_reader_stalls_voids_every_key() {
    let sandbox = Sandbox::new();
    // More than a pipe holds, so that keyward waits for the reader.
    let mut mint = Command::new(KEYWARD)
        .args(["mint", "bulk", "--count", "3000"])
        .env_clear()
        .envs(sandbox.variables())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("keyward can be started");
    let mut first = [0];
    let mut stdout = mint.stdout.take().expect("stdout is a pipe");
    stdout.read_exact(&mut first).expect("it begins to write");
    kill_process(Pid::from_child(&mint), Signal::TERM).expect("it is running");
    let status = mint.wait().expect("it ends");
    assert_eq!(status.code(), Some(130), "{status}");
    assert_eq!(sandbox.listed(&[]), [""; 0]);
    assert_eq!(sandbox.listed(&["--all"]).len(), 3000);
}

#[test]
fn a_reader_that_leaves_after_the_first_secrets_voids_them_all() {
    let sandbox = Sandbox::new();
    let script = "{ \"$0\" mint bulk --count 3000; echo $? >status; } | head -n 1 >/dev/null";
    sandbox.program("sh", ["-c", script, KEYWARD]).ok();
    let status = fs::read_to_string(sandbox.home().join("status")).expect("it has ended");
    assert_eq!(status, "16\n");
    assert_eq!(sandbox.listed(&[]), [""; 0]);
}

#[test]
fn stdout_and_out_carry_the_secret_and_exactly_one_line_feed_or_none() {
    let sandbox = Sandbox::new();
    let with = sandbox.keyward(["mint", "with"]).ok().stdout;
    let without = sandbox.keyward(["mint", "without", "-n"]).ok().stdout;
    let length = "kw_live_".len() + 12 + 32 + 6;
    assert_eq!((with.len(), without.len()), (length + 1, length));
    assert!(with.ends_with('\n') && !without.ends_with('\n'));
    let content =
        |name: &str| fs::read_to_string(sandbox.home().join(name)).expect("the file was made");
    sandbox.keyward(["mint", "c", "--out", "c"]).ok();
    sandbox.keyward(["mint", "d", "--out", "d", "-n"]).ok();
    assert_eq!((content("c").len(), content("d").len()), (length + 1, length));
    sandbox.keyward(["mint", "e", "--", "sh", "-c", "cat >e"]).ok();
    sandbox.keyward(["mint", "f", "-n", "--", "sh", "-c", "cat >f"]).ok();
    assert_eq!((content("e").len(), content("f").len()), (length + 1, length));
    for (name, content) in [("c", content("c")), ("f", content("f"))] {
        let verdict = sandbox.verdict(&content, &[], 0, "valid");
        assert_eq!(verdict["subject"]["name"], name);
    }
}

#[test]
fn a_commands_own_output_goes_to_stderr() {
    let sandbox = Sandbox::new();
    let script = "cat >/dev/null; echo said; echo complained >&2";
    let output = sandbox.keyward(["mint", "ci", "--", "sh", "-c", script]).ok();
    assert_eq!(output.stdout, "");
    assert!(output.stderr.contains("said\n") && output.stderr.contains("complained\n"));
}

#[test]
fn with_a_sink_of_its_own_the_json_has_no_secret() {
    let sandbox = Sandbox::new();
    let runner = sandbox.file("runner", "");
    let sinks: [&[&str]; 5] = [
        &["--out", "FILE"],
        &["--dotenv", ".env", "--var", "KEY"],
        &["--github-env", "KEY"],
        &["--github-output", "KEY"],
        &["--", "sh", "-c", "cat >/dev/null"],
    ];
    for (number, sink) in sinks.iter().enumerate() {
        let name = format!("key-{number}");
        for verb in ["mint", "rotate"] {
            let file = format!("{verb}-{number}.key");
            let sink = sink.iter().map(|word| word.replace("FILE", &file)).collect::<Vec<_>>();
            let output = sandbox
                .keyward(["--json", verb, &name])
                .args(&sink)
                .env("GITHUB_ENV", &runner)
                .env("GITHUB_OUTPUT", &runner)
                .ok();
            let key = output.json();
            assert!(key.get("key").is_none(), "{sink:?}: {key:#}");
            assert_eq!(key["status"], "active", "{sink:?}: {key:#}");
            let is_masked = sink[0].starts_with("--github");
            assert_eq!(output.stderr.starts_with("::add-mask::kw_live_"), is_masked);
        }
    }
    let key = sandbox.keyward(["mint", "bare"]).answer();
    assert!(key["key"].is_string(), "stdout is the sink: {key:#}");
}

#[test]
fn in_ci_a_bare_stdout_is_warned_of_and_a_meant_one_is_not() {
    let sandbox = Sandbox::new();
    let run = |name: &str, flags: &[&str]| {
        let run = sandbox.keyward(["mint", name]).args(flags);
        run.env("CI", "true").ok()
    };
    let bare = run("bare", &[]);
    let warning = bare.stderr.lines().find(|line| line.starts_with("warning: "));
    let warning = warning.unwrap_or_else(|| panic!("no warning in\n{}", bare.stderr));
    for sink in ["--out", "--dotenv", "--github-env", "--github-output", "--stdout"] {
        assert!(warning.contains(sink), "{sink} is not named in {warning}");
    }
    sandbox.verdict(&bare.line(), &[], 0, "valid");
    let json = sandbox.keyward(["mint", "json", "--json"]).env("CI", "true").ok();
    assert!(json.stderr.contains("log"), "no warning in\n{}", json.stderr);
    assert!(json.json()["key"].is_string());
    for (name, flags) in [("meant", &["--stdout"][..]), ("file", &["--out", "f"])] {
        let output = run(name, flags);
        assert!(!output.stderr.contains("warning"), "{}", output.stderr);
    }
    let nowhere = sandbox.keyward(["mint", "nowhere"]).ok();
    assert!(!nowhere.stderr.contains("warning"), "{}", nowhere.stderr);
}

#[test]
fn where_a_sink_is_required_a_bare_stdout_is_refused_before_anything_is_minted() {
    let sandbox = Sandbox::new();
    for ci in ["", "true"] {
        let error = sandbox
            .keyward(["mint", "ci"])
            .env("KEYWARD_REQUIRE_SINK", "1")
            .env("CI", ci)
            .refused(2, "usage");
        let hint = error["hint"].as_str().unwrap_or_default();
        assert!(hint.contains("--out"), "{error:#}");
        assert!(!sandbox.store_path().exists(), "a store was made");
    }
    sandbox.keyward(["mint", "ci", "--out", "ci.key"]).env("KEYWARD_REQUIRE_SINK", "1").ok();
    sandbox.keyward(["rotate", "ci"]).env("KEYWARD_REQUIRE_SINK", "1").refused(2, "usage");
    assert_eq!(sandbox.listed(&["--all"]), ["ci"]);
}

#[test]
fn a_full_disk_takes_neither_the_secret_nor_a_file() {
    // Only root may mount, and only where namespaces are allowed.
    let may_mount = geteuid().is_root() && tool("unshare") && {
        let sandbox = Sandbox::new();
        let script = "mkdir full && mount -t tmpfs -o size=4k none full";
        let mounted = sandbox.program("unshare", ["-m", "sh", "-c", script]).run();
        mounted.status == 0
    };
    if !may_mount {
        skipped("no small disk can be mounted here");
        return;
    }
    let (sandbox, old) = Sandbox::with_key("old");
    for sink in ["--out full/new.key", "--dotenv full/.env --var KEY"] {
        for command in ["mint new", "rotate old"] {
            let script = format!(
                "mkdir -p full && mount -t tmpfs -o size=4k none full && echo OLD=1 >full/.env\n\
                cat /dev/zero >full/filler 2>/dev/null\n\
                \"$0\" {command} {sink}; echo $?; cat full/.env; ls -A full"
            );
            let output = sandbox.program("unshare", ["-m", "sh", "-c", &script, KEYWARD]).ok();
            assert_eq!(output.stdout, "16\nOLD=1\n.env\nfiller\n", "{}", output.stderr);
            assert_eq!(sandbox.listed(&[]), ["old"], "{command} {sink}");
        }
    }
    sandbox.verdict(&old, &[], 0, "valid");
}

#[test]
fn two_sinks_at_once_are_refused() {
    let sandbox = Sandbox::new();
    for sinks in [
        &["--stdout", "--out", "f"][..],
        &["--out", "f", "--dotenv", ".env", "--var", "KEY"],
        &["--out", "f", "--", "cat"],
        &["--github-env", "A", "--github-output", "B"],
    ] {
        sandbox.keyward(["mint", "ci"]).args(sinks).exit(2);
    }
    assert!(!sandbox.store_path().exists(), "a store was made");
}

#[test]
fn a_file_out_of_the_owners_umask_is_still_private_and_readable() {
    let sandbox = Sandbox::with_keys(&["first"]);
    for umask in ["000", "022", "077", "777"] {
        let script = format!("umask {umask}; exec \"$0\" mint key-{umask} --out {umask}.key");
        sandbox.program("sh", ["-c", &script, KEYWARD]).ok();
        let file = sandbox.home().join(format!("{umask}.key"));
        assert_eq!(mode(&file), 0o600, "umask {umask}");
        let secret = fs::read_to_string(&file).expect("it can be read");
        sandbox.verdict(&secret, &[], 0, "valid");
    }
}
