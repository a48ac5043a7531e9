//! Processes that are killed at any moment, or whose system calls fail.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::disturb::{can_disturb, disturbed};
use crate::support::{KEYWARD, Sandbox};

/// What a process that was killed had written, and whether it was killed.
struct Killed {
    stdout: String,
    in_time: bool,
}

/// Starts keyward and kills it after this long.
fn killed_after(sandbox: &Sandbox, arguments: &[&str], delay: Duration) -> Killed {
    let mut child = Command::new(KEYWARD)
        .args(arguments)
        .env_clear()
        .envs(sandbox.variables())
        .current_dir(sandbox.home())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("keyward can be started");
    thread::sleep(delay);
    child.kill().expect("a child can be killed");
    let mut stdout = String::new();
    let mut pipe = child.stdout.take().expect("stdout is a pipe");
    pipe.read_to_string(&mut stdout).expect("the pipe can be read");
    let status = child.wait().expect("a child ends");
    Killed { stdout, in_time: status.code().is_none() }
}

/// Asserts that every active key of this name, but for the one with an older holder, was handed over whole, and that
/// a secret that is wholly out is not lost.
fn assert_held(sandbox: &Sandbox, name: &str, older: Option<&str>, stdout: &str) {
    sandbox.assert_whole();
    let listed = sandbox.keyward(["list", "--all", "--name", name]).answer();
    let keys = listed["keys"].as_array().expect("keys are a list");
    for key in keys.iter().filter(|key| key["name"] == name) {
        if key["status"] != "active" || older.is_some_and(|id| key["id"] == id) {
            continue;
        }
        let secret = stdout
            .strip_suffix('\n')
            .unwrap_or_else(|| panic!("{name} is live and its holder has {stdout:?}"));
        let verdict = sandbox.verdict(secret, &[], 0, "valid");
        assert_eq!(verdict["subject"]["id"], key["id"]);
    }
    if let Some(secret) = stdout.strip_suffix('\n') {
        // The way back after a crash between the delivery and the activation.
        sandbox.keyward(["activate"]).stdin(secret).ok();
        sandbox.verdict(secret, &[], 0, "valid");
    }
}

/// How long an undisturbed mint takes here.
fn usual_duration(sandbox: &Sandbox) -> Duration {
    let begun = Instant::now();
    for number in 0..5 {
        sandbox.mint(&format!("usual-{number}"));
    }
    begun.elapsed() / 5
}

#[test]
fn a_mint_killed_at_any_moment_leaves_no_live_key_without_a_holder() {
    let sandbox = Sandbox::new();
    let usual = usual_duration(&sandbox);
    let mut killed = 0;
    for number in 0..40u32 {
        let name = format!("key-{number}");
        let delay = usual * number / 30;
        let run = killed_after(&sandbox, &["mint", &name], delay);
        killed += u32::from(run.in_time);
        assert_held(&sandbox, &name, None, &run.stdout);
    }
    assert!(killed > 5, "only {killed} of 40 were killed in time");
}

#[test]
fn a_first_run_killed_at_any_moment_leaves_no_store_or_a_whole_one() {
    let usual = usual_duration(&Sandbox::new()) * 2;
    for number in 0..20u32 {
        let sandbox = Sandbox::new();
        let delay = usual * number / 15;
        let run = killed_after(&sandbox, &["mint", "ci"], delay);
        if sandbox.store_path().exists() {
            assert_held(&sandbox, "ci", None, &run.stdout);
        }
        sandbox.keyward(["mint", "next"]).ok();
        sandbox.assert_whole();
    }
}

#[test]
fn a_rotation_killed_at_any_moment_leaves_a_valid_secret() {
    let sandbox = Sandbox::new();
    let usual = usual_duration(&sandbox);
    for number in 0..20u32 {
        let name = format!("key-{number}");
        let old = sandbox.mint(&name);
        let id = sandbox.id_of(&name);
        let run = killed_after(&sandbox, &["rotate", &name, "--now"], usual * number / 15);
        let status = sandbox.keyward(["verify"]).stdin(&old).run().status;
        if status != 0 {
            let new = run.stdout.strip_suffix('\n').unwrap_or_else(|| {
                panic!("the old secret is dead and the new one not out: {:?}", run.stdout)
            });
            sandbox.verdict(new, &[], 0, "valid");
        }
        assert_held(&sandbox, &name, Some(&id), &run.stdout);
    }
}

