//! Clocks that go back and clocks that jump ahead. Nothing can tell the binary what time it is, so the library, whose calls
//! take the time, uses the store in a near or far future first, and then the binary's clock is behind.

use std::time::Duration;

use keyward::domain::code::Code;
use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::ops::verifier::{Request, Verifier};
use serde_json::Value;

use crate::support::past::Past;
use crate::support::time::{DAY, HOUR, SECOND, assert_about, now};
use crate::support::{Sandbox, moment, names, text};

fn open(sandbox: &Sandbox) -> Verifier<String> {
    let (path, wait) = (sandbox.named(), Duration::from_secs(10));
    Verifier::open(&path, wait, |key| key.name).expect("there is a store")
}

/// Verifies a secret so many milliseconds from now.
fn judge(verifier: &mut Verifier<String>, secret: &str, millis: i64) -> Code {
    let request = Request::new(Secret::new(secret.to_owned()));
    let at = Timestamp::from_millis(now() + millis);
    let verdict = verifier.verify(&request, at).expect("a verdict");
    verdict.code
}

/// Has the store see this moment by a use, and then closes it.
fn visit(sandbox: &Sandbox, secret: &str, millis: i64) -> Code {
    let mut verifier = open(sandbox);
    let code = judge(&mut verifier, secret, millis);
    verifier.close().expect("the use can be written");
    code
}

/// A store with a key that has an hour left, after two hours have passed and were taken back; and the key's secret.
fn gone_back() -> (Sandbox, String) {
    let sandbox = Sandbox::with_workspace("default", &["--cap", "2"]);
    let secret = sandbox.mint_with("short", &["--expires", "1h"]);
    sandbox.mint("long");
    assert_eq!(visit(&sandbox, &secret, 2 * HOUR), Code::Expired);
    (sandbox, secret)
}

#[test]
fn what_had_expired_stays_expired_when_the_clock_goes_back() {
    let (sandbox, secret) = gone_back();
    let verdict = sandbox.verdict(&secret, &[], 12, "expired");
    assert_eq!(verdict["subject"]["status"], "expired");
    let stream = format!("{secret}\n{secret}\n");
    let answers = sandbox.keyward(["verify", "--stream"]).stdin(stream).ok();
    let codes = answers.stdout.matches("\"code\":\"expired\"").count();
    assert_eq!(codes, 2, "{}", answers.stdout);
    sandbox.keyward(["--as", "-", "whoami"]).stdin(&secret).exit(12);
    assert_eq!(sandbox.show("short")["status"], "expired");
    assert_eq!(sandbox.listed(&[]), ["long"]);
    assert_eq!(sandbox.listed(&["--status", "expired"]), ["short"]);
    let listed = sandbox.keyward(["workspace", "list"]).answer();
    assert_eq!(listed["workspaces"][0]["keys"]["active"], 1, "{listed:#}");
    // It counts against the cap no more, and its name is free.
    sandbox.mint("short");
    sandbox.keyward(["mint", "third"]).exit(5);
    sandbox.assert_whole();
}

#[test]
fn a_failure_is_one_json_object_whatever_the_clock_says() {
    let (sandbox, _) = gone_back();
    sandbox.refuses(&["show", "missing"], 3, "key_not_found");
}

#[test]
fn a_verifier_that_runs_on_keeps_what_had_expired_expired() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint_with("short", &["--expires", "1h"]);
    let (mut first, mut second) = (open(&sandbox), open(&sandbox));
    for verifier in [&mut first, &mut second] {
        assert_eq!(judge(verifier, &secret, 0), Code::Valid);
    }
    assert_eq!(judge(&mut first, &secret, 2 * HOUR), Code::Expired);
    assert_eq!(judge(&mut first, &secret, 0), Code::Expired);
    // The other one learns of it once that is written.
    first.close().expect("the uses can be written");
    assert_eq!(judge(&mut second, &secret, SECOND), Code::Expired);
    second.close().expect("the uses can be written");
    sandbox.verdict(&secret, &[], 12, "expired");
}

