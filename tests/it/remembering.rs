//! What a verifier remembers gives the verdicts that looking everything up would give, whatever was changed and counted meanwhile.

use std::time::Duration;

use keyward::{Code, Kind, Request, Secret, Timestamp, Verdict, Verifier};
use serde_json::json;

use crate::metering::limited;
use crate::support::Sandbox;
use crate::support::counts::{credits, not_around_midnight};
use crate::support::time::{DAY, now};
use crate::transfer::{foreign, import, line};

const WAIT: Duration = Duration::from_secs(10);

/// What is kept of a key here: all of its record.
type Kept = String;

fn open(sandbox: &Sandbox) -> Verifier<Kept> {
    let keep = |key: keyward::Key| format!("{key:?}");
    Verifier::open(&sandbox.named(), WAIT, keep).expect("there is a store")
}

fn request(secret: &str) -> Request {
    Request::new(Secret::new(secret.to_owned()))
}

/// What two verdicts can be compared by; `seen` of the record is the time that the store has recorded.
fn told(verdict: &Verdict<keyward::Kept<Kept>>) -> (Code, Option<String>, Option<u64>, bool) {
    let subject = verdict.subject.as_deref();
    let record = subject.map(|record| record.split(", seen: ").next().unwrap_or_default());
    let is_limited = verdict.retry_after.is_some();
    (verdict.code, record.map(str::to_owned), verdict.remaining, is_limited)
}

/// Asserts that a verifier says of each secret what one that remembers nothing does, and that twice: the second time it may
/// remember what it has looked up.
#[track_caller]
fn assert_alike(verifier: &mut Verifier<Kept>, sandbox: &Sandbox, secrets: &[String], after: &str) {
    for round in 0..2 {
        for secret in secrets {
            let mut asked = request(secret);
            asked.ask.scopes = Vec::new();
            // A refusal, which takes nothing of a limit and leaves the last use alone.
            asked.ask.environment = Some("nowhere".to_owned());
            let now = Timestamp::from_millis(now());
            let remembered = verifier.verify(&asked, now).expect("a verdict");
            verifier.flush().expect("the counts can be written");
            asked.record = false;
            let mut other = open(sandbox).remembering(0);
            let looked_up = other.verify(&asked, now).expect("a verdict");
            let place = format!("round {round} after {after}: {}", &secret[..8]);
            assert_eq!(told(&remembered), told(&looked_up), "{place}");
            assert_eq!(remembered.last_used_at, looked_up.last_used_at, "{place}");
        }
    }
}

#[test]
fn after_any_change_a_verdict_is_as_one_of_a_verifier_that_remembers_nothing() {
    let sandbox = Sandbox::with_workspace("shop", &["--preset", "audioscrape"]);
    sandbox.workspace("other", &[]);
    let mut secrets: Vec<String> = ["a", "b", "c", "d", "e", "f"]
        .iter()
        .map(|name| sandbox.mint_with(name, &["-w", "shop"]))
        .collect();
    secrets.push(sandbox.mint_with("x", &["-w", "other"]));
    // Nobody's yet: of a form that keyward makes, and of one that it does not.
    let elsewhere = Sandbox::with_workspace("shop", &["--preset", "audioscrape"]);
    secrets.extend([elsewhere.mint("later"), foreign(1), foreign(2)]);
    let mut verifier = open(&sandbox);
    assert_alike(&mut verifier, &sandbox, &secrets, "nothing");
    let imported = line("imported", &secrets[7], &json!({}));
    let imported_foreign = line("foreign", &secrets[8], &json!({}));
    let changes: &[&[&str]] = &[
        &["rename", "a", "a2", "-w", "shop"],
        &["set", "b", "--owner", "someone", "-w", "shop"],
        &["disable", "c", "-w", "shop"],
        &["workspace", "use", "shop"],
        &["store", "backup", "backup.db"],
        &["import", &imported],
        &["enable", "c", "-w", "shop"],
        &["import", &imported_foreign],
        &["rotate", "d", "--grace", "30d", "-w", "shop"],
        &["revoke", "b", "--yes", "-w", "shop"],
        &["rotate", "d", "--cancel", "--yes", "-w", "shop"],
        &["workspace", "rename", "shop", "market"],
        &["workspace", "set", "-w", "market", "--plan", "pro"],
        &["rename", "e", "e2", "-w", "market"],
        &["workspace", "create", "third"],
        &["prune", "--all-workspaces", "--yes"],
        &["revoke", "x", "--yes", "-w", "other"],
        &["workspace", "delete", "other", "--yes"],
        &["mint", "again", "-w", "market"],
        &["store", "restore", "backup.db", "--yes"],
        &["store", "check", "--reset-clock"],
    ];
    let mut done = Vec::new();
    for change in changes {
        let run = match change {
            ["import", line] => import(&sandbox, line),
            change => sandbox.keyward(change.iter()),
        };
        let output = run.run();
        if output.status == 0 {
            done.push(change[..2].join(" "));
        } else {
            panic!("{}", output.transcript());
        }
        assert_alike(&mut verifier, &sandbox, &secrets, &change.join(" "));
    }
    verifier.close().expect("the counts can be written");
    sandbox.assert_whole();
}