#[test]
fn a_revocation_killed_at_any_moment_is_whole_or_did_not_happen() {
    let sandbox = Sandbox::new();
    let usual = usual_duration(&sandbox);
    for number in 0..20u32 {
        let names = [format!("a-{number}"), format!("b-{number}")];
        let secrets = [sandbox.mint(&names[0]), sandbox.mint(&names[1])];
        let arguments = ["revoke", "--yes", &names[0], &names[1]];
        killed_after(&sandbox, &arguments, usual * number / 15);
        let verify = |secret: &String| sandbox.keyward(["verify"]).stdin(secret).run().status;
        let statuses = secrets.each_ref().map(verify);
        assert!(statuses == [0, 0] || statuses == [11, 11], "{statuses:?}");
        sandbox.assert_whole();
    }
}

/// The system calls by which a mint changes the world.
const CALLS: &[&str] =
    &["write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "unlink"];

#[test]
fn a_mint_killed_at_any_system_call_leaves_no_live_key_without_a_holder() {
    if !can_disturb() {
        return;
    }
    let mut points = 0;
    for call in CALLS {
        let sandbox = Sandbox::with_keys(&["first"]);
        for place in 1..=15 {
            let name = format!("{call}-{place}");
            let injection = format!("{call}:signal=KILL:when={place}");
            let output = disturbed(&sandbox, &["mint", &name], &injection);
            assert_held(&sandbox, &name, None, &output.stdout);
            if output.status == 0 {
                break;
            }
            assert_eq!(output.status, 137, "{injection}: {}", output.transcript());
            points += 1;
        }
    }
    assert!(points >= 8, "a mint was killed at {points} places only");
}

#[test]
fn a_mint_whose_system_calls_fail_tells_the_truth() {
    if !can_disturb() {
        return;
    }
    let mut failures = 0;
    for error in ["EIO", "ENOSPC"] {
        for call in ["pwrite64", "fsync", "fdatasync"] {
            for persistently in ["", "+"] {
                let sandbox = Sandbox::with_keys(&["first"]);
                for place in 1..=12 {
                    let name = format!("{call}-{place}");
                    let injection = format!("{call}:error={error}:when={place}{persistently}");
                    let output = disturbed(&sandbox, &["mint", &name], &injection);
                    assert!(
                        matches!(output.status, 0 | 7 | 16 | 17),
                        "{injection}: {}",
                        output.transcript()
                    );
                    assert!(!output.stderr.contains("panicked"), "{}", output.stderr);
                    sandbox.assert_whole();
                    if output.status == 0 {
                        let secret = output.line();
                        sandbox.verdict(&secret, &[], 0, "valid");
                        let undisturbed = !fs::read_to_string(sandbox.home().join("trace"))
                            .expect("there is a trace")
                            .contains("INJECTED");
                        if undisturbed {
                            break;
                        }
                    } else {
                        failures += 1;
                        assert_held(&sandbox, &name, None, &output.stdout);
                    }
                }
            }
        }
    }
    assert!(failures >= 20, "only {failures} mints failed");
}

#[test]
fn a_revocation_whose_system_calls_fail_tells_the_truth() {
    if !can_disturb() {
        return;
    }
    let mut failures = 0;
    for call in ["pwrite64", "fsync", "fdatasync"] {
        for persistently in ["", "+"] {
            for place in 1..=6 {
                let (sandbox, secret) = Sandbox::with_key("ci");
                let injection = format!("{call}:error=EIO:when={place}{persistently}");
                let output = disturbed(&sandbox, &["revoke", "ci", "--yes"], &injection);
                let status = sandbox.keyward(["verify"]).stdin(&secret).run().status;
                failures += u32::from(output.status != 0);
                let is_truth = match output.status {
                    0 => status == 11,
                    7 => status == 0,
                    17 => matches!(status, 0 | 11),
                    _ => false,
                };
                assert!(is_truth, "{injection}: verify says {status}: {}", output.transcript());
                sandbox.assert_whole();
            }
        }
    }
    assert!(failures >= 5, "only {failures} revocations failed");
}