#[test]
fn the_last_use_never_falls() {
    for flags in [&[][..], &["--plan", "small"]] {
        let sandbox = Sandbox::new();
        sandbox.file("policy.toml", "[plans.small]\nrate = \"1000/second\"\nquota = 1000\n");
        sandbox.workspace("default", &[&["--policy", "policy.toml"], flags].concat());
        let secret = sandbox.mint("ci");
        assert_eq!(visit(&sandbox, &secret, 2 * HOUR), Code::Valid);
        let ahead = moment(&sandbox.show("ci"), "lastUsedAt");
        assert_about(ahead, now() + 2 * HOUR);
        sandbox.verdict(&secret, &[], 0, "valid");
        let lines = sandbox.keyward(["verify", "--stream"]).stdin(&secret).ok();
        assert!(lines.stdout.contains("\"valid\""), "{}", lines.stdout);
        assert_eq!(moment(&sandbox.show("ci"), "lastUsedAt"), ahead, "{flags:?}");
        // A day back it is another day's count, and still the last use.
        assert_eq!(visit(&sandbox, &secret, -DAY), Code::Valid);
        assert_eq!(moment(&sandbox.show("ci"), "lastUsedAt"), ahead, "{flags:?}");
        let listed = sandbox.keyward(["list"]).answer();
        assert_eq!(moment(&listed["keys"][0], "lastUsedAt"), ahead);
        let used = sandbox.keyward(["usage", "--by", "key"]).answer();
        assert_eq!(used["usage"][0]["valid"], 4, "{used:#}");
    }
}

#[test]
fn the_last_use_never_falls_among_several_verifiers_whose_clocks_have_leapt() {
    let sandbox = Sandbox::new();
    let _ = sandbox.file("policy.toml", "[plans.small]\nquota = 1000\n");
    sandbox.workspace("default", &["--policy", "policy.toml", "--plan", "small"]);
    let secret = sandbox.mint("ci");
    let (mut first, mut second) = (open(&sandbox), open(&sandbox));
    let start = now();
    let last_use = |verifier: &mut Verifier<String>, millis: i64| {
        let request = Request::new(Secret::new(secret.clone()));
        let at = Timestamp::from_millis(start + millis);
        let verdict = verifier.verify(&request, at).expect("a verdict");
        assert_eq!(verdict.code, Code::Valid);
        let last = verdict.last_used_at.expect("it was used");
        last.as_millis() - start
    };
    // Both know the key, by clocks that are not accepted yet.
    assert_eq!(last_use(&mut second, 40 * DAY), 40 * DAY);
    assert_eq!(last_use(&mut first, 40 * DAY + HOUR), 40 * DAY + HOUR);
    assert_eq!(last_use(&mut second, 40 * DAY + SECOND), 40 * DAY + HOUR);
}

#[test]
fn a_use_by_a_clock_that_was_not_believed_stays_the_last_for_who_knew_the_key_before() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint("ci");
    let mut knows = open(&sandbox);
    let start = now();
    assert_eq!(judge(&mut knows, &secret, 0), Code::Valid);
    // Somebody's clock has leapt, and somebody else's shows that it had.
    assert_eq!(visit(&sandbox, &secret, 40 * DAY), Code::Valid);
    let ahead = moment(&sandbox.show("ci"), "lastUsedAt");
    assert_about(ahead, start + 40 * DAY);
    assert_eq!(visit(&sandbox, &secret, SECOND), Code::Valid);
    let request = Request::new(Secret::new(secret.clone()));
    for seconds in [2, 3] {
        let at = Timestamp::from_millis(start + seconds * SECOND);
        let verdict = knows.verify(&request, at).expect("a verdict");
        assert_eq!(verdict.last_used_at, Some(Timestamp::from_millis(ahead)));
    }
}

#[test]
fn what_is_taken_of_a_month_by_a_clock_that_is_behind_is_missing_for_all() {
    let small = &["--plan", "small"][..];
    for (workspaces, own) in [(small, &[][..]), (&[], small)] {
        let sandbox = Sandbox::new();
        let _ = sandbox.file("policy.toml", "[plans.small]\nquota = 10\n");
        sandbox.workspace("default", &[&["--policy", "policy.toml"], workspaces].concat());
        let secret = sandbox.mint_with("ci", own);
        // The store's time goes two months on, a step at a time.
        for days in [29, 58] {
            assert_eq!(visit(&sandbox, &secret, days * DAY), Code::Valid);
        }
        let ask = || {
            let mut request = Request::new(Secret::new(secret.clone()));
            request.cost = 6;
            let verdict = open(&sandbox).verify(&request, Timestamp::from_millis(now()));
            verdict.expect("a verdict").code
        };
        assert_eq!([ask(), ask()], [Code::Valid, Code::QuotaExceeded], "{own:?}");
    }
}