#[test]
fn a_change_of_one_key_leaves_what_is_remembered_of_others() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let sandbox = Sandbox::new();
    let secrets = ["a", "b", "c"].map(|name| sandbox.mint(name));
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let keep = move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    };
    let mut verifier = Verifier::open(&sandbox.named(), WAIT, keep).expect("there is a store");
    let mut judge_all = || {
        for secret in &secrets {
            let verdict = verifier.verify(&request(secret), Timestamp::from_millis(now()));
            assert_eq!(verdict.expect("a verdict").code, Code::Valid);
        }
        made.swap(0, Ordering::Relaxed)
    };
    assert_eq!(judge_all(), 3);
    for (change, again) in [
        (&["rename", "a", "a2"][..], 1),
        (&["mint", "d"], 0),
        (&["workspace", "create", "second"], 0),
        (&["set", "b", "--owner", "someone", "-w", "default"], 1),
        (&["workspace", "rename", "default", "first"], 3),
        (&["workspace", "delete", "second", "--yes"], 3),
    ] {
        sandbox.keyward(change).ok();
        assert_eq!((judge_all(), judge_all()), (again, 0), "{change:?}");
    }
}

#[test]
fn a_refusal_from_memory_tells_of_a_use_that_another_process_has_counted() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let other = sandbox.mint("other");
    let mut verifier = open(&sandbox);
    let mut asked = request(&secret);
    asked.ask.scopes = vec!["none".to_owned()];
    for uses in 0..4 {
        let shown = sandbox.show("ci")["lastUsedAt"].clone();
        // Another key's verdict hears of the use first.
        let verdict = verifier.verify(&request(&other), Timestamp::from_millis(now()));
        assert_eq!(verdict.expect("a verdict").code, Code::Valid);
        for _ in 0..3 {
            let verdict = verifier.verify(&asked, Timestamp::from_millis(now()));
            let verdict = verdict.expect("a verdict");
            assert_eq!(verdict.code, Code::InsufficientScope);
            assert!(verdict.recorded);
            let last = verdict.last_used_at.map(|last| last.to_string());
            assert_eq!(json!(last), shown, "after {uses} uses");
        }
        sandbox.verdict(&secret, &[], 0, "valid");
        if sandbox.place().is_some() {
            // A server does not tell of counts, so they are asked for once a second.
            std::thread::sleep(Duration::from_millis(1_100));
        }
    }
    verifier.close().expect("the counts can be written");
    let count = |code: &str| {
        let sql = match code {
            "valid" => "SELECT coalesce(sum(valid), 0) FROM usage",
            _ => "SELECT coalesce(sum(count), 0) FROM refusal",
        };
        sandbox.number(sql)
    };
    assert_eq!((count("valid"), count("refused")), (8, 12));
}

#[test]
fn keys_that_are_forgotten_within_a_group_are_held_to_their_limits_all_the_same() {
    not_around_midnight();
    for remembered in [0, 1, 2, 100] {
        let sandbox = Sandbox::new();
        let one = limited(&sandbox, "rate = \"3/day\"\nquota = 100");
        let secrets = [one, sandbox.mint("b"), sandbox.mint("c")];
        let mut verifier = open(&sandbox).remembering(remembered);
        let requests: Vec<Request> = secrets.iter().cycle().take(15).map(|s| request(s)).collect();
        let mut codes = Vec::new();
        let at = Timestamp::from_millis(now());
        verifier
            .verify_all(&requests, at, |verdict| codes.push((verdict.code, verdict.remaining)))
            .expect("the store can be read");
        let expected = |index: usize| match index / 3 {
            round @ 0..3 => (Code::Valid, Some(2 - round as u64)),
            _ => (Code::RateLimited, Some(0)),
        };
        let expected: Vec<_> = (0..15).map(expected).collect();
        assert_eq!(codes, expected, "remembering {remembered}");
        // And alone.
        for secret in &secrets {
            let code = verifier.verify(&request(secret), at).expect("a verdict").code;
            assert_eq!(code, Code::RateLimited, "remembering {remembered}");
        }
        verifier.close().expect("the counts can be written");
        assert_eq!(credits(&sandbox, "acme"), 9);
    }
}

