//! Counting by many processes at once: limits and counts stay exact, and the log that they are written to stays short.

use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::counts::{counts, credits, not_around_midnight};
use crate::support::files::Stamp;
use crate::support::stream::{Stream, answers, each};
use crate::support::time::now;
use crate::support::{Sandbox, moment, text};

/// A workspace `acme` whose only plan has this limit, and a key in it.
pub fn limited(sandbox: &Sandbox, limit: &str) -> String {
    let policy = format!("default_plan = \"only\"\n[plans.only]\n{limit}\n");
    let policy = sandbox.file("policy.toml", &policy);
    let create = sandbox.keyward(["workspace", "create", "acme", "--policy"]);
    create.args([policy]).ok();
    sandbox.mint("ci")
}

/// Runs all of these at the same moment, each in a thread of its own, and returns what they return.
pub fn at_once<T: Send>(workers: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(workers);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|number| {
                let (start, work) = (&start, &work);
                scope.spawn(move || {
                    start.wait();
                    work(number)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker does not panic")).collect()
    })
}

/// How many of these are valid; the others must be refused for this.
#[track_caller]
fn valid_or(verdicts: &[Value], refusal: &str) -> usize {
    let codes = each(verdicts, "code");
    for code in &codes {
        assert!(code == "valid" || code == refusal, "{code}");
    }
    codes.iter().filter(|code| *code == "valid").count()
}

#[test]
fn eight_processes_at_once_get_no_more_of_a_key_than_its_rate_gives() {
    not_around_midnight();
    let sandbox = Sandbox::new();
    let secret = limited(&sandbox, "rate = \"100/minute\"");
    let begun = Instant::now();
    let verdicts = at_once(8, |number| match number % 2 {
        0 => (0..15)
            .map(|_| {
                let run = sandbox.keyward(["--json", "verify"]).stdin(&secret).run();
                assert!(matches!(run.status, 0 | 15), "{}", run.transcript());
                run.json()
            })
            .collect(),
        1 => {
            // Some of each read as many lines at once, some as single ones.
            let mut stream = Stream::start(&sandbox, &[]);
            let mut verdicts: Vec<Value> = (0..30).map(|_| stream.ask(&secret)).collect();
            stream.send(format!("{secret}\n").repeat(30));
            verdicts.extend((0..30).map(|_| stream.answer()));
            assert_eq!(stream.end().status, 0);
            verdicts
        }
        _ => unreachable!("a remainder of two"),
    });
    let given_back = begun.elapsed().as_millis() / 600;
    let verdicts = verdicts.concat();
    let valid = valid_or(&verdicts, "rate_limited");
    assert!(valid >= 100, "{valid} of {}", verdicts.len());
    assert!(
        valid as u128 <= 100 + given_back + 1,
        "{valid} passed, and the rate gave {given_back} back"
    );
    let counted = counts(&sandbox, "ci");
    assert_eq!(counted.valid, valid as i64);
    assert_eq!(counted.refused["rate_limited"], (verdicts.len() - valid) as i64);
}

#[test]
fn eight_streams_at_once_share_a_quota_out_to_the_last_credit() {
    not_around_midnight();
    let sandbox = Sandbox::new();
    let first = limited(&sandbox, "quota = 50");
    let second = sandbox.mint("second");
    let verdicts = at_once(8, |number| {
        let mut stream = Stream::start(&sandbox, &[]);
        let secret = [&first, &second][number % 2];
        let verdicts: Vec<Value> = (0..20).map(|_| stream.ask(secret)).collect();
        assert_eq!(stream.end().status, 0);
        verdicts
    });
    let verdicts = verdicts.concat();
    assert_eq!(valid_or(&verdicts, "quota_exceeded"), 50);
    // No two of those that passed left as many.
    let mut left: Vec<i64> = verdicts
        .iter()
        .filter(|verdict| verdict["valid"] == true)
        .map(|verdict| verdict["remaining"].as_i64().expect("a number"))
        .collect();
    left.sort_unstable();
    assert_eq!(left, (0..50).collect::<Vec<i64>>());
    assert_eq!(credits(&sandbox, "acme"), 50);
    let [first, second] = ["ci", "second"].map(|name| counts(&sandbox, name));
    assert_eq!(first.valid + second.valid, 50);
    let refused = first.refused["quota_exceeded"] + second.refused["quota_exceeded"];
    assert_eq!(refused, 110);
}

#[test]
fn four_streams_at_once_count_every_use_of_twenty_keys() {
    const STREAMS: usize = 4;
    const LINES: usize = 2_000;
    const KEYS: usize = 20;
    not_around_midnight();
    let sandbox = Sandbox::new();
    let minted = sandbox.keyward(["mint", "key", "--count", "20"]).ok();
    let secrets: Vec<&str> = minted.stdout.lines().collect();
    assert_eq!(secrets.len(), KEYS);
    let begun = now();
    let codes = at_once(STREAMS, |number| {
        let line = |place: usize| {
            let secret = secrets[(place + 5 * number) % KEYS];
            // Every tenth use is dearer, and every tenth is refused.
            match place / KEYS % 10 {
                3 => format!("{{\"key\":\"{secret}\",\"cost\":7}}\n"),
                4 => format!("{{\"key\":\"{secret}\",\"environment\":\"test\"}}\n"),
                _ => format!("{secret}\n"),
            }
        };
        let input: String = (0..LINES).map(line).collect();
        each(&answers(&sandbox, &[], input), "code")
    });
    let ended = now();
    let valid = codes.concat().iter().filter(|code| *code == "valid").count();
    assert_eq!(valid, STREAMS * LINES * 9 / 10);
    let listed = sandbox.keyward(["list"]).answer();
    let listed = listed["keys"].as_array().expect("keys are a list");
    assert_eq!(listed.len(), KEYS);
    for key in listed {
        let counted = counts(&sandbox, &text(key, "name"));
        // 400 lines for each key, a tenth of them refused and a tenth seven credits each.
        assert_eq!((counted.valid, counted.credits), (360, 320 + 7 * 40));
        assert_eq!(counted.refused, [("wrong_environment".to_owned(), 40)].into());
        let last = moment(key, "lastUsedAt");
        assert_eq!(last, counted.last_used_at);
        assert!((begun..=ended).contains(&last), "{last} is not in between");
    }
    assert_eq!(credits(&sandbox, "default"), 20 * (320 + 7 * 40));
}

/// The store's log.
fn log(sandbox: &Sandbox) -> PathBuf {
    let mut path = sandbox.store_path().into_os_string();
    path.push("-wal");
    path.into()
}

/// How long the log is; nothing where there is none.
fn log_length(sandbox: &Sandbox) -> u64 {
    fs::metadata(log(sandbox)).map_or(0, |log| log.len())
}

/// The longest a log may become, from what it is cleared at and what comes in meanwhile.
const LONGEST_LOG: u64 = 40_000_000;
/// The longest that a log may be when everybody has closed the store.
const SHORT_LOG: u64 = 128 * 1024;

/// Mints keys and returns their secrets as lines, in no order.
fn many(sandbox: &Sandbox, count: usize) -> String {
    let count = count.to_string();
    let run = sandbox.keyward(["mint", "key", "--count", &count, "-o", "jsonl"]);
    let key = |line: &str| {
        let key: Value = serde_json::from_str(line).expect("a key is an object");
        text(&key, "key") + "\n"
    };
    let minted = run.ok().stdout;
    let keys: Vec<&str> = minted.lines().collect();
    // Far from their order, or neighbours would share the pages that their uses are written to.
    let places = (0..keys.len()).map(|place| place * 7_919 % keys.len());
    places.map(|place| key(keys[place])).collect()
}

/// Keeps streams busy for this long, and returns how long the log became and how many lines were answered.
fn longest_log_of(sandbox: &Sandbox, streams: usize, lines: &str, time: Duration) -> (u64, usize) {
    let over = AtomicBool::new(false);
    let begun = Instant::now();
    thread::scope(|scope| {
        let streams: Vec<_> = (0..streams)
            .map(|_| {
                scope.spawn(|| {
                    let mut answered = 0;
                    while !over.load(Ordering::Relaxed) {
                        answered += answers(sandbox, &[], lines).len();
                    }
                    answered
                })
            })
            .collect();
        let mut longest = 0;
        // On a slow machine the first streams go on after that time.
        while streams.iter().any(|stream| !stream.is_finished()) {
            over.store(begun.elapsed() >= time, Ordering::Relaxed);
            longest = longest.max(log_length(sandbox));
            thread::sleep(Duration::from_millis(5));
        }
        let answered = streams.into_iter().map(|stream| stream.join().expect("a stream goes well"));
        (longest, answered.sum())
    })
}

#[test]
fn a_reader_that_stalls_keeps_no_log_from_being_cleared() {
    let sandbox = Sandbox::new();
    // A rate that lets everything pass makes each line a change of the store, on a page of its own.
    limited(&sandbox, "rate = \"1000000/second\"");
    let lines = many(&sandbox, 20_000);
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let stalled = thread::scope(|scope| {
        let listing = scope.spawn(|| {
            let list = sandbox.keyward(["list", "--output", "jsonl"]);
            list.stdout(fs::File::from(OwnedFd::from(writer))).run()
        });
        // It has begun, and nobody reads on.
        let mut first = [0; 1];
        reader.read_exact(&mut first).expect("a list begins");
        let (longest, answered) = longest_log_of(&sandbox, 1, &lines, Duration::from_secs(6));
        let is_stalled = !listing.is_finished();
        let mut rest = String::new();
        reader.read_to_string(&mut rest).expect("a list is text");
        let listed = listing.join().expect("a run does not panic");
        assert_eq!(listed.status, 0, "{}", listed.transcript());
        assert_eq!(rest.lines().count(), 20_001, "every key is listed once");
        assert!(answered >= 20_000, "{answered} lines are not busy");
        assert!(longest > 1 << 20, "a log of {longest} bytes proves nothing");
        assert!(longest < LONGEST_LOG, "the log had {longest} bytes");
        is_stalled
    });
    assert!(stalled, "the list was over before anybody read it");
    let left = log_length(&sandbox);
    assert!(left <= SHORT_LOG + 8192, "a log of {left} bytes is left");
    sandbox.keyward(["rename", "ci", "renamed"]).ok();
    assert!(!log(&sandbox).exists(), "a change left its log behind");
}

#[test]
fn several_busy_streams_keep_the_log_short_between_them() {
    let sandbox = Sandbox::new();
    limited(&sandbox, "rate = \"1000000/second\"");
    let lines = many(&sandbox, 3_000);
    let (longest, answered) = longest_log_of(&sandbox, 4, &lines, Duration::from_secs(3));
    assert!(answered >= 12_000, "{answered} lines are not busy");
    assert!(longest > 1 << 20, "a log of {longest} bytes proves nothing");
    assert!(longest < LONGEST_LOG, "the log had {longest} bytes");
    let left = log_length(&sandbox);
    assert!(left <= SHORT_LOG + 8192, "a log of {left} bytes is left");
}

#[test]
fn single_calls_leave_a_short_log_and_the_next_change_none() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    assert!(!log(&sandbox).exists(), "a mint left its log behind");
    let mut longest = 0;
    for _ in 0..150 {
        sandbox.verdict(&secret, &[], 0, "valid");
        longest = longest.max(log_length(&sandbox));
    }
    assert!(longest > 0, "nothing was left to be cleared");
    assert!(longest <= SHORT_LOG + 8192, "{longest} bytes");
    sandbox.keyward(["rename", "ci", "renamed"]).ok();
    assert!(!log(&sandbox).exists(), "a change left its log behind");
    assert_eq!(counts(&sandbox, "renamed").valid, 150);
}