#[test]
fn events_are_in_the_order_they_happened_in_whatever_the_clock_said() {
    let sandbox = Sandbox::new();
    let mut past = Past::of(&sandbox);
    past.mint(None, "first", 1, -5 * HOUR);
    drop(past);
    sandbox.mint("second");
    let mut past = Past::of(&sandbox);
    past.hold("third", 2 * HOUR);
    drop(past);
    let events = sandbox.events();
    let numbers: Vec<u64> = events.iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let minted: Vec<&Value> = events.iter().filter(|event| event["action"] == "key.mint").collect();
    let order: Vec<String> = minted.iter().map(|event| text(&event["details"], "name")).collect();
    assert_eq!(order, ["first", "second", "third"]);
    let times: Vec<i64> = minted.iter().map(|event| moment(event, "time")).collect();
    assert!(times[0] > times[1] && times[1] > times[2], "{times:?}");
    sandbox.keyward(["audit", "verify"]).ok();
    let listed = names(&sandbox.keyward(["list"]).answer()["keys"]);
    assert_eq!(listed.len(), 3);
}

/// Asserts what is said of the clock on stderr, by a run that answers as if nothing were wrong with it. Programs are told
/// nothing: what is on stderr is for them the one object of a failure.
#[track_caller]
fn assert_warned(sandbox: &Sandbox, said: Option<&str>) {
    for format in ["table", "json"] {
        let output = sandbox.keyward(["list", "-o", format]).ok();
        match said.filter(|_| format == "table") {
            None => assert_eq!(output.stderr, "", "{format}"),
            Some(said) => {
                assert!(
                    output.stderr.starts_with("warning: the clock is "),
                    "{}",
                    output.transcript()
                );
                assert!(output.stderr.contains(said), "{}", output.transcript());
                assert_eq!(output.stderr.lines().count(), 1, "{}", output.transcript());
            }
        }
        assert!(!output.stdout.contains("clock"), "{}", output.transcript());
    }
}

#[test]
fn a_clock_that_is_behind_is_said_on_stderr_alone() {
    let (sandbox, _) = gone_back();
    assert_warned(&sandbox, Some("119 minutes behind"));
    let fresh = Sandbox::new();
    let secret = fresh.mint("ci");
    assert_eq!(visit(&fresh, &secret, 50 * SECOND), Code::Valid);
    assert_warned(&fresh, None);
    assert_eq!(visit(&fresh, &secret, 29 * DAY), Code::Valid);
    assert_warned(&fresh, Some("28 days behind"));
}

#[test]
fn one_jump_far_ahead_does_not_poison() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint_with("ci", &["--expires", "30d"]);
    let other = sandbox.mint("other");
    for _ in 0..3 {
        assert_eq!(visit(&sandbox, &secret, 4000 * DAY), Code::Expired);
    }
    sandbox.verdict(&secret, &[], 0, "valid");
    assert_warned(&sandbox, None);
    assert_eq!(sandbox.listed(&[]), ["ci", "other"]);
    sandbox.keyward(["store", "check"]).ok();
    sandbox.mint_with("new", &["--expires", "1h"]);
    // Not even when both take turns, or when changes are made then.
    assert_eq!(visit(&sandbox, &other, 4000 * DAY), Code::Valid);
    let mut past = Past::of(&sandbox);
    past.hold("held", -4000 * DAY);
    drop(past);
    sandbox.verdict(&secret, &[], 0, "valid");
    let mut verifier = open(&sandbox);
    assert_eq!(judge(&mut verifier, &secret, 4000 * DAY), Code::Expired);
    assert_eq!(judge(&mut verifier, &secret, 0), Code::Valid);
    verifier.close().expect("the uses can be written");
    sandbox.assert_whole();
}

