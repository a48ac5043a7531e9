//! `ensure` and `apply` at once: every key is made once, its secret is where it belongs, and whoever comes late finds
//! everything as it should be or the store busy.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::apply::key;
use crate::ensure::ensure;
use crate::support::disturb::{at_once, can_disturb};
use crate::support::files::{mode, names_in};
use crate::support::held::Held;
use crate::support::{Invocation, Output, Sandbox, text};

/// Counts the runs that answered with this action. The others found nothing to do, or the store busy.
#[track_caller]
fn only_these(outputs: &[Output], action: &str) -> usize {
    let mut count = 0;
    for output in outputs {
        if output.status == 6 {
            assert_eq!(output.error()["code"], "busy");
            continue;
        }
        assert_eq!(output.status, 0, "{}", output.transcript());
        let done = output.json()["action"].clone();
        assert!(done == action || done == "unchanged", "{done}");
        count += usize::from(done == action);
    }
    count
}

/// Asserts that `ci` is one live key, and its secret the only thing in the file.
#[track_caller]
fn assert_one_key(sandbox: &Sandbox, file: &str) {
    let keys = sandbox.keyward(["list", "--all", "--name", "ci"]).answer();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1), "{keys:#}");
    let verdict = sandbox.verdict(&sandbox.line(file), &[], 0, "valid");
    assert_eq!(verdict["subject"]["id"], keys["keys"][0]["id"]);
    assert_eq!(mode(sandbox.home().join(file)), 0o600);
    sandbox.assert_whole();
    if sandbox.place().is_none() {
        let folder = sandbox.store_path();
        let folder = folder.parent().expect("the store has a folder");
        assert_eq!(names_in(folder), ["keyward.db", "keyward.db.lock", "keyward.db.reserve"]);
    }
}

#[test]
fn the_first_runs_of_many_processes_create_one_key() {
    let sandbox = Sandbox::new();
    let runs = (0..32).map(|_| sandbox.keyward(["--json", "ensure", "ci", "--out", "F"]));
    let outputs = at_once(runs.collect());
    assert_eq!(only_these(&outputs, "created"), 1);
    assert_one_key(&sandbox, "F");
    assert_eq!(sandbox.names_at_home(), ["F"]);
}

#[test]
fn many_processes_create_one_key_in_a_store_that_exists() {
    let sandbox = Sandbox::with_keys(&["other"]);
    let arguments = ["--json", "ensure", "ci", "--out", "F"];
    let runs = (0..32).map(|_| sandbox.keyward(arguments));
    let outputs = at_once(runs.collect());
    assert_eq!(only_these(&outputs, "created"), 1);
    assert_one_key(&sandbox, "F");
    assert_eq!(sandbox.names_at_home(), ["F"]);
}

#[test]
fn many_processes_set_one_variable() {
    let sandbox = Sandbox::with_keys(&["other"]);
    sandbox.file(".env", "A=1\n");
    let arguments = ["--json", "ensure", "ci", "--dotenv", ".env", "--var", "KEY"];
    let runs = (0..16).map(|_| sandbox.keyward(arguments));
    let outputs = at_once(runs.collect());
    assert_eq!(only_these(&outputs, "created"), 1);
    let text = sandbox.text(".env");
    let secret = text.strip_prefix("A=1\nKEY=").expect("it is set once");
    sandbox.verdict(secret.trim_end(), &[], 0, "valid");
    assert_eq!(sandbox.listed(&["--all"]), ["ci", "other"]);
    assert_eq!(sandbox.names_at_home(), [".env"]);
}