#[test]
fn what_could_not_be_counted_is_not_taken_of_a_limit() {
    let sandbox = Sandbox::new();
    let secret = limited(&sandbox, "rate = \"3/day\"\nquota = 3");
    let mut verifier = open(&sandbox);
    verifier.wait_at_most(Duration::from_millis(20));
    let mut verify = || verifier.verify(&request(&secret), Timestamp::from_millis(now()));
    assert_eq!(verify().expect("a verdict").remaining, Some(2));
    let connection = sandbox.sqlite();
    for _ in 0..3 {
        connection.execute_batch("BEGIN IMMEDIATE").expect("the store can be locked");
        let error = verify().expect_err("it cannot be counted");
        assert_eq!(error.kind(), Kind::Busy);
        connection.execute_batch("ROLLBACK").expect("the lock ends");
    }
    for remaining in [1, 0] {
        let verdict = verify().expect("a verdict");
        assert_eq!((verdict.code, verdict.remaining), (Code::Valid, Some(remaining)));
    }
    assert_eq!(verify().expect("a verdict").code, Code::RateLimited);
    drop(verifier);
    drop(connection);
    assert_eq!(credits(&sandbox, "acme"), 3);
}

#[test]
fn what_a_failed_transaction_has_taken_is_given_back() {
    not_around_midnight();
    const USES: u64 = 100;
    let sandbox = Sandbox::new();
    let secret = limited(&sandbox, &format!("rate = \"{USES}/day\"\nquota = {USES}"));
    let mut verifier = open(&sandbox);
    let at = Timestamp::from_millis(now());
    let mut verify = || verifier.verify(&request(&secret), at);
    assert_eq!(verify().expect("a verdict").remaining, Some(USES - 1));
    // By chance, because whatever another connection changes has everything looked up again.
    let trigger = "CREATE TRIGGER full BEFORE UPDATE ON allowance WHEN random() % 2 = 0
        BEGIN SELECT RAISE(ABORT, 'full'); END";
    sandbox.sqlite().execute_batch(trigger).expect("the schema can be changed");
    let (mut used, mut failed) = (1, 0);
    while used < USES / 2 {
        match verify() {
            Ok(verdict) if verdict.recorded => {
                used += 1;
                assert_eq!(verdict.remaining, Some(USES - used), "{failed} failed");
            }
            _ => failed += 1,
        }
    }
    assert!(failed > 0, "none failed");
    assert_eq!(credits(&sandbox, "acme"), used as i64);
}

#[test]
fn credits_that_wait_to_be_written_count_against_a_quota_before_and_after_they_are() {
    not_around_midnight();
    let sandbox = Sandbox::new();
    let secret = limited(&sandbox, "");
    let mut verifier = open(&sandbox);
    let at = Timestamp::from_millis(now());
    let verify = |verifier: &mut Verifier<Kept>| {
        let verdict = verifier.verify(&request(&secret), at).expect("a verdict");
        (verdict.code, verdict.remaining)
    };
    for _ in 0..2 {
        assert_eq!(verify(&mut verifier), (Code::Valid, None));
    }
    let policy = sandbox.file("quota.toml", "default_plan = \"only\"\n[plans.only]\nquota = 5\n");
    let set = sandbox.keyward(["workspace", "set", "--yes", "--policy"]);
    set.args([policy]).ok();
    assert_eq!(verify(&mut verifier), (Code::Valid, Some(2)));
    verifier.flush().expect("the counts can be written");
    for remaining in [1, 0] {
        assert_eq!(verify(&mut verifier), (Code::Valid, Some(remaining)));
    }
    for _ in 0..2 {
        assert_eq!(verify(&mut verifier), (Code::QuotaExceeded, Some(0)));
    }
    assert_eq!(credits(&sandbox, "acme"), 5);
}

#[test]
fn a_key_that_a_limit_refuses_passes_at_the_moment_it_was_told_and_when_the_limit_is_changed() {
    let sandbox = Sandbox::new();
    let secret = limited(&sandbox, "rate = \"2/second\"\nquota = 5");
    let mut verifier = open(&sandbox);
    let start = now();
    let mut at = |millis: i64| {
        let verdict = verifier.verify(&request(&secret), Timestamp::from_millis(start + millis));
        let verdict = verdict.expect("a verdict");
        (verdict.code, verdict.retry_after)
    };
    let (valid, limited) = ((Code::Valid, None), (Code::RateLimited, Some(1)));
    assert_eq!([at(0), at(0)], [valid, valid]);
    assert_eq!([at(0), at(1), at(499)], [limited; 3]);
    assert_eq!([at(500), at(501), at(999)], [valid, limited, limited]);
    assert_eq!([at(1000), at(1500)], [valid, valid]);
    for millis in [2500, 2501, 3000] {
        assert_eq!(at(millis).0, Code::QuotaExceeded);
    }
    let policy = "default_plan = \"only\"\n[plans.only]\nrate = \"2/second\"\nquota = 6\n";
    let policy = sandbox.file("wider.toml", policy);
    let set = sandbox.keyward(["workspace", "set", "--yes", "--policy"]);
    set.args([policy]).ok();
    assert_eq!(at(3001), valid);
    assert_eq!([at(3001).0, at(3002).0], [Code::QuotaExceeded; 2]);
    // A month that has come gives the quota back, also to whoever was refused from memory.
    at(29 * DAY);
    assert_eq!(at(58 * DAY).0, Code::Valid);
}
