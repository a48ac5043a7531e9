//! One key's rate under several callers at once: processes, streams and library callers, some of them with a clock of their
//! own. What passes is the burst and what the rate gives back, no more, and less by one request a caller at most.
//!
//! The long form (`KEYWARD_THOROUGH=1`) has every number of callers of each kind at every rate, ten seconds each, or as many as
//! `KEYWARD_RATE_SECONDS` says: six minutes, because keys whose callers are few are asked about at once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::ops::verifier::{Request, Verifier};

use crate::metering::{at_once, limited};
use crate::support::counts::not_around_midnight;
use crate::support::stream::{Stream, answers, each};
use crate::support::time::{HOUR, SECOND, now};
use crate::support::{Invocation, Sandbox, is_thorough, moment, skipped, variable};

/// How a caller asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    /// A process a request, whose clock is this many milliseconds off.
    Process(i64),
    /// Requests as lines of one process.
    Stream,
    /// A thread with a verifier of its own, whose clock is this many milliseconds off.
    Library(i64),
}

/// What one caller saw, and from its first answer to its last question: what was judged within that time was judged by it.
#[derive(Default)]
struct Seen {
    valid: u64,
    refused: u64,
    between: Option<(Instant, Instant)>,
    /// The longest it waited for an answer.
    longest: Duration,
}

/// Asks about one secret until the time is over.
fn ask(caller: Caller, sandbox: &Sandbox, secret: &str, end: Instant) -> Seen {
    let mut seen = Seen::default();
    let mut count = |asked: Instant, code: &str| {
        let first = seen.between.map_or_else(Instant::now, |(first, _)| first);
        seen.between = Some((first, asked.max(first)));
        seen.longest = seen.longest.max(asked.elapsed());
        match code {
            "valid" => seen.valid += 1,
            "rate_limited" => seen.refused += 1,
            other => panic!("{other} of a key that is active"),
        }
    };
    match caller {
        Caller::Process(off) => {
            let clock = (off != 0).then(|| clock(sandbox.home(), off));
            while Instant::now() < end {
                let asked = Instant::now();
                let run = sandbox.keyward(["--json", "verify"]).stdin(secret);
                let verdict = with_clock(run, clock.as_deref()).run();
                count(asked, verdict.json()["code"].as_str().unwrap_or_default());
            }
        }
        Caller::Stream => {
            let mut stream = Stream::start(sandbox, &[]);
            while Instant::now() < end {
                let asked = Instant::now();
                // Several lines at once are one group, judged in one transaction.
                stream.send(format!("{secret}\n").repeat(20));
                for _ in 0..20 {
                    count(asked, stream.answer()["code"].as_str().unwrap_or_default());
                }
            }
            assert_eq!(stream.end().status, 0);
        }
        Caller::Library(off) => {
            let wait = Duration::from_secs(10);
            let mut verifier =
                Verifier::open(&sandbox.named(), wait, |key| key.name).expect("there is a store");
            let request = Request::new(Secret::new(secret.to_owned()));
            while Instant::now() < end {
                let asked = Instant::now();
                let verdict = verifier.verify(&request, Timestamp::from_millis(now() + off));
                count(asked, verdict.expect("a verdict").code.word());
            }
            verifier.close().expect("what was counted can be written");
        }
    }
    seen
}

/// A library that a process loads before all others, by which its clock is this many milliseconds off.
fn clock(folder: &Path, off: i64) -> PathBuf {
    let [source, library] = ["c", "so"].map(|end| folder.join(format!("clock{off}.{end}")));
    let text = format!(
        "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <time.h>\n\
         int clock_gettime(clockid_t id, struct timespec *at) {{\n\
           int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, \"clock_gettime\");\n\
           int status = real(id, at);\n\
           if (id == CLOCK_REALTIME && status == 0) {{\n\
             long long nanos = at->tv_sec * 1000000000LL + at->tv_nsec + ({off}LL) * 1000000LL;\n\
             at->tv_sec = nanos / 1000000000LL; at->tv_nsec = nanos % 1000000000LL;\n\
           }}\n\
           return status;\n\
         }}\n"
    );
    std::fs::write(&source, text).expect("a file can be made");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"]).args([&library, &source]);
    let made = cc.arg("-ldl").status();
    assert!(made.is_ok_and(|status| status.success()), "cc fails");
    library
}