#[test]
fn a_jump_that_lasts_is_believed_and_can_be_taken_back() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint_with("ci", &["--expires", "30d"]);
    sandbox.mint("other");
    assert_eq!(visit(&sandbox, &secret, 4000 * DAY), Code::Expired);
    assert_eq!(visit(&sandbox, &secret, 4001 * DAY), Code::Expired);
    sandbox.verdict(&secret, &[], 12, "expired");
    assert_warned(&sandbox, Some("4000 days behind"));
    // Nothing is wrong with the store.
    let checked = sandbox.keyward(["store", "check"]).ok();
    assert!(checked.stderr.contains("4000 days behind"), "{}", checked.transcript());
    let output = sandbox.keyward(["store", "check", "--reset-clock"]).ok();
    assert!(output.stderr.contains("reset the last recorded time"), "{}", output.transcript());
    sandbox.verdict(&secret, &[], 0, "valid");
    assert_warned(&sandbox, None);
    let events = sandbox.events();
    let reset = events.iter().find(|event| event["action"] == "store.clock");
    let details = &reset.expect("the trail tells of it")["details"];
    assert_about(moment(details, "from"), now() + 4001 * DAY);
    assert_about(moment(details, "to"), now());
    let secret = sandbox.mint("caller");
    let run = sandbox.keyward(["--as", "-", "store", "check", "--reset-clock"]);
    run.stdin(secret).refused(5, "scope_rejected");
}

#[test]
fn a_store_that_was_long_left_alone_says_so_and_works() {
    let sandbox = Sandbox::new();
    let mut past = Past::of(&sandbox);
    let keys = past.mint(None, "old", 1, 60 * DAY);
    let ended = past.mint_until(None, "ended", 1, Some("30d"), 60 * DAY);
    drop(past);
    assert_warned(&sandbox, Some("60 days ahead"));
    let verify = sandbox.keyward(["verify", "--json"]).stdin(&keys[0].secret).ok();
    assert_eq!(verify.json()["valid"], true);
    assert_eq!(verify.stderr, "");
    sandbox.verdict(&ended[0].secret, &[], 12, "expired");
    sandbox.mint("new");
    sandbox.keyward(["store", "check", "--reset-clock"]).ok();
    assert_warned(&sandbox, None);
}

#[test]
fn nothing_is_pruned_by_a_clock_that_leapt_more_than_a_year() {
    for (days, refuses) in [(300, false), (400, true)] {
        let sandbox = Sandbox::new();
        let mut past = Past::of(&sandbox);
        let keys = past.mint(None, "old", 3, days * DAY);
        past.revoke(&keys, days * DAY - HOUR);
        drop(past);
        let before = sandbox.settled_bytes();
        let prune = || sandbox.keyward(["prune", "--dead-for", "90d", "--yes"]);
        if refuses {
            let error = prune().run();
            assert_eq!(error.status, 4, "{}", error.transcript());
            assert!(error.stderr.contains("--reset-clock"), "{}", error.transcript());
            let dry = prune().args(["--dry-run"]).run();
            assert_eq!(dry.status, 4, "{}", dry.transcript());
            assert!(sandbox.settled_bytes() == before, "the store was written");
            sandbox.keyward(["store", "check", "--reset-clock"]).ok();
        }
        prune().ok();
        assert_eq!(sandbox.listed(&["--all"]), [""; 0], "{days}");
        sandbox.assert_whole();
    }
}

#[test]
fn an_expiry_that_was_seen_already_is_refused() {
    let (sandbox, _) = gone_back();
    manifest(&sandbox, "mint.toml", "name = \"new\"\nexpires = \"1h\"");
    let before = sandbox.settled_bytes();
    for words in [
        &["mint", "new", "--expires", "1h"][..],
        &["set", "long", "--expires", "1h"],
        &["ensure", "new", "--expires", "1h", "--out", "new.key"],
        &["rotate", "long", "--now", "--expires", "1h"],
        &["rotate", "long", "--now", "--hold", "--expires", "1h"],
        &["rotate", "long", "--grace", "1h"],
        &["apply", "mint.toml"],
        &["apply", "mint.toml", "--check"],
        &["apply", "mint.toml", "--dry-run"],
    ] {
        let output = sandbox.keyward(words).run();
        assert_eq!(output.status, 5, "{words:?}: {}", output.transcript());
        assert!(
            output.stderr.contains("last recorded time") && output.stderr.contains("--reset-clock"),
            "{}",
            output.transcript()
        );
        assert!(sandbox.settled_bytes() == before, "{words:?}: the store was written");
        assert!(!sandbox.home().join("new.key").exists());
    }
    sandbox.mint_with("new", &["--expires", "3h"]);
    assert_eq!(sandbox.listed(&[]), ["long", "new"]);
}

/// A manifest with one key that `ensure` would deliver to the same file.
fn manifest(sandbox: &Sandbox, name: &str, key: &str) {
    let content = format!(
        "[workspace.default]\n[[key]]\nworkspace = \"default\"\n{key}\ndeliver = {{ out = \"new.key\" }}\n"
    );
    sandbox.file(name, &content);
}

