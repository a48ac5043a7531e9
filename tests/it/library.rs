//! The library's face: a `Verifier` in this process beside the `keyward` that administers the same store.

use std::time::Duration;

use keyward::{Code, Request, Secret, Timestamp, Verifier};

use crate::support::time::now;
use crate::support::{Sandbox, tool};

const WAIT: Duration = Duration::from_secs(10);

fn open(sandbox: &Sandbox) -> Verifier<String> {
    Verifier::open(&sandbox.named(), WAIT, |key| key.name).expect("there is a store")
}

fn request(secret: &str) -> Request {
    Request::new(Secret::new(secret.to_owned()))
}

fn judge(verifier: &mut Verifier<String>, secret: &str) -> Code {
    let verdict = verifier.verify(&request(secret), Timestamp::from_millis(now()));
    verdict.expect("the store can be read").code
}

/// What `usage --by key` says of the first key: valid, refused.
fn counted(sandbox: &Sandbox) -> (u64, u64) {
    let answer = sandbox.keyward(["usage", "--by", "key", "--json"]).ok().json();
    let count = |field: &str| answer["usage"][0][field].as_u64().unwrap_or(0);
    (count("valid"), count("refused"))
}

#[test]
fn a_verifier_may_go_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Verifier<String>>();
}

#[test]
fn a_remembered_key_is_judged_by_what_was_committed_before_the_call() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut verifier = open(&sandbox);
    for _ in 0..100 {
        assert_eq!(judge(&mut verifier, &secret), Code::Valid);
        sandbox.keyward(["disable", "ci"]).ok();
        assert_eq!(judge(&mut verifier, &secret), Code::Disabled);
        sandbox.keyward(["enable", "ci"]).ok();
        assert_eq!(judge(&mut verifier, &secret), Code::Valid);
    }
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    assert_eq!(judge(&mut verifier, &secret), Code::Revoked);
    verifier.close().expect("it can be written");
    assert_eq!(counted(&sandbox), (200, 101));
}

#[test]
fn what_is_kept_of_a_key_is_made_anew_after_a_change() {
    let (sandbox, secret) = Sandbox::with_key("before");
    let mut verifier = open(&sandbox);
    let mut name = || {
        let verdict = verifier.verify(&request(&secret), Timestamp::from_millis(now()));
        let subject = verdict.expect("the store can be read").subject;
        subject.expect("a known key").clone()
    };
    assert_eq!(*name(), "before");
    sandbox.keyward(["rename", "before", "after"]).ok();
    assert_eq!(*name(), "after");
}

#[test]
fn what_is_remembered_changes_no_verdict() {
    let sandbox = Sandbox::new();
    let secrets = ["a", "b", "c", "d"].map(|name| sandbox.mint(name));
    sandbox.keyward(["revoke", "b", "--yes"]).ok();
    let expected = [Code::Valid, Code::Revoked, Code::Valid, Code::Valid];
    for keys in [0, 1, 2, 100] {
        let mut verifier = open(&sandbox).remembering(keys);
        for _ in 0..3 {
            let codes = secrets.each_ref().map(|secret| judge(&mut verifier, secret));
            assert_eq!(codes, expected, "remembering {keys}");
        }
        let requests = secrets.each_ref().map(|secret| request(secret));
        let mut codes = Vec::new();
        verifier
            .verify_all(&requests, Timestamp::from_millis(now()), |verdict| {
                codes.push(verdict.code);
            })
            .expect("the store can be read");
        assert_eq!(codes, expected, "remembering {keys}");
    }
}

#[test]
fn counts_wait_until_they_are_due_and_not_longer() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut verifier = open(&sandbox);
    let start = now();
    let mut at = |millis: i64| {
        let verdict = verifier.verify(&request(&secret), Timestamp::from_millis(start + millis));
        assert!(verdict.expect("the store can be read").recorded);
        verifier.due().is_some()
    };
    assert!(at(0) && at(100));
    assert_eq!(counted(&sandbox), (0, 0));
    assert!(!at(1000), "a second later they are written");
    assert_eq!(counted(&sandbox), (3, 0));
    assert!(at(1100));
    verifier.flush().expect("it can be written");
    assert_eq!((counted(&sandbox), verifier.due()), ((4, 0), None));
}