fn with_clock(run: Invocation, clock: Option<&Path>) -> Invocation {
    match clock {
        Some(clock) => run.env("LD_PRELOAD", clock),
        None => run,
    }
}

/// Whether a process can be given a clock of its own. Where it cannot, says so.
fn has_clocks() -> bool {
    let sandbox = Sandbox::new();
    let has = Command::new("cc").arg("--version").output().is_ok() && {
        let clock = clock(sandbox.home(), -HOUR);
        with_clock(sandbox.keyward(["mint", "ci"]), Some(&clock)).ok();
        let created_at = moment(&sandbox.show("ci"), "createdAt");
        (now() - HOUR - created_at).abs() < 60 * SECOND
    };
    if !has {
        skipped(
            "no process can be given a clock of its own: there is no cc, or keyward is linked statically",
        );
    }
    has
}

/// A key of a workspace of its own with this rate.
fn key_at(sandbox: &Sandbox, (count, unit): (u64, &str)) -> String {
    let name = format!("at-{count}-{unit}");
    let policy = format!("default_plan = \"only\"\n[plans.only]\nrate = \"{count}/{unit}\"\n");
    let policy = sandbox.file(&name, &policy);
    let create = sandbox.keyward(["workspace", "create", &name, "--policy"]);
    create.args([policy]).ok();
    sandbox.mint_with("ci", &["-w", &name])
}

/// Runs these callers on a key of each rate, on all of them at once, and holds what passed to the rates.
fn hold(callers: &[Caller], rates: &[(u64, &str)], length: Duration, writer: bool) {
    let sandbox = Sandbox::new();
    let secrets: Vec<String> = rates.iter().map(|rate| key_at(&sandbox, *rate)).collect();
    sandbox.keyward(["workspace", "create", "beside"]).ok();
    sandbox.mint_with("beside", &["-w", "beside"]);
    let begun = Instant::now();
    let end = begun + length;
    let is_over = AtomicBool::new(false);
    let asking = callers.len() * rates.len();
    let seen = at_once(asking + usize::from(writer), |number| {
        if number == asking {
            while !is_over.load(Ordering::Relaxed) {
                for owner in ["one", "other"] {
                    let set = ["set", "beside", "-w", "beside", "--owner", owner];
                    sandbox.keyward(set).ok();
                }
            }
            return Seen::default();
        }
        let (rate, caller) = (number / callers.len(), number % callers.len());
        let seen = ask(callers[caller], &sandbox, &secrets[rate], end);
        is_over.store(true, Ordering::Relaxed);
        seen
    });
    let spent = begun.elapsed().as_millis() as u64;
    for (rate, seen) in rates.iter().zip(seen.chunks(callers.len())) {
        hold_to(callers, *rate, seen, spent);
    }
}