#[test]
fn whoever_only_looks_leaves_the_file_as_it_is_beside_a_log_of_counts() {
    let sandbox = Sandbox::new();
    let ensure = ["ensure", "ci", "--out", "F"];
    sandbox.keyward(ensure).ok();
    let manifest = "[workspace.default]\n[[key]]\nworkspace = \"default\"\nname = \"ci\"\ndeliver = { out = \"F\" }\n";
    sandbox.file("keys.toml", manifest);
    let secret = sandbox.line("F");
    sandbox.verdict(&secret, &[], 0, "valid");
    let before = Stamp::of(sandbox.store_path());
    let log = fs::read(sandbox.store_path().with_extension("db-wal"));
    assert!(
        log.is_ok_and(|log| !log.is_empty()),
        "verify leaves a log of counts, or this test tests nothing"
    );
    for command in [
        &ensure[..],
        &["apply", "keys.toml"],
        &["apply", "keys.toml", "--dry-run"],
        &["apply", "keys.toml", "--check"],
        &["prune", "--dead-for", "0s", "--dry-run"],
        &["check", "--older-than", "90d"],
        &["list"],
        &["usage"],
    ] {
        sandbox.keyward(command).ok();
        assert_eq!(Stamp::of(sandbox.store_path()), before, "{command:?}");
    }
    // What was counted is seen all the same, and the next change brings it into the file.
    assert_eq!(counts(&sandbox, "ci").valid, 1);
    sandbox.keyward(["rename", "ci", "renamed"]).ok();
    assert!(!sandbox.store_path().with_extension("db-wal").exists());
    assert_eq!(counts(&sandbox, "renamed").valid, 1);
}