#[test]
fn many_processes_rotate_a_key_that_is_due_once() {
    let sandbox = Sandbox::new();
    ensure(&sandbox, &["ci", "--expires", "10d", "--out", "F"]);
    let arguments =
        ["--json", "ensure", "ci", "--expires", "90d", "--rotate-before", "14d", "--out", "F"];
    let runs = (0..16).map(|_| sandbox.keyward(arguments));
    let outputs = at_once(runs.collect());
    assert_eq!(only_these(&outputs, "rotated"), 1);
    assert_eq!(sandbox.listed(&["--all"]), ["ci", "ci"]);
    let verdict = sandbox.verdict(&sandbox.line("F"), &[], 0, "valid");
    assert_eq!(verdict["subject"]["id"], sandbox.id_of("ci").as_str());
    sandbox.assert_whole();
}

/// Runs one that is held up before the first of these system calls, and another, undisturbed, meanwhile.
fn overtaken(
    sandbox: &Sandbox,
    calls: &str,
    late: Invocation,
    early: Invocation,
) -> (Output, Output) {
    const HELD_UP: Duration = Duration::from_millis(2500);
    let trace = format!("trace={calls}");
    let delay = format!("inject={calls}:delay_enter={}:when=1", HELD_UP.as_micros());
    let output = sandbox.home().join("trace");
    let strace = ["strace", "-f", "-qq", "-e", &trace, "-e", &delay, "-o"];
    let words = strace.map(std::ffi::OsString::from);
    let late = late.through(words.into_iter().chain([output.into_os_string()]));
    thread::scope(|scope| {
        let late = scope.spawn(|| late.run());
        // Long enough to come to the call. A run that has not is simply the second one.
        thread::sleep(HELD_UP / 5);
        let early = early.run();
        let late = late.join().expect("a run does not panic");
        fs::remove_file(sandbox.home().join("trace")).expect("there is a trace");
        (late, early)
    })
}

#[test]
fn a_first_run_that_is_overtaken_finds_the_key_as_it_should_be() {
    if !can_disturb() {
        return;
    }
    let sandbox = Sandbox::new();
    let run = || sandbox.keyward(["--json", "ensure", "ci", "--out", "F"]);
    // The first thing that is asked of the system by these is whether the sink's folder can be written, which is after
    // it was seen that there is no store.
    let (late, early) = overtaken(&sandbox, "?access,faccessat,?faccessat2", run(), run());
    assert_eq!(only_these(&[late, early], "created"), 1);
    assert_one_key(&sandbox, "F");
}

/// A manifest with six keys.
fn six() -> String {
    let mut manifest = "[workspace.acme]\n".to_owned();
    for number in 1..=6 {
        let deliver = format!("out = \"keys/{number}\"");
        manifest.push_str(&key("acme", &format!("key-{number}"), "", &deliver));
    }
    manifest
}

/// Asserts that the six keys were created once by all of these runs, that each is live and in its file, and that no run
/// failed.
#[track_caller]
fn assert_six(sandbox: &Sandbox, outputs: &[Output]) {
    let (mut created, mut failed) = (Vec::new(), Vec::new());
    for output in outputs {
        match output.status {
            0 => {
                let answer = output.json();
                let changes = answer["changes"].as_array().expect("a list of changes");
                let these = changes.iter().filter(|change| change["action"] == "created");
                created.extend(these.map(|change| text(change, "name")));
            }
            6 => {}
            _ => failed.push(text(&output.error(), "message")),
        }
    }
    created.sort();
    let names: Vec<_> = (1..=6).map(|number| format!("key-{number}")).collect();
    assert_eq!(sandbox.listed(&["--all", "-w", "acme"]), names);
    for number in 1..=6 {
        let secret = sandbox.line(&format!("keys/{number}"));
        let verdict = sandbox.verdict(&secret, &["--no-record"], 0, "valid");
        assert_eq!(verdict["subject"]["name"], format!("key-{number}"));
    }
    assert_eq!(names_in(sandbox.home().join("keys")).len(), 6);
    sandbox.assert_whole();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(created, names, "one of them was told of twice or not at all");
}

#[test]
fn applies_of_one_manifest_at_once_create_each_key_once() {
    let sandbox = Sandbox::new();
    sandbox.file("keys.toml", &six());
    sandbox.workspace("acme", &[]);
    let runs = (0..4).map(|_| sandbox.keyward(["--json", "apply", "keys.toml"]));
    assert_six(&sandbox, &at_once(runs.collect()));
}