/// Holds what these callers saw of one key, within so many milliseconds, to its rate.
fn hold_to(callers: &[Caller], (count, unit): (u64, &str), seen: &[Seen], spent: u64) {
    let (valid, refused) = seen
        .iter()
        .fold((0, 0), |(valid, refused), seen| (valid + seen.valid, refused + seen.refused));
    let ahead = callers.iter().map(|caller| match caller {
        Caller::Library(off) | Caller::Process(off) => (*off).max(0).unsigned_abs(),
        Caller::Stream => 0,
    });
    let per = match unit {
        "second" => 1_000,
        "minute" => 60_000,
        _ => unreachable!("a unit of this test"),
    };
    let spent = spent + ahead.max().unwrap_or(0);
    let most = count + spent * count / per + 1;
    let case = format!("{callers:?} at {count}/{unit}: {valid} passed, {refused} did not");
    assert!(valid <= most, "{case}, where {most} may");
    // Callers that are mostly refused have taken all there was while all of them asked.
    let together = seen.iter().filter_map(|seen| seen.between);
    let all = together.reduce(|one, other| (one.0.max(other.0), one.1.min(other.1)));
    let together = all.map_or(Duration::ZERO, |(from, to)| to.duration_since(from));
    // A key that nobody asks about for a whole unit has its burst back, and what the rate gives from then on is lost.
    let longest = seen.iter().map(|seen| seen.longest).min();
    let is_asked = longest.is_some_and(|longest| longest.as_millis() < u128::from(per));
    if refused >= valid && is_asked {
        let least = (count + together.as_millis() as u64 * count / per)
            .saturating_sub(1 + callers.len() as u64);
        assert!(valid >= least, "{case}, where {least} must");
    }
}

/// How long each case is asked about, and whether every case is.
fn form() -> (Duration, bool) {
    let said = variable("KEYWARD_RATE_SECONDS").map(|seconds| {
        let seconds = seconds.to_str().and_then(|seconds| seconds.parse().ok());
        // No stream is kept for a minute.
        seconds.filter(|seconds| (1..=50).contains(seconds))
    });
    let said = said.map(|seconds| seconds.expect("KEYWARD_RATE_SECONDS is from 1 to 50"));
    if is_thorough() {
        (Duration::from_secs(said.unwrap_or(10)), true)
    } else {
        (Duration::from_secs(said.unwrap_or(2)), false)
    }
}