#[test]
fn a_grace_runs_from_the_machines_clock() {
    let sandbox = Sandbox::new();
    sandbox.workspace("default", &["--rotation-grace", "2h"]);
    let old = sandbox.mint("ci");
    assert_eq!(visit(&sandbox, &old, 12 * HOUR), Code::Valid);
    let refused = |arguments: &[&str]| {
        let before = sandbox.settled_bytes();
        let run = sandbox.keyward(arguments);
        let error = run.refused(5, "invalid_expiry");
        assert!(text(&error, "message").contains("last recorded time"), "{error:#}");
        assert!(text(&error, "hint").contains("--reset-clock"), "{error:#}");
        assert!(sandbox.settled_bytes() == before, "{arguments:?}");
    };
    refused(&["rotate", "ci", "--grace", "1h"]);
    // The policy's two hours are no others.
    refused(&["rotate", "ci"]);
    let new = sandbox.keyward(["rotate", "ci", "--grace", "13h"]).answer();
    assert_about(moment(&new["replaced"], "expiresAt"), now() + 13 * HOUR);
    let _ = sandbox.keyward(["rotate", "ci", "--now"]).ok();
}

#[test]
fn a_grace_that_begins_at_the_activation_is_refused_there() {
    let (sandbox, old) = Sandbox::with_key("ci");
    let rotate = ["rotate", "ci", "--hold", "--grace", "1h"];
    let held = sandbox.keyward(rotate).ok().line();
    assert_eq!(visit(&sandbox, &old, 12 * HOUR), Code::Valid);
    let before = sandbox.settled_bytes();
    let activate = sandbox.keyward(["activate"]).stdin(&held);
    activate.refused(5, "invalid_expiry");
    assert!(sandbox.settled_bytes() == before, "the store was written");
    sandbox.keyward(["store", "check", "--reset-clock"]).ok();
    sandbox.keyward(["activate"]).stdin(&held).ok();
    sandbox.verdict(&old, &[], 0, "valid");
}

#[test]
fn ensure_and_apply_rotate_with_no_grace_that_was_seen_already() {
    let sandbox = Sandbox::new();
    let ensure = |flags: &[&str]| {
        let key = ["ensure", "ci", "--expires", "30d", "--out", "new.key"];
        sandbox.keyward([&key, flags].concat())
    };
    ensure(&[]).ok();
    let key = "name = \"ci\"\nexpires = \"30d\"\nrotate_before = \"29d23h59m59s\"";
    manifest(&sandbox, "keys.toml", &format!("{key}\ngrace = \"1h\""));
    let secret = std::fs::read_to_string(sandbox.home().join("new.key")).expect("it is there");
    assert_eq!(visit(&sandbox, secret.trim_end(), 12 * HOUR), Code::Valid);
    std::thread::sleep(Duration::from_millis(1100));
    let before = sandbox.settled_bytes();
    let due = ["--rotate-before", "29d23h59m59s", "--grace", "1h"];
    ensure(&due).refused(5, "invalid_expiry");
    for flags in [&[][..], &["--check"], &["--dry-run"]] {
        let apply = sandbox.keyward(["apply", "keys.toml"]).args(flags);
        apply.refused(5, "invalid_expiry");
    }
    assert!(sandbox.settled_bytes() == before, "the store was written");
}

