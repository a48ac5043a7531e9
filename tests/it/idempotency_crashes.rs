//! `keyward mint --idempotency-key` killed at any system call and run again, and overtaken by another: the end of one run
//! that nobody disturbed.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::idempotency::{assert_reissued, kept, mint, only_key, told};
use crate::support::disturb::{at_once, can_disturb, disturbed};
use crate::support::held::Held;
use crate::support::{Sandbox, text};

/// The system calls by which a mint into a file changes the world or begins to.
const CALLS: [&str; 9] = [
    "flock",
    "fchmod",
    "ftruncate",
    "pwrite64",
    "fsync",
    "write",
    "renameat2",
    "unlink",
    "unlinkat",
];

/// The places of a call at which a run is killed: all of the few, and some of the many writes of a transaction.
fn places(call: &str) -> Vec<u32> {
    match call {
        "pwrite64" => vec![1, 2, 5, 17, 24, 30, 31, 40],
        _ => (1..=12).collect(),
    }
}

/// The records of the keys of this name.
fn records(sandbox: &Sandbox, name: &str) -> Vec<Value> {
    let mut keys = sandbox.keys(&["--name", name]);
    keys.retain(|key| key["name"] == name);
    keys
}

/// Kills mints with these flags wherever they may be killed, runs each again, and hands what came of it to the closure:
/// the key and the secret in its file. Says how many were killed before and after the secret was in its file.
fn each_end(flags: &[&str], body: impl Fn(&Sandbox, &Value, &str)) -> [u32; 2] {
    let mut killed = [0; 2];
    let sandbox = Sandbox::with_keys(&["first"]);
    for call in CALLS {
        for place in places(call) {
            let name = format!("{call}-{place}");
            let line = ["mint", &name, "--idempotency-key", &name, "--out", &name];
            let line = [&line[..], flags].concat();
            let injection = format!("{call}:signal=KILL:when={place}");
            let output = disturbed(&sandbox, &line, &injection);
            let file = sandbox.home().join(&name);
            let is_out = file.exists();
            let before = records(&sandbox, &name);
            assert!(before.len() <= 1, "{injection}: {before:#?}");
            if output.status == 0 {
                body(&sandbox, &before[0], &sandbox.line(&name));
                break;
            }
            assert_eq!(output.status, 137, "{injection}: {}", output.transcript());
            killed[usize::from(is_out)] += 1;

            let again = sandbox.keyward(&line).args(["--json"]).run();
            let after = records(&sandbox, &name);
            assert_eq!(after.len(), 1, "{injection}: {after:#?}");
            let key = &after[0];
            match again.status {
                0 => assert_eq!(again.json(), *key, "{injection}"),
                // It was killed when everything was done.
                _ => assert_eq!(told(&again), key["id"], "{injection}"),
            }
            assert!(is_out || again.status == 0, "{}", again.transcript());
            if let Some(before) = before.first() {
                assert_eq!(before["id"], key["id"], "{injection}");
            }
            let leftover = sandbox.home().join(format!(".{name}.keyward-draft"));
            assert!(!leftover.exists(), "{injection} left a draft");
            body(&sandbox, key, &sandbox.line(&name));
            told(&sandbox.keyward(&line).args(["--json"]).run());
        }
    }
    sandbox.assert_whole();
    killed
}

#[test]
fn a_mint_that_was_killed_anywhere_ends_as_if_it_had_not_been() {
    if !can_disturb() {
        return;
    }
    let killed = each_end(&[], |sandbox, key, secret| {
        assert_eq!(key["status"], "active", "{key:#}");
        let verdict = sandbox.verdict(secret, &["--no-record"], 0, "valid");
        assert_eq!(verdict["subject"]["id"], key["id"]);
    });
    assert!(killed[0] >= 15 && killed[1] >= 5, "{killed:?}");
}