#[test]
fn counts_of_a_key_that_is_deleted_meanwhile_are_dropped_and_others_kept() {
    let sandbox = Sandbox::with_workspace("gone", &[]);
    let gone = sandbox.mint_with("x", &["-w", "gone"]);
    sandbox.workspace("stays", &[]);
    let stays = sandbox.mint_with("y", &["-w", "stays"]);
    let mut verifier = open(&sandbox);
    assert_eq!(judge(&mut verifier, &gone), Code::Valid);
    assert_eq!(judge(&mut verifier, &stays), Code::Valid);
    sandbox.keyward(["revoke", "x", "-w", "gone", "--yes"]).ok();
    sandbox.keyward(["workspace", "delete", "gone", "--yes"]).ok();
    assert_eq!(judge(&mut verifier, &gone), Code::NotFound);
    verifier.close().expect("what is left can be written");
    assert_eq!(counted(&sandbox), (1, 0));
}

#[test]
fn counts_of_a_deleted_key_are_not_anothers_who_got_its_row() {
    let sandbox = Sandbox::with_workspace("old", &[]);
    let old = sandbox.mint_with("x", &["-w", "old"]);
    let mut verifier = open(&sandbox);
    assert_eq!(judge(&mut verifier, &old), Code::Valid);
    for line in
        [&["revoke", "x", "-w", "old", "--yes"][..], &["workspace", "delete", "old", "--yes"]]
    {
        sandbox.keyward(line).ok();
    }
    sandbox.workspace("new", &[]);
    sandbox.mint_with("y", &["-w", "new"]);
    verifier.close().expect("there is nothing left to write");
    assert_eq!(counted(&sandbox), (0, 0));
    assert_eq!(sandbox.show("y")["lastUsedAt"], serde_json::Value::Null);
}

#[test]
fn a_second_verifier_takes_no_lock_away_from_the_first() {
    if !tool("python3") {
        return;
    }
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut first = open(&sandbox);
    assert_eq!(judge(&mut first, &secret), Code::Valid);
    first.flush().expect("it can be written");
    // Whoever closes a store last clears its log away; another process sees by the locks whether it is the last.
    let another = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('select count(*) from key').fetchall(); c.close()";
    let log = format!("{}-shm", sandbox.store_path().display());
    for _ in 0..3 {
        drop(open(&sandbox));
        let path = sandbox.store_path();
        let arguments = ["-c".as_ref(), another.as_ref(), path.as_os_str()];
        sandbox.program("python3", arguments).ok();
        assert!(std::path::Path::new(&log).exists(), "the log was taken away");
    }
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    assert_eq!(judge(&mut first, &secret), Code::Revoked);
}

#[test]
fn there_is_nothing_to_verify_without_a_store() {
    let sandbox = Sandbox::new();
    let opened = Verifier::open(&sandbox.named(), WAIT, |key| key.name);
    let error = opened.err().expect("there is no store");
    assert_eq!(error.kind().code(), "store_not_found");
    assert!(!sandbox.store_path().exists());
}

#[test]
fn requests_that_are_judged_together_have_each_its_own_verdict() {
    let (sandbox, valid) = Sandbox::with_key("valid");
    let policy = "prefix = \"kw\"\nenvironments = [\"live\"]\n[plans.p]\nrate = \"2/hour\"\n";
    let policy = sandbox.file("policy.toml", policy);
    let policy = policy.to_str().expect("text");
    sandbox.workspace("slow", &["--policy", policy, "--plan", "p"]);
    let limited = sandbox.keyward(["-w", "slow", "mint", "limited"]).ok().line();
    let mint = |name: &str| sandbox.keyward(["-w", "default", "mint", name]).ok().line();
    let (revoked, changed) = (mint("revoked"), mint("changed"));
    sandbox.keyward(["-w", "default", "revoke", "revoked", "--yes"]).ok();
    sandbox.tamper("UPDATE key SET environment = 'test' WHERE name = 'changed'");
    let asked = [&valid, &limited, &changed, &revoked, &limited, &valid, &limited, &changed];
    let mut verifier = open(&sandbox);
    // Looked up first, and remembered then.
    for round in 0..3 {
        let mut requests: Vec<Request> = asked.iter().map(|secret| request(secret)).collect();
        requests[5].workspace = Some("slow".to_owned());
        let verdicts = verifier.verify_each(requests, Timestamp::from_millis(now()));
        let codes: Vec<&str> = verdicts
            .iter()
            .map(|verdict| match verdict {
                Ok(verdict) => verdict.code.word(),
                Err(error) => error.kind().code(),
            })
            .collect();
        let limit = if round == 0 { "valid" } else { "rate_limited" };
        let expected =
            ["valid", limit, "damaged", "revoked", limit, "not_found", "rate_limited", "damaged"];
        assert_eq!(codes, expected, "{round}");
    }
    verifier.close().expect("it can be written");
}
