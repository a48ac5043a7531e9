//! What other processes commit is seen by the next verdict, however it came into the store's log and whatever became of that.
//!
//! The short form always runs. `KEYWARD_THOROUGH=1 cargo test --release --test it -- --nocapture freshness` revokes 1,000 keys.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use keyward::{Code, Request, Secret, Timestamp, Verifier};

use crate::support::time::now;
use crate::support::{Sandbox, is_thorough, tool};

const WAIT: Duration = Duration::from_secs(10);

fn open(sandbox: &Sandbox) -> Verifier<String> {
    Verifier::open(&sandbox.named(), WAIT, |key| key.name).expect("there is a store")
}

fn judge(verifier: &mut Verifier<String>, secret: &str) -> Code {
    let request = Request::new(Secret::new(secret.to_owned()));
    let verdict = verifier.verify(&request, Timestamp::from_millis(now()));
    verdict.expect("the store can be read").code
}

/// A sandbox with `key-1` and so on, and their secrets.
fn with_keys(count: usize) -> (Sandbox, Vec<String>) {
    let sandbox = Sandbox::new();
    let mint = ["mint", "key", "--count", &count.to_string()];
    let minted = sandbox.keyward(mint).ok();
    let secrets = minted.stdout.lines().map(str::to_owned).collect();
    (sandbox, secrets)
}

fn revoke(sandbox: &Sandbox, number: usize) {
    let name = format!("key-{}", number + 1);
    sandbox.keyward(["revoke", &name, "--yes"]).ok();
}

/// Has another process bring the log into the file.
fn checkpoint(sandbox: &Sandbox, how: &str) {
    let sql = format!("PRAGMA busy_timeout = 50; PRAGMA wal_checkpoint({how})");
    let path = sandbox.store_path();
    sandbox.program("sqlite3", [path.as_os_str(), sql.as_ref()]).ok();
}

fn rounds() -> usize {
    if is_thorough() { 1_000 } else { 50 }
}

#[test]
fn revocations_at_full_speed_are_each_seen_by_the_next_verdict() {
    const WRITERS: usize = 2;
    let (sandbox, secrets) = with_keys(rounds());
    let revoked: Vec<AtomicBool> = secrets.iter().map(|_| AtomicBool::new(false)).collect();
    let mut verifier = open(&sandbox);
    for secret in &secrets {
        assert_eq!(judge(&mut verifier, secret), Code::Valid);
    }
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (sandbox, revoked) = (&sandbox, &revoked);
                scope.spawn(move || {
                    for number in (writer..revoked.len()).step_by(WRITERS) {
                        revoke(sandbox, number);
                        revoked[number].store(true, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            for (number, secret) in secrets.iter().enumerate() {
                let was_revoked = revoked[number].load(Ordering::SeqCst);
                let code = judge(&mut verifier, secret);
                let is_right = code == Code::Revoked || (code == Code::Valid && !was_revoked);
                assert!(is_right, "key {number}, revoked {was_revoked}: {code:?}");
            }
        }
    });
    for secret in &secrets {
        assert_eq!(judge(&mut verifier, secret), Code::Revoked);
    }
    verifier.close().expect("the counts can be written");
    sandbox.assert_whole();
}

#[test]
fn a_log_that_begins_anew_hides_no_revocation() {
    if !tool("sqlite3") {
        return;
    }
    let (sandbox, secrets) = with_keys(rounds());
    let mut verifier = open(&sandbox);
    let ways = ["TRUNCATE", "RESTART", "PASSIVE", "FULL"];
    for (number, secret) in secrets.iter().enumerate() {
        for _ in 0..3 {
            assert_eq!(judge(&mut verifier, secret), Code::Valid);
        }
        let how = ways[number % ways.len()];
        // Before it, after it, or both; and this process's own counts are in the log or not.
        if number & 4 == 0 {
            checkpoint(&sandbox, how);
        }
        if number & 8 == 0 {
            assert_eq!(judge(&mut verifier, secret), Code::Valid);
        }
        revoke(&sandbox, number);
        if number & 16 == 0 {
            checkpoint(&sandbox, how);
        }
        assert_eq!(judge(&mut verifier, secret), Code::Revoked, "{number}");
        if number & 32 == 0 {
            verifier.flush().expect("the counts can be written");
        }
    }
    verifier.close().expect("the counts can be written");
    sandbox.assert_whole();
}

#[test]
fn an_index_that_was_removed_while_nobody_had_it_is_made_again_and_gone_by() {
    let (sandbox, secrets) = with_keys(5);
    let index = format!("{}-shm", sandbox.store_path().display());
    // A verifier that looked at another index goes on with nothing of it.
    let mut verifier = open(&sandbox);
    for (number, secret) in secrets.iter().enumerate() {
        assert_eq!(judge(&mut verifier, secret), Code::Valid);
        verifier.close().expect("the counts can be written");
        if fs::exists(&index).expect("it can be looked for") {
            fs::remove_file(&index).expect("it can be removed");
        }
        verifier = open(&sandbox);
        for _ in 0..3 {
            assert_eq!(judge(&mut verifier, secret), Code::Valid);
        }
        revoke(&sandbox, number);
        assert_eq!(judge(&mut verifier, secret), Code::Revoked);
    }
}

#[test]
fn a_verifier_that_is_closed_takes_no_index_away_from_another() {
    let (sandbox, secrets) = with_keys(6);
    for (number, secret) in secrets.iter().enumerate() {
        let beside = open(&sandbox);
        let mut verifier = open(&sandbox);
        assert_eq!(judge(&mut verifier, secret), Code::Valid);
        drop(beside);
        assert_eq!(judge(&mut verifier, secret), Code::Valid);
        revoke(&sandbox, number);
        assert_eq!(judge(&mut verifier, secret), Code::Revoked);
    }
}