#[test]
fn a_held_mint_that_was_killed_anywhere_is_still_held() {
    if !can_disturb() {
        return;
    }
    let killed = each_end(&["--hold"], |sandbox, key, secret| {
        assert_eq!(key["status"], "pending", "{key:#}");
        let verdict = sandbox.verdict(secret, &["--no-record"], 13, "pending");
        assert_eq!(verdict["subject"]["id"], key["id"]);
        let activate = sandbox.keyward(["activate"]).stdin(secret);
        assert_eq!(text(&activate.answer(), "status"), "active");
    });
    assert!(killed[0] >= 15 && killed[1] >= 3, "{killed:?}");
}

#[test]
fn a_first_run_that_another_overtakes_finds_that_everything_was_done() {
    if !can_disturb() {
        return;
    }
    let sandbox = Sandbox::new();
    let line = ["mint", "ci", "--idempotency-key", "K", "--out", "f"];
    thread::scope(|scope| {
        // It found no store, and checks its sink only later.
        let delay = "inject=access,faccessat,faccessat2:delay_enter=1000000:when=1";
        let wrapper = ["strace", "-f", "-o", "trace", "-e", delay];
        let run = sandbox.keyward(["--json"]).args(line).through(wrapper);
        let overtaken = scope.spawn(|| run.run());
        thread::sleep(Duration::from_millis(500));
        sandbox.keyward(line).ok();
        let output = overtaken.join().expect("a run does not panic");
        assert_eq!(told(&output), sandbox.id_of("ci"));
    });
    sandbox.verdict(&sandbox.line("f"), &[], 0, "valid");
}

#[test]
fn of_many_at_once_one_hands_a_secret_over() {
    for sink in [&[][..], &["--out", "f"], &["--", "sh", "-c", "cat >>got"]] {
        let sandbox = Sandbox::with_workspace("default", &[]);
        let outputs = at_once((0..16).map(|_| mint(&sandbox, sink)).collect());
        let mut secrets = Vec::new();
        for output in &outputs {
            match output.status {
                0 => secrets.extend(output.stdout.lines().map(str::to_owned)),
                4 | 6 => assert_eq!(output.stdout, "", "{}", output.transcript()),
                _ => panic!("{}", output.transcript()),
            }
        }
        let done = outputs.iter().filter(|output| output.status == 0);
        assert_eq!(done.count(), 1);
        for file in ["f", "got"] {
            if sandbox.home().join(file).exists() {
                let kept = kept(&sandbox, file);
                secrets.extend(kept.lines().map(str::to_owned));
            }
        }
        assert_eq!(secrets.len(), 1, "{sink:?}");
        let verdict = sandbox.verdict(&secrets[0], &["--no-record"], 0, "valid");
        assert_eq!(verdict["subject"], only_key(&sandbox));
        sandbox.assert_whole();
    }
}

#[test]
fn whoever_comes_during_a_delivery_waits_for_its_end_and_holds_nobody_else_up() {
    let sandbox = Sandbox::new();
    let held = Held::start(sandbox.home(), mint(&sandbox, &[]));
    let error = mint(&sandbox, &["--wait", "200ms"]).refused(6, "busy");
    assert!(text(&error, "hint").contains("--wait"), "{error:#}");
    sandbox.mint_with("other", &["--wait", "1s"]);
    let secret = held.secret.clone();
    assert_eq!(held.release().status, 0);
    told(&mint(&sandbox, &["--json"]).run());
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn after_a_crash_the_holder_of_the_secret_may_activate_it_or_it_is_nobodys() {
    let sandbox = Sandbox::new();
    let held = Held::start(sandbox.home(), mint(&sandbox, &[]));
    let lost = held.secret.clone();
    held.killed();
    let id = text(&only_key(&sandbox), "id");
    let secret = mint(&sandbox, &[]).ok().line();
    sandbox.file("half", &lost);
    assert_reissued(&sandbox, &id, &secret);

    let sandbox = Sandbox::new();
    let held = Held::start(sandbox.home(), mint(&sandbox, &[]));
    let found = held.secret.clone();
    held.killed();
    sandbox.keyward(["activate"]).stdin(&found).ok();
    told(&mint(&sandbox, &["--json"]).run());
    assert_eq!(sandbox.show("ci")["status"], "active");
    sandbox.verdict(&found, &[], 0, "valid");
}
