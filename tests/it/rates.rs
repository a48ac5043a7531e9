//! One key's rate under several callers at once: processes, streams and library callers, some of them with a clock of their
//! own. What passes is the burst and what the rate gives back, no more, and less by one request a caller at most.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::domain::verdict::Code;
use keyward::ops::verifier::{Request, Verifier};

use crate::metering::{at_once, limited};
use crate::support::stream::Stream;
use crate::support::time::now;
use crate::support::{Sandbox, variable};

/// How a caller asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    /// A process a request.
    Process,
    /// Requests as lines of one process.
    Stream,
    /// A thread with a verifier of its own, whose clock is this many milliseconds off.
    Library(i64),
}

/// What one caller saw, and between which of its answers.
#[derive(Default)]
struct Seen {
    valid: u64,
    refused: u64,
    between: Option<(Instant, Instant)>,
}

/// Asks about one secret until the time is over.
fn ask(caller: Caller, sandbox: &Sandbox, secret: &str, end: Instant) -> Seen {
    let mut seen = Seen::default();
    let mut count = |code: &str| {
        let answered = Instant::now();
        let first = seen.between.map_or(answered, |(first, _)| first);
        seen.between = Some((first, answered));
        match code {
            "valid" => seen.valid += 1,
            "rate_limited" => seen.refused += 1,
            other => panic!("{other} of a key that is active"),
        }
    };
    match caller {
        Caller::Process => {
            while Instant::now() < end {
                let verdict = sandbox.keyward(["--json", "verify"]).stdin(secret).run();
                count(verdict.json()["code"].as_str().unwrap_or_default());
            }
        }
        Caller::Stream => {
            let mut stream = Stream::start(sandbox, &[]);
            while Instant::now() < end {
                // Several lines at once are one group, judged in one transaction.
                stream.send(format!("{secret}\n").repeat(20));
                for _ in 0..20 {
                    count(stream.answer()["code"].as_str().unwrap_or_default());
                }
            }
            assert_eq!(stream.end().status, 0);
        }
        Caller::Library(off) => {
            let wait = Duration::from_secs(10);
            let mut verifier = Verifier::open(&sandbox.store_path(), wait, |key| key.name)
                .expect("there is a store");
            let request = Request::new(Secret::new(secret.to_owned()));
            while Instant::now() < end {
                let verdict = verifier.verify(&request, Timestamp::from_millis(now() + off));
                count(match verdict.expect("a verdict").code {
                    Code::Valid => "valid",
                    Code::RateLimited => "rate_limited",
                    _ => "another verdict",
                });
            }
            verifier.close().expect("what was counted can be written");
        }
    }
    seen
}

/// Runs these callers on one key and holds what passed to the rate.
fn hold(callers: &[Caller], count: u64, unit: &str, length: Duration, writer: bool) {
    let sandbox = Sandbox::new();
    let secret = limited(&sandbox, &format!("rate = \"{count}/{unit}\""));
    let _ = sandbox.mint("beside");
    let begun = Instant::now();
    let end = begun + length;
    let is_over = AtomicBool::new(false);
    let asking = callers.len();
    let seen = at_once(asking + usize::from(writer), |number| {
        if number == asking {
            while !is_over.load(Ordering::Relaxed) {
                for owner in ["one", "other"] {
                    let _ = sandbox.keyward(["set", "beside", "--owner", owner]).ok();
                }
            }
            return Seen::default();
        }
        let seen = ask(callers[number], &sandbox, &secret, end);
        is_over.store(true, Ordering::Relaxed);
        seen
    });
    let (valid, refused) = seen.iter().fold((0, 0), |(valid, refused), seen| {
        (valid + seen.valid, refused + seen.refused)
    });
    let ahead = callers.iter().map(|caller| match caller {
        Caller::Library(off) => (*off).max(0).unsigned_abs(),
        _ => 0,
    });
    let per = match unit {
        "second" => 1_000,
        "minute" => 60_000,
        _ => unreachable!("a unit of this test"),
    };
    let spent = begun.elapsed().as_millis() as u64 + ahead.max().unwrap_or(0);
    let most = count + spent * count / per + 1;
    let case = format!("{callers:?} at {count}/{unit}: {valid} passed, {refused} did not");
    assert!(valid <= most, "{case}, where {most} may");
    // Callers that are mostly refused have taken all there was while all of them asked.
    let together = seen.iter().filter_map(|seen| seen.between);
    let all = together.reduce(|one, other| (one.0.max(other.0), one.1.min(other.1)));
    let together = all.map_or(Duration::ZERO, |(from, to)| to.duration_since(from));
    if refused >= valid {
        let least = (count + together.as_millis() as u64 * count / per)
            .saturating_sub(1 + callers.len() as u64);
        assert!(valid >= least, "{case}, where {least} must");
    }
}

/// Seconds for each case, and whether every case is run.
fn form() -> (Duration, bool) {
    match variable("KEYWARD_THOROUGH") {
        Some(_) => (Duration::from_secs(10), true),
        None => (Duration::from_secs(2), false),
    }
}

#[test]
fn callers_of_each_kind_get_the_burst_and_what_the_rate_gives_back() {
    let (length, is_thorough) = form();
    let kinds = [Caller::Process, Caller::Stream, Caller::Library(0)];
    if !is_thorough {
        for kind in kinds {
            hold(&[kind; 4], 50, "second", length, false);
        }
        hold(&[Caller::Stream; 2], 1000, "second", length, false);
        return;
    }
    let rates = [
        (10, "minute"),
        (100, "minute"),
        (5, "second"),
        (50, "second"),
        (1000, "second"),
    ];
    for kind in kinds {
        for number in [1, 2, 4, 8] {
            for (count, unit) in rates {
                hold(&vec![kind; number], count, unit, length, false);
            }
        }
    }
}

#[test]
fn a_clock_that_is_behind_or_ahead_changes_no_ones_share() {
    let (length, is_thorough) = form();
    let offsets: &[i64] = match is_thorough {
        true => &[-300, 300, -5_000, 5_000],
        false => &[-300, 5_000],
    };
    for off in offsets {
        let callers = [
            Caller::Library(*off),
            Caller::Library(0),
            Caller::Stream,
            Caller::Process,
        ];
        hold(&callers, 50, "second", length, false);
        hold(&callers, 5, "second", length, false);
    }
}

#[test]
fn a_writer_beside_changes_no_ones_share() {
    let (length, _) = form();
    let callers = [Caller::Stream, Caller::Library(0), Caller::Process];
    hold(&callers, 50, "second", length, true);
}
