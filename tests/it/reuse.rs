//! The use of a revoked key is an event, one an hour, however it is used.

use std::time::Duration;

use keyward::domain::code::Code;
use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::ops::verifier::{Request, Verifier};
use serde_json::{Value, json};

use crate::support::past::{Old, Past};
use crate::support::stream::{Stream, answers, each};
use crate::support::time::{HOUR, SECOND, now};
use crate::support::{Sandbox, text};

/// The events that tell of a revoked key's use, oldest first.
fn reuses(sandbox: &Sandbox) -> Vec<Value> {
    sandbox.events_of("key.reuse")
}

/// A store with a revoked key of this name, and its secret.
fn revoked(sandbox: &Sandbox, name: &str) -> (String, String) {
    let secret = sandbox.mint(name);
    let id = sandbox.id_of(name);
    sandbox.keyward(["revoke", name, "--yes"]).ok();
    (secret, id)
}

#[test]
fn the_use_of_a_revoked_key_is_one_event_an_hour_however_it_is_used() {
    let sandbox = Sandbox::new();
    let (secret, id) = revoked(&sandbox, "ci");
    sandbox.verdict(&secret, &["--ip", "203.0.113.7"], 11, "revoked");
    let events = reuses(&sandbox);
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0]["actor"], format!("key:{id}"));
    assert_eq!(events[0]["subject"], id);
    assert_eq!(events[0]["details"]["address"], "203.0.113.7");
    assert!(!events[0].to_string().contains(&secret[20..]));
    sandbox.verdict(&secret, &[], 11, "revoked");
    let lines = format!("{secret}\n{secret}\n");
    assert_eq!(each(&answers(&sandbox, &[], lines), "code"), ["revoked"; 2]);
    sandbox.keyward(["--as", "-", "list"]).stdin(&secret).exit(11);
    let _ = sandbox.keyward(["activate"]).stdin(&secret).run();
    assert_eq!(reuses(&sandbox).len(), 1);
    sandbox.keyward(["audit", "verify"]).ok();
    sandbox.keyward(["store", "check"]).ok();
}

#[test]
fn each_way_to_use_a_revoked_key_leaves_the_event() {
    let sandbox = Sandbox::new();
    let names = ["stream", "caller", "activate", "address"];
    let keys = names.map(|name| revoked(&sandbox, name));
    answers(&sandbox, &[], &keys[0].0);
    let as_caller = sandbox.keyward(["--as", "-", "whoami"]);
    as_caller.stdin(&keys[1].0).exit(11);
    let activate = sandbox.keyward(["activate"]).stdin(&keys[2].0).run();
    assert_ne!(activate.status, 0, "{}", activate.transcript());
    let line = json!({"key": keys[3].0, "ip": "2001:db8::1"}).to_string();
    answers(&sandbox, &[], line);
    let events = reuses(&sandbox);
    let subjects = each(&events, "subject");
    assert_eq!(subjects, keys.each_ref().map(|(_, id)| id.as_str()));
    for (event, address) in
        events.iter().zip([Value::Null, Value::Null, Value::Null, json!("2001:db8::1")])
    {
        assert_eq!(event["details"]["address"], address, "{event:#}");
        assert_eq!(event["actor"], format!("key:{}", text(event, "subject")));
    }
}

#[test]
fn a_stream_notes_each_key_when_it_answers_and_not_at_its_end() {
    let sandbox = Sandbox::new();
    let (secret, id) = revoked(&sandbox, "ci");
    let other = sandbox.mint("other");
    let mut stream = Stream::start(&sandbox, &[]);
    stream.expect(&secret, "revoked");
    // The note is made after the answer; the next answer is after the note.
    stream.expect(&other, "valid");
    assert_eq!(each(&reuses(&sandbox), "subject"), [id.as_str()]);
    sandbox.keyward(["revoke", "other", "--yes"]).ok();
    for _ in 0..3 {
        stream.expect(&other, "revoked");
    }
    let ended = stream.end();
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    assert_eq!(reuses(&sandbox).len(), 2);
}