#[test]
fn first_applies_of_one_manifest_at_once_make_its_workspace_once() {
    let sandbox = Sandbox::new();
    sandbox.file("keys.toml", &six());
    let runs = (0..4).map(|_| sandbox.keyward(["--json", "apply", "keys.toml"]));
    assert_six(&sandbox, &at_once(runs.collect()));
}

#[test]
fn an_apply_that_is_overtaken_finds_the_keys_as_they_should_be() {
    if !can_disturb() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.file("keys.toml", &six());
    sandbox.workspace("acme", &[]);
    let run = || sandbox.keyward(["--json", "apply", "keys.toml"]);
    // The store is read by this call alone, after it was looked what the files hold.
    let (late, early) = overtaken(&sandbox, "pread64", run(), run());
    assert_six(&sandbox, &[late, early]);
}

#[test]
fn a_delivery_under_way_is_waited_for_as_long_as_told() {
    let sandbox = Sandbox::new();
    let held = Held::start(sandbox.home(), sandbox.keyward(["ensure", "x"]));
    let wait = |wait: &str| {
        let begun = Instant::now();
        let run = sandbox.keyward(["ensure", "y", "--out", "Y", "--wait", wait]);
        let error = run.refused(6, "busy");
        assert!(text(&error, "hint").contains("--wait"), "{error:#}");
        begun.elapsed()
    };
    let waited = wait("200ms");
    assert!(waited >= Duration::from_millis(200), "{waited:?}");
    // Without --wait it would be ten seconds.
    assert!(waited < Duration::from_secs(9), "{waited:?}");
    wait("0s");
    let manifest = format!("[workspace.default]\n{}", key("default", "z", "", "out = \"Z\""));
    sandbox.file("keys.toml", &manifest);
    let apply = sandbox.keyward(["apply", "keys.toml", "--wait", "200ms"]);
    apply.refused(6, "busy");
    assert!(!sandbox.home().join("Y").exists());
    assert!(!sandbox.home().join("Z").exists());
    assert_eq!(sandbox.listed(&["--all"]), ["x"]);
    // Looking, and what has no secret to deliver, is held up by nobody.
    sandbox.keyward(["apply", "keys.toml", "--check", "--wait", "200ms"]).exit(18);
    thread::scope(|scope| {
        // The usual wait is long enough for a delivery of an instant.
        let other = scope.spawn(|| ensure(&sandbox, &["y", "--out", "Y"]));
        thread::sleep(Duration::from_millis(500));
        assert!(!other.is_finished(), "it did not wait");
        let output = held.release();
        assert_eq!(output.status, 0, "{}", output.transcript());
        let other = other.join().expect("a run does not panic");
        assert_eq!(other["action"], "created");
    });
    assert_eq!(sandbox.listed(&[]), ["x", "y"]);
    sandbox.verdict(&sandbox.line("Y"), &[], 0, "valid");
}

#[test]
fn the_same_key_under_way_is_waited_for_and_then_unchanged() {
    let sandbox = Sandbox::new();
    let held = Held::start(sandbox.home(), sandbox.keyward(["ensure", "ci"]));
    let (secret, command) = (held.secret.clone(), ["ensure", "ci", "--", "sh", "-c", "touch ran"]);
    thread::scope(|scope| {
        let other = scope.spawn(|| sandbox.keyward(command).answer());
        thread::sleep(Duration::from_millis(300));
        assert_eq!(held.release().status, 0);
        let other = other.join().expect("a run does not panic");
        assert_eq!(other["action"], "unchanged");
    });
    assert!(!sandbox.home().join("ran").exists());
    sandbox.verdict(&secret, &[], 0, "valid");
    assert_eq!(sandbox.listed(&["--all"]), ["ci"]);
}
