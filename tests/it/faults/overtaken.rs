//! A mint that is held up at each of its locks in turn while another one runs: the cap is counted where nobody can come
//! between.

use std::fs;
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::injection::TRACE;
use super::scene::CAP;
use super::scenes::MINT_OUT;
use crate::support::Sandbox;
use crate::support::disturb::can_disturb;
use crate::support::is_thorough;

/// How long the first mint is held up; another one takes a few milliseconds.
const HELD_UP: Duration = Duration::from_millis(150);
/// A mint has fewer calls of `fcntl`, which takes the locks.
const LOCKS: u32 = 400;

/// Mints, is held up at this call of `fcntl`, and lets another mint run meanwhile. False when there is no such call.
fn overtaken(template: &Sandbox, place: u32) -> bool {
    let sandbox = template.copy();
    let delay = HELD_UP.as_micros();
    let words = format!(
        "strace -q -o {TRACE} -e trace=fcntl -e inject=fcntl:delay_enter={delay}:when={place}"
    );
    let (first, second) = thread::scope(|scope| {
        let first = scope.spawn(|| MINT_OUT.run(&sandbox).through(words.split(' ')).run());
        let begun = Instant::now();
        // What is written there has been done; the call at which it is held up has not.
        let done = || {
            let trace = fs::read_to_string(sandbox.home().join(TRACE));
            trace.map_or(0, |trace| trace.lines().count())
        };
        while done() + 1 < place as usize && !first.is_finished() {
            assert!(begun.elapsed() < Duration::from_secs(30), "it hangs");
            thread::sleep(Duration::from_millis(1));
        }
        let second = sandbox.keyward(["mint", "quick"]).run();
        (first.join().expect("a run does not panic"), second)
    });
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(
        statuses,
        [0, 5],
        "held up at fcntl {place}: {}{}",
        first.transcript(),
        second.transcript()
    );
    let living = ["active", "pending", "disabled"].map(|status| {
        let listed = sandbox.listed(&["--status", status]);
        listed.len()
    });
    assert_eq!(living, [CAP, 0, 0], "held up at fcntl {place}");
    sandbox.assert_whole();
    sandbox.text(TRACE).contains("DELAYED")
}

#[test]
fn a_mint_that_another_overtakes_anywhere_keeps_to_the_cap() {
    if !can_disturb() {
        return;
    }
    let template = Sandbox::new();
    (MINT_OUT.prepare)(&template);
    let every = if is_thorough() { 1 } else { 12 };
    let (next, points) = (AtomicU32::new(1), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(every, Ordering::Relaxed);
                    if place > LOCKS || !overtaken(&template, place) {
                        return;
                    }
                    points.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let points = points.into_inner();
    writeln!(std::io::stderr(), "a mint overtaken at {points} points")
        .expect("stderr can be written");
    assert!(points >= 40 / every, "{points} points only");
}
