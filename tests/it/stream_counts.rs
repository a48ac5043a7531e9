//! What `keyward verify --stream` writes down, and when: within a second, at the end, and before it gives way to a signal.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::counts::{counts, credits, not_around_midnight, wait_for_valid};
use crate::support::stream::{Stream, answers, each};
use crate::support::time::now;
use crate::support::{Sandbox, moment};

/// How long a use may be without being in the store, by the contract, and what a busy machine takes besides.
const LATEST: Duration = Duration::from_millis(1_000 + 2_000);

#[test]
fn uses_are_in_the_store_within_a_second_while_the_stream_is_idle() {
    not_around_midnight();
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut stream = Stream::start(&sandbox, &["--cost", "3"]);
    let mut sum = 0;
    for uses in [1, 7, 100] {
        stream.send(format!("{secret}\n").repeat(uses));
        for _ in 0..uses {
            assert_eq!(stream.answer()["recorded"], true);
        }
        sum += i64::try_from(uses).expect("a small number");
        let took = wait_for_valid(&sandbox, "ci", sum);
        assert!(took < LATEST, "it took {took:?}");
        let counted = counts(&sandbox, "ci");
        assert_eq!(counted.credits, 3 * sum);
        assert!((now() - counted.last_used_at).abs() < 20_000);
        assert_eq!(moment(&sandbox.show("ci"), "lastUsedAt"), counted.last_used_at);
        assert!(stream.is_running());
    }
    assert_eq!(credits(&sandbox, "default"), 3 * sum);
    assert_eq!(stream.end().status, 0);
    assert_eq!(counts(&sandbox, "ci").valid, sum, "counted twice");
}

#[test]
fn uses_are_in_the_store_within_a_second_while_the_stream_is_busy() {
    not_around_midnight();
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut stream = Stream::start(&sandbox, &[]);
    let begun = Instant::now();
    let mut asked = 0;
    // It never rests for as long as it would take to be called idle.
    while counts(&sandbox, "ci").valid == 0 {
        for _ in 0..20 {
            stream.expect(&secret, "valid");
        }
        asked += 20;
        assert!(begun.elapsed() < LATEST, "{asked} uses and none counted");
    }
    assert_eq!(stream.end().status, 0);
    assert_eq!(counts(&sandbox, "ci").valid, asked);
}

#[test]
fn at_the_end_of_input_every_use_and_refusal_is_in_the_store() {
    not_around_midnight();
    let (sandbox, secret) = Sandbox::with_key("ci");
    let paused = sandbox.mint("paused");
    sandbox.keyward(["disable", "paused"]).ok();
    let wrong = format!("{{\"key\":\"{secret}\",\"environment\":\"test\"}}");
    let input = format!("{secret}\n{wrong}\n{paused}\n{paused}\n\nnonsense\n{{\n").repeat(300);
    let verdicts = answers(&sandbox, &[], input);
    assert_eq!(verdicts.len(), 7 * 300);
    // What belongs to no key is written nowhere, and says so.
    let recorded = each(&verdicts[..7], "recorded");
    assert_eq!(recorded, ["true", "true", "true", "true", "false", "false", "false"]);
    let counted = counts(&sandbox, "ci");
    assert_eq!((counted.valid, counted.credits), (300, 300));
    let refused = [("wrong_environment".to_owned(), 300)];
    assert_eq!(counted.refused, refused.into());
    let counted = counts(&sandbox, "paused");
    assert_eq!((counted.valid, counted.credits), (0, 0));
    assert_eq!(counted.refused, [("disabled".to_owned(), 600)].into());
    assert_eq!(credits(&sandbox, "default"), 300);
    assert!(sandbox.show("paused")["lastUsedAt"].is_null());
}

#[test]
fn a_stream_that_does_not_record_leaves_no_trace() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let input = format!("{secret}\n{{\"key\":\"{secret}\",\"environment\":\"test\"}}\n");
    let verdicts = answers(&sandbox, &["--no-record"], input.repeat(50));
    assert!(each(&verdicts, "recorded").iter().all(|recorded| recorded == "false"));
    let counted = counts(&sandbox, "ci");
    assert_eq!(counted.valid, 0);
    assert!(counted.refused.is_empty(), "{counted:?}");
    assert!(sandbox.show("ci")["lastUsedAt"].is_null());
}