#[test]
fn nothing_is_noted_of_what_is_not_to_be_recorded_or_no_revoked_keys_use() {
    let sandbox = Sandbox::new();
    let (secret, _) = revoked(&sandbox, "ci");
    let head = || sandbox.head();
    let before = head();
    sandbox.verdict(&secret, &["--no-record"], 11, "revoked");
    answers(&sandbox, &["--no-record"], &secret);
    assert_eq!(head(), before);
    let live = sandbox.mint("live");
    let expired = sandbox.mint_with("expired", &["--expires", "1s"]);
    let disabled = sandbox.mint("disabled");
    sandbox.keyward(["disable", "disabled"]).ok();
    sandbox.wait_for_verdict(&expired, 12);
    for (secret, exit) in [(&live, 0), (&expired, 12), (&disabled, 13)] {
        sandbox.keyward(["verify"]).stdin(secret).exit(exit);
    }
    sandbox.keyward(["verify", "-e", "test"]).stdin(&live).exit(14);
    assert_eq!(reuses(&sandbox).len(), 0);
}

#[test]
fn an_hour_later_the_use_of_a_revoked_key_is_an_event_again() {
    let sandbox = Sandbox::new();
    let mut past = Past::of(&sandbox);
    let keys = past.mint(None, "ci", 2, 10 * HOUR);
    past.revoke(&keys, 9 * HOUR);
    drop(past);
    let start = now() - 8 * HOUR;
    let open = || {
        let (path, wait) = (sandbox.named(), Duration::from_secs(10));
        Verifier::open(&path, wait, drop).expect("there is a store")
    };
    let mut verifiers = [open(), open()];
    let mut present = |which: usize, key: &Old, millis: i64| {
        let mut request = Request::new(Secret::new(key.secret.clone()));
        request.ask.address = Some("10.0.0.1".parse().expect("an address"));
        let at = Timestamp::from_millis(start + millis);
        let verdict = verifiers[which].verify(&request, at).expect("a verdict");
        assert_eq!(verdict.code, Code::Revoked);
    };
    for (which, millis) in [
        (0, 0),
        (1, 1),
        (0, HOUR - 1),
        (1, HOUR - SECOND),
        // The second event, and those it speaks for.
        (1, HOUR),
        (0, HOUR + 1),
        (0, 2 * HOUR - 1),
        (0, 2 * HOUR),
        (1, 2 * HOUR + 5),
    ] {
        present(which, &keys[0], millis);
    }
    assert_eq!(reuses(&sandbox).len(), 3);
    present(0, &keys[1], HOUR + 5);
    let events = reuses(&sandbox);
    assert_eq!(events.len(), 4, "each key has its own");
    assert_eq!(events[3]["subject"], keys[1].id);
    for event in &events {
        assert_eq!(event["details"]["address"], "10.0.0.1");
    }
}

#[test]
fn a_verifier_that_remembers_a_revoked_key_notes_its_use_again_after_an_hour() {
    let sandbox = Sandbox::new();
    let (secret, _) = revoked(&sandbox, "ci");
    let (path, wait) = (sandbox.named(), Duration::from_secs(10));
    let mut verifier = Verifier::open(&path, wait, drop).expect("there is a store");
    let request = Request::new(Secret::new(secret));
    let start = now();
    for (millis, noted) in [
        (0, 1),
        (1, 1),
        (HOUR - SECOND, 1),
        (HOUR + SECOND, 2),
        (HOUR + 2 * SECOND, 2),
        (2 * HOUR + 2 * SECOND, 3),
    ] {
        let at = Timestamp::from_millis(start + millis);
        let verdict = verifier.verify(&request, at).expect("a verdict");
        assert_eq!((verdict.code, verdict.recorded), (Code::Revoked, true));
        assert_eq!(reuses(&sandbox).len(), noted, "after {millis} ms");
    }
}
