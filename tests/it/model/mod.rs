//! A model of the whole store, written from the contract, and random operations that must do the same to both, with
//! crashes in between. A run has two to four processes, each with the store open for its whole life, a verifier with its own
//! memory and a clock that may be off; some operations they do at the same time. Stores are backed up, restored, exported,
//! imported, and moved into new ones on the way.
//!
//! The short form always runs. `KEYWARD_THOROUGH=1 cargo test --release --test it -- --nocapture model` runs 100,000
//! operations with 1,000 crashes and more, and prints figures. A failure names its seed, and `KEYWARD_SEED` repeats it: up to
//! the first process that is killed in an operation, or the first time that several act at once: these come out otherwise each time.

// What is done to both.
mod operation;
// Choosing it, by a seed.
mod choose;
pub mod random;
mod wishes;
// The model: what it knows, and the rules by which that changes.
mod changing;
pub mod clock;
mod handing;
mod judge;
mod minting;
mod places;
mod policies;
mod restoring;
mod reuse;
mod rotating;
mod rules;
mod select;
mod shelf;
mod state;
mod transfer;
// The library, and whether it and the model are equal.
mod compare;
mod library;
mod requests;
mod stores;
// Going on step by step, in several processes, and being stopped.
mod course;
mod crash;
mod engine;
mod figures;
pub mod log;
mod process;
mod run;
mod together;

use std::io::Write;

use engine::Engine;
use figures::Figures;
use log::Tear;
use random::Random;
use run::Run;

use crate::support::{is_thorough, variable};

/// Operations of one run. A store gets slower to compare as its trail gets longer, so there are several runs.
const STEPS: u64 = 5_000;

/// One run, with about so many crashes in each hundred steps.
fn run(seed: u64, steps: u64, crashes: u64, engine: Engine) -> Figures {
    let mut run = Run::new(seed, engine);
    for step in 0..steps {
        let mut random = Random::of(seed, step, 4);
        match random.percent(6) {
            true => run.step_together(),
            false => run.step(),
        }
        if random.below(1000) < crashes * 10 {
            match random.below(100) {
                0..=14 => run.close(),
                15..=19 => run.move_out(),
                20..=89 if run.course.model.is_on_server => run.cut(),
                20..=39 => run.crash(Tear::Whole),
                40..=59 => run.crash(Tear::Cut),
                60..=74 => run.crash(Tear::Garbled),
                75..=89 => run.crash(Tear::Filling),
                _ => run.kill(),
            }
        }
    }
    run.compare_whole("at the end");
    run.figures
}

pub fn seed() -> Option<u64> {
    let seed = variable("KEYWARD_SEED")?;
    let seed = seed.to_str().and_then(|seed| seed.parse().ok());
    Some(seed.expect("KEYWARD_SEED is a number"))
}

/// The seeds of so many runs, or the one that is to be repeated.
fn seeds(runs: u64) -> Vec<u64> {
    if let Some(seed) = seed() {
        return vec![seed];
    }
    // The short form says something of a change, so it is the same every time.
    let start = match is_thorough() {
        true => std::time::UNIX_EPOCH.elapsed().expect("it is past 1970").as_nanos() as u64,
        false => 0,
    };
    (0..runs).map(|run| Random::of(start, run, 0).next()).collect()
}

#[test]
fn random_operations_with_crashes_in_between_do_to_the_store_what_they_do_to_the_model() {
    let thorough = is_thorough();
    let (runs, steps, crashes) = if thorough { (21, STEPS, 2) } else { (3, 600, 2) };
    let mut all = Figures::default();
    for seed in seeds(runs) {
        all.add(run(seed, steps, crashes, Engine::Folder));
    }
    if thorough {
        writeln!(std::io::stderr(), "{all}").expect("stderr can be written");
        assert!(all.count() >= 100_000, "{all}");
        assert!(all.crashes.values().sum::<u64>() >= 1_000, "{all}");
    }
}

#[cfg(feature = "postgres")]
#[test]
fn the_same_seeds_do_on_a_server_what_they_do_to_the_model() {
    let (runs, steps, crashes) = if is_thorough() { (4, 2_500, 2) } else { (2, 150, 4) };
    let mut all = Figures::default();
    for seed in seeds(runs) {
        let Some(server) = crate::support::server::Server::start("") else { return };
        all.add(run(seed, steps, crashes, Engine::Server(std::rc::Rc::new(server))));
    }
    writeln!(std::io::stderr(), "on a server: {all}").expect("stderr can be written");
}

/// Does nothing unless a test above starts it, in a process of its own.
#[test]
fn a_process_of_a_run_does_what_it_is_told() {
    process::work();
}