#[test]
fn callers_of_each_kind_get_the_burst_and_what_the_rate_gives_back() {
    let (length, is_thorough) = form();
    let kinds = [Caller::Process(0), Caller::Stream, Caller::Library(0)];
    if !is_thorough {
        for kind in kinds {
            hold(&[kind; 4], &[(50, "second")], length, false);
        }
        hold(&[Caller::Stream; 2], &[(1000, "second")], length, false);
        return;
    }
    let rates = [(10, "minute"), (100, "minute"), (5, "second"), (50, "second"), (1000, "second")];
    for kind in kinds {
        for number in [1, 2, 4, 8] {
            // No more than eight callers at once, so that they are refused and not kept waiting.
            for rates in rates.chunks((8 / number).min(rates.len())) {
                hold(&vec![kind; number], rates, length, false);
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
    let has_clocks = has_clocks();
    let rates = [(50, "second"), (5, "second")];
    for off in offsets.iter().copied() {
        let library = [Caller::Library(off), Caller::Library(0), Caller::Stream];
        hold(&[&library[..], &[Caller::Process(0)]].concat(), &rates, length, false);
        if has_clocks {
            let processes = [Caller::Process(off), Caller::Process(0), Caller::Stream];
            hold(&[&processes[..], &[Caller::Library(0)]].concat(), &rates, length, false);
        }
    }
}

#[test]
fn a_writer_beside_changes_no_ones_share() {
    let (length, _) = form();
    let callers = [Caller::Stream, Caller::Library(0), Caller::Process(0)];
    hold(&callers, &[(50, "second")], length, true);
}

#[test]
fn callers_of_every_kind_spend_a_quota_to_the_last_credit() {
    not_around_midnight();
    let (_, is_thorough) = form();
    let quota: u64 = if is_thorough { 2_000 } else { 200 };
    let sandbox = Sandbox::new();
    let secret = limited(&sandbox, &format!("quota = {quota}"));
    let callers = [Caller::Process(0), Caller::Stream, Caller::Library(0)];
    // Half of them want three credits at a time; what these leave, the others take.
    let spent = at_once(2 * callers.len(), |number| {
        let cost = if number < callers.len() { 1 } else { 3 };
        spend(callers[number % callers.len()], &sandbox, &secret, cost)
    });
    assert_eq!(spent.iter().sum::<u64>(), quota, "{spent:?}");
    sandbox.verdict(&secret, &[], 15, "quota_exceeded");
}

/// Asks for so many credits until they are refused. Says how many it got.
fn spend(caller: Caller, sandbox: &Sandbox, secret: &str, cost: u32) -> u64 {
    let mut spent = 0;
    let mut is_over = |code: &str| match code {
        "valid" => {
            spent += u64::from(cost);
            // A process takes about so long to start; else the library would have taken all by then.
            thread::sleep(Duration::from_millis(10));
            false
        }
        "quota_exceeded" => true,
        other => panic!("{other} of a key that is active"),
    };
    match caller {
        Caller::Process(_) => {
            let credits = cost.to_string();
            let line = ["--json", "verify", "--cost", &credits];
            while !is_over(&code_of(&sandbox.keyward(line).stdin(secret).run().json())) {}
        }
        Caller::Stream => {
            let mut stream = Stream::start(sandbox, &[]);
            let line = json!({ "key": secret, "cost": cost }).to_string();
            while !is_over(&code_of(&stream.ask(&line))) {}
            assert_eq!(stream.end().status, 0);
        }
        Caller::Library(_) => {
            let wait = Duration::from_secs(10);
            let mut verifier =
                Verifier::open(&sandbox.named(), wait, |key| key.name).expect("there is a store");
            let mut request = Request::new(Secret::new(secret.to_owned()));
            request.cost = cost;
            let mut code = || {
                let verdict = verifier.verify(&request, Timestamp::from_millis(now()));
                verdict.expect("a verdict").code.word()
            };
            while !is_over(code()) {}
            verifier.close().expect("what was counted can be written");
        }
    }
    spent
}

fn code_of(verdict: &Value) -> String {
    verdict["code"].as_str().unwrap_or_default().to_owned()
}

/// Spends as many requests of a key as pass at once.
fn spend_all(sandbox: &Sandbox, secret: &str) -> usize {
    let answers = answers(sandbox, &[], format!("{secret}\n").repeat(12));
    let codes = each(&answers, "code");
    codes.iter().filter(|code| *code == "valid").count()
}

#[test]
fn a_key_and_those_that_replace_it_share_one_rate() {
    let sandbox = Sandbox::new();
    let first = limited(&sandbox, "rate = \"6/day\"");
    let rotate = |flags: &[&str]| sandbox.keyward(["rotate", "ci"]).args(flags).ok().line();
    assert_eq!(spend_all(&sandbox, &first), 6);
    // In its grace and at once.
    let second = rotate(&[]);
    assert_eq!(spend_all(&sandbox, &second), 0);
    let third = rotate(&["--now"]);
    assert_eq!(spend_all(&sandbox, &third), 0);

    let sandbox = Sandbox::new();
    let first = limited(&sandbox, "rate = \"6/day\"");
    let rotate = |flags: &[&str]| sandbox.keyward(["rotate", "ci"]).args(flags).ok();
    let second = rotate(&[]).line();
    // What the new one spends is spent of the old one too.
    sandbox.verdict(&second, &[], 0, "valid");
    let verdict = sandbox.verdict(&first, &[], 0, "valid");
    assert_eq!(verdict["remaining"], 4);
    let id = sandbox.id_of("ci");
    assert_eq!(spend_all(&sandbox, &second), 4);
    assert_eq!(spend_all(&sandbox, &first), 0);
    // Rotating and cancelling, once or again, does not get around it either.
    sandbox.keyward(["rotate", &id, "--cancel"]).ok();
    assert_eq!(spend_all(&sandbox, &first), 0);
    let again = rotate(&[]).line();
    assert_eq!(spend_all(&sandbox, &again), 0);
    // Another key of the workspace has a rate of its own.
    let other = sandbox.mint("other");
    assert_eq!(spend_all(&sandbox, &other), 6);
}

#[test]
fn another_rate_is_no_second_burst() {
    let sandbox = Sandbox::new();
    let policy = "default_plan = \"slow\"\n[plans.slow]\nrate = \"6/day\"\n[plans.fast]\nrate = \"12/day\"\n[plans.free]\n";
    let policy = sandbox.file("policy.toml", policy);
    let create = sandbox.keyward(["workspace", "create", "acme", "--policy"]);
    create.args([policy]).ok();
    let plan = |name: &str| {
        let set = ["workspace", "set", "acme", "--plan", name];
        sandbox.keyward(set).ok();
    };
    let spent = sandbox.mint("spent");
    let half = sandbox.mint("half");
    assert_eq!(spend_all(&sandbox, &spent), 6);
    for _ in 0..3 {
        sandbox.verdict(&half, &[], 0, "valid");
    }
    for name in ["fast", "slow", "fast"] {
        plan(name);
        assert_eq!(spend_all(&sandbox, &spent), 0, "{name}");
    }
    let left = || sandbox.verdict(&half, &["--no-record"], 0, "valid")["remaining"].clone();
    assert_eq!(left(), 6);
    // Neither is a plan without a rate in between.
    plan("free");
    sandbox.verdict(&spent, &[], 0, "valid");
    plan("slow");
    assert_eq!(spend_all(&sandbox, &spent), 0);
    assert_eq!(left(), 3);
    // Nor a rate that another policy gives the same plan.
    let policy = "default_plan = \"slow\"\n[plans.slow]\nrate = \"2/day\"\n";
    let policy = sandbox.file("policy.toml", policy);
    let set = sandbox.keyward(["workspace", "set", "acme", "--policy"]);
    set.args([policy]).ok();
    assert_eq!(left(), 1);
    sandbox.assert_sound();
}

#[test]
fn a_restoration_of_another_plan_is_no_second_burst() {
    let sandbox = Sandbox::new();
    let policy = "default_plan = \"slow\"\n[plans.slow]\nrate = \"6/day\"\n[plans.fast]\nrate = \"12/day\"\n";
    let policy = sandbox.file("policy.toml", policy);
    let create = sandbox.keyward(["workspace", "create", "acme", "--policy"]);
    create.args([policy]).ok();
    let secret = sandbox.mint("ci");
    sandbox.keyward(["store", "backup", "b.db"]).ok();
    let set = ["workspace", "set", "acme", "--plan", "fast"];
    sandbox.keyward(set).ok();
    assert_eq!(spend_all(&sandbox, &secret), 12);
    sandbox.keyward(["store", "restore", "b.db", "--yes"]).ok();
    assert_eq!(spend_all(&sandbox, &secret), 0);
    sandbox.assert_sound();
}

#[test]
fn records_that_go_leave_their_lineage_what_is_spent() {
    // Pruned, all but the newest at once or one after the other.
    for rotations in [1, 3] {
        let sandbox = Sandbox::new();
        let first = limited(&sandbox, "rate = \"6/day\"");
        assert_eq!(spend_all(&sandbox, &first), 6);
        let rotate = || sandbox.keyward(["rotate", "ci", "--now"]).ok().line();
        let mut newest = rotate();
        for _ in 1..rotations {
            newest = rotate();
        }
        let prune = ["prune", "--dead-for", "0s", "--yes"];
        sandbox.keyward(prune).ok();
        assert_eq!(sandbox.listed(&["--all"]), ["ci"]);
        assert_eq!(spend_all(&sandbox, &newest), 0, "{rotations} rotations");
        sandbox.assert_sound();
    }
    // Lost with a restoration.
    let sandbox = Sandbox::new();
    let first = limited(&sandbox, "rate = \"6/day\"");
    sandbox.keyward(["store", "backup", "b.db"]).ok();
    let second = sandbox.keyward(["rotate", "ci"]).ok().line();
    assert_eq!(spend_all(&sandbox, &second), 6);
    sandbox.keyward(["store", "restore", "b.db", "--yes"]).ok();
    sandbox.verdict(&second, &[], 10, "not_found");
    assert_eq!(spend_all(&sandbox, &first), 0);
    sandbox.assert_sound();
}