#[test]
fn a_pending_key_that_was_void_stays_void_when_the_clock_goes_back() {
    let sandbox = Sandbox::new();
    sandbox.workspace("default", &["--cap", "2"]);
    let secret = sandbox.mint("ci");
    let held = sandbox.mint_with("held", &["--hold"]);
    let _ = sandbox.keyward(["mint", "third"]).exit(5);
    assert_eq!(visit(&sandbox, &secret, DAY + HOUR), Code::Valid);
    let shown = sandbox.show("held");
    assert_eq!(shown["status"], "revoked");
    assert_eq!(shown["revokedReason"], "undelivered");
    let activate = sandbox.keyward(["activate"]).stdin(&held);
    let _ = activate.refused(11, "revoked");
    let _ = sandbox.verdict(&held, &[], 11, "revoked");
    let stream = sandbox.keyward(["verify", "--stream"]).stdin(&held).ok();
    assert!(stream.stdout.contains("\"revoked\""), "{}", stream.stdout);
    let listed = sandbox.keyward(["workspace", "list"]).answer();
    assert_eq!(listed["workspaces"][0]["keys"]["pending"], 0, "{listed:#}");
    let exported = sandbox.keyward(["store", "export"]).ok().stdout;
    let line = exported.lines().find(|line| line.contains("\"held\""));
    let line = line.expect("it is exported");
    assert!(line.contains("\"status\":\"revoked\""), "{line}");
    // Its name is free, but for a pending key of today it would be tomorrow already.
    for words in [
        &["mint", "held"][..],
        &["mint", "held", "--hold"],
        &["mint", "held", "--idempotency-key", "run-1"],
        &["ensure", "held", "--out", "new.key"],
        &["rotate", "ci", "--now"],
        &["rotate", "ci", "--grace", "3d", "--hold"],
    ] {
        let before = sandbox.settled_bytes();
        let error = sandbox.keyward(words).refused(5, "invalid_expiry");
        assert!(text(&error, "hint").contains("--reset-clock"), "{error:#}");
        assert!(sandbox.settled_bytes() == before, "{words:?}");
        assert!(!sandbox.home().join("new.key").exists());
    }
    let _ = sandbox.keyward(["store", "check", "--reset-clock"]).ok();
    // By the clock its day is not over.
    assert_eq!(sandbox.show("held")["status"], "pending");
    let _ = sandbox.keyward(["activate"]).stdin(&held).ok();
    let _ = sandbox.keyward(["rotate", "ci", "--now"]).ok();
    sandbox.assert_whole();
}

/// Follows the hint of a reset that was refused with this message, and resets.
fn reset_after(sandbox: &Sandbox, id: &str, words: &str) {
    let reset = || sandbox.keyward(["store", "check", "--reset-clock"]);
    let before = sandbox.settled_bytes();
    let error = reset().refused(4, "conflict");
    assert!(text(&error, "message").contains(words), "{error:#}");
    let hint = text(&error, "hint");
    assert!(hint.contains(&format!("revoke {id}")), "{hint}");
    assert!(sandbox.settled_bytes() == before, "the store was written");
    sandbox.follow(&hint).ok();
    reset().ok();
    // What is exported can be imported.
    let lines = sandbox.keyward(["store", "export"]).ok().stdout;
    let other = Sandbox::new();
    other.file("lines", &lines);
    other.keyward(["store", "import", "lines"]).ok();
    sandbox.assert_sound();
}

#[test]
fn a_clock_that_is_reset_brings_no_key_back_beside_another_of_its_name() {
    let (sandbox, secret) = gone_back();
    let old = sandbox.id_of("short");
    let new = sandbox.mint_with("short", &["--expires", "5h"]);
    let (message, hint) = ("beside another key named \"short\"", &old);
    reset_after(&sandbox, hint, message);
    sandbox.verdict(&secret, &[], 11, "revoked");
    sandbox.verdict(&new, &[], 0, "valid");

    // Of two that would both come back, the newest has the name. A name that was given away since is somebody else's.
    let (sandbox, secret) = gone_back();
    let old = sandbox.id_of("short");
    let new = sandbox.mint_with("short", &["--expires", "5h"]);
    sandbox.keyward(["revoke", "long", "--yes"]).ok();
    assert_eq!(visit(&sandbox, &new, 6 * HOUR), Code::Expired);
    reset_after(&sandbox, &old, message);
    sandbox.verdict(&secret, &[], 11, "revoked");
    sandbox.verdict(&new, &[], 0, "valid");
    let (sandbox, _) = gone_back();
    let old = sandbox.id_of("short");
    sandbox.keyward(["rename", "long", "short"]).ok();
    reset_after(&sandbox, &old, message);
}

#[test]
fn a_clock_that_is_reset_brings_no_key_back_past_the_cap() {
    let (sandbox, secret) = gone_back();
    let old = sandbox.id_of("short");
    sandbox.mint_with("third", &["--expires", "5h"]);
    reset_after(&sandbox, &old, "would have 3 live keys");
    sandbox.verdict(&secret, &[], 11, "revoked");
}

#[test]
fn a_restored_backup_brings_back_nothing_that_had_expired() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.keyward(["store", "backup", "b.db"]).ok();
    sandbox.keyward(["set", "ci", "--expires", "1h"]).ok();
    assert_eq!(visit(&sandbox, &secret, 2 * HOUR), Code::Expired);
    sandbox.keyward(["store", "restore", "b.db", "--yes"]).ok();
    sandbox.verdict(&secret, &[], 12, "expired");
}
