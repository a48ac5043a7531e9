//! What is counted is exact, whoever counts.

use std::thread;

use super::sandbox;
use crate::support::disturb::at_once;
use crate::support::stream::{Stream, answers, each};
use crate::support::{is_thorough, text};

#[test]
fn sixty_mints_at_once_never_pass_the_cap() {
    let Some(sandbox) = sandbox() else { return };
    for round in 0..if is_thorough() { 20 } else { 1 } {
        let workspace = format!("shop-{round}");
        sandbox.workspace(&workspace, &["--preset", "amser"]);
        let runs = (0..60).map(|number| {
            let run = sandbox.keyward(["--json", "mint", &format!("key-{number}")]);
            run.args(["-w", &workspace, "--wait", "1m"])
        });
        let outputs = at_once(runs.collect());
        let minted = outputs.iter().filter(|output| output.status == 0).count();
        let refused = outputs.iter().filter(|output| output.status == 5).count();
        assert_eq!((minted, refused), (5, 55));
        for output in outputs.iter().filter(|output| output.status == 0) {
            sandbox.verdict(&text(&output.json(), "key"), &[], 0, "valid");
        }
        let listed = sandbox.keyward(["list", "--all", "-w", &workspace]).answer();
        assert_eq!(listed["keys"].as_array().expect("a list").len(), 5);
    }
    assert_eq!(sandbox.keyward(["audit", "verify"]).answer()["ok"], true);
    sandbox.keyward(["store", "check"]).ok();
}

#[test]
fn a_rate_is_shared_by_all_who_verify() {
    let Some(sandbox) = sandbox() else { return };
    sandbox.workspace("plans", &["--preset", "audioscrape", "--plan", "pro"]);
    let secret = sandbox.mint_with("limited", &["-w", "plans"]);
    let requests = format!("{secret}\n").repeat(if is_thorough() { 1_250 } else { 100 });
    let start = std::time::Instant::now();
    let codes: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| each(&answers(&sandbox, &[], &requests), "code")))
            .collect();
        runs.into_iter().flat_map(|run| run.join().expect("it answers")).collect()
    });
    let elapsed = start.elapsed().as_secs_f64();
    let valid = codes.iter().filter(|code| *code == "valid").count();
    let limited = codes.iter().filter(|code| *code == "rate_limited").count();
    assert_eq!(valid + limited, codes.len(), "{codes:?}");
    // 100 at once, and one more for each 0.6 s that it took.
    let most = 100 + (elapsed / 0.6).ceil() as usize;
    assert!((100..=most).contains(&valid), "{valid} were valid in {elapsed} s");
}

#[test]
fn a_quota_is_spent_to_the_last_credit_and_not_beyond() {
    let Some(sandbox) = sandbox() else { return };
    sandbox.workspace("plans", &["--preset", "audioscrape", "--plan", "free"]);
    let secrets: Vec<String> = (0..20)
        .map(|number| sandbox.mint_with(&format!("key-{number}"), &["-w", "plans"]))
        .collect();
    // Each key alone may do ten a minute, and all together a hundred a month.
    let requests: String = secrets.iter().map(|secret| format!("{secret}\n").repeat(4)).collect();
    let codes: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| each(&answers(&sandbox, &[], &requests), "code")))
            .collect();
        runs.into_iter().flat_map(|run| run.join().expect("it answers")).collect()
    });
    let count = |wanted: &str| codes.iter().filter(|code| *code == wanted).count();
    assert_eq!(count("valid"), 100, "{codes:?}");
    assert_eq!(count("valid") + count("quota_exceeded") + count("rate_limited"), codes.len());
}

#[test]
fn uses_of_unlimited_keys_are_all_counted() {
    let Some(sandbox) = sandbox() else { return };
    let secrets: Vec<String> =
        (0..20).map(|number| sandbox.mint(&format!("key-{number}"))).collect();
    let requests: String = secrets.iter().map(|secret| format!("{secret}\n").repeat(25)).collect();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| answers(&sandbox, &[], &requests));
        }
    });
    let usage = sandbox.keyward(["usage"]).answer();
    let days = usage["usage"].as_array().expect("a list");
    let valid: i64 = days.iter().map(|day| day["valid"].as_i64().expect("a number")).sum();
    assert_eq!(valid, 4 * 20 * 25);
}

#[test]
fn a_rotation_is_no_way_round_a_rate() {
    let Some(sandbox) = sandbox() else { return };
    sandbox.workspace("plans", &["--preset", "audioscrape", "--plan", "free"]);
    let first = sandbox.mint_with("limited", &["-w", "plans"]);
    let mut stream = Stream::start(&sandbox, &[]);
    for _ in 0..10 {
        stream.expect(&first, "valid");
    }
    let second = sandbox.keyward(["rotate", "limited", "-w", "plans"]).ok().line();
    stream.expect(&second, "rate_limited");
    stream.expect(&first, "rate_limited");
}