#[test]
fn a_signal_finds_every_answered_use_in_the_store() {
    not_around_midnight();
    for (signal, status) in [(Signal::TERM, 0), (Signal::INT, 130)] {
        let (sandbox, secret) = Sandbox::with_key("ci");
        let mut stream = Stream::start(&sandbox, &[]);
        stream.send(format!("{secret}\n").repeat(500));
        for _ in 0..500 {
            assert_eq!(stream.answer()["code"], "valid");
        }
        // At once: nothing of this has been idle for long enough to be written by itself.
        let ended = stream.signalled(signal);
        assert_eq!(ended.status, status, "{}", ended.stderr);
        assert_eq!(counts(&sandbox, "ci").valid, 500);
    }
}

#[test]
fn a_stream_whose_reader_has_gone_has_counted_what_it_answered() {
    not_around_midnight();
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut stream = Stream::start(&sandbox, &[]);
    for _ in 0..10 {
        stream.expect(&secret, "valid");
    }
    let sent = stream.abandon(&secret);
    assert_eq!(stream.ended().status, 0);
    // Whether those that nobody could read count is left open.
    let valid = counts(&sandbox, "ci").valid;
    assert!((10..=10 + sent).contains(&valid), "{valid} of 10 and {sent}");
}

/// A stream that cannot go on: its answers are more than a pipe holds, and nobody reads them.
fn stalled(sandbox: &Sandbox, secret: &str) -> Stream {
    let mut stream = Stream::start(sandbox, &[]);
    stream.send(format!("{secret}\n").repeat(UNREAD));
    thread::sleep(LATEST);
    stream
}

/// More answers than a pipe holds, from fewer lines than a pipe holds.
const UNREAD: usize = 400;

#[test]
fn a_reader_that_stalls_keeps_no_use_out_of_the_store() {
    not_around_midnight();
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut stream = stalled(&sandbox, &secret);
    let valid = counts(&sandbox, "ci").valid;
    assert!(valid > 0, "not one of {UNREAD} uses is in the store");
    // Whoever reads again later still gets every answer.
    for _ in 0..UNREAD {
        assert_eq!(stream.answer()["code"], "valid");
    }
    assert_eq!(stream.end().status, 0);
    assert_eq!(counts(&sandbox, "ci").valid, 400);
}

#[test]
fn a_reader_that_stalls_keeps_no_signal_from_ending_the_stream() {
    not_around_midnight();
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut stream = stalled(&sandbox, &secret);
    stream.signal(Signal::TERM);
    let begun = Instant::now();
    while stream.is_running() {
        let waited = begun.elapsed();
        assert!(waited < LATEST, "it ignores SIGTERM while nobody reads");
        thread::sleep(Duration::from_millis(20));
    }
    assert!(counts(&sandbox, "ci").valid > 0, "what was judged counts");
}

#[test]
fn a_killed_stream_loses_a_second_at_most_and_leaves_the_store_whole() {
    not_around_midnight();
    let (sandbox, secret) = Sandbox::with_key("ci");
    for round in 1..=3 {
        let mut stream = Stream::start(&sandbox, &[]);
        let before = counts(&sandbox, "ci").valid;
        for _ in 0..200 {
            stream.expect(&secret, "valid");
        }
        wait_for_valid(&sandbox, "ci", before + 200);
        // In the midst of the next, which are younger than a second.
        stream.send(format!("{secret}\n").repeat(100 * round));
        let ended = stream.signalled(Signal::KILL);
        assert_eq!(ended.status, 137);
        let valid = counts(&sandbox, "ci").valid;
        assert!(valid >= before + 200, "{valid} after {before}");
        assert!(valid <= before + 200 + 100 * i64::try_from(round).expect("small"));
        sandbox.assert_whole();
        sandbox.mint(&format!("next-{round}"));
        sandbox.verdict(&secret, &[], 0, "valid");
    }
}
