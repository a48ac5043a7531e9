//! Every command with faults in the system calls by which it reads and changes the world: killed at each of them, each
//! failing once, each failing every time, and a second fault in the command that makes up for the first.
//!
//! The short form kills a few commands at every point and samples the rest. The whole one takes half an hour on a busy
//! machine:
//!
//! ```sh
//! KEYWARD_THOROUGH=1 cargo test --locked --test it -- faults --nocapture
//! ```
//!
//! `KEYWARD_FAULTS=WORDS` beside it chooses the scenes whose name has these words. A point that fails is told with the
//! line that disturbs the command at it.

/// Fails with a message unless something holds.
macro_rules! must {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            return Err(format!($($message)+));
        }
    };
}

mod aftermath;
mod injection;
mod judge;
mod order;
mod overtaken;
mod scene;
mod scenes;
mod sink;
mod stage;
mod state;
mod sweep;
mod tally;

use std::io::Write;

use scene::Scene;
use scenes::SCENES;
use tally::Tally;

use crate::support::disturb::can_disturb;
use crate::support::{is_thorough, variable};

/// Scenes that are killed at every point also in the short form, and whose pairs are tried at every point in the whole one.
const CLOSELY: [&str; 4] = ["mint --out", "rotate --out", "revoke two", "scan --revoke"];
/// The short form tries every so many of the other points.
const EVERY: usize = 149;
/// After a kill, the whole form tries every so many points of the other scenes.
const EVERY_SECOND: usize = 6;

/// The scenes that were chosen; without a choice all of them.
fn chosen() -> Vec<&'static Scene> {
    let words = variable("KEYWARD_FAULTS").unwrap_or_default();
    let words = words.to_string_lossy();
    let is_chosen = |scene: &&Scene| scene.name.contains(&*words);
    SCENES.iter().filter(is_chosen).collect()
}

/// Tells the figures, and fails if anything was lost.
fn assert_survived(what: &str, scenes: &[&Scene], tally: &Tally, least: u32) {
    writeln!(std::io::stderr(), "{what}\n{}", tally.table(scenes)).expect("stderr can be written");
    let failures = tally.failures();
    assert!(failures.is_empty(), "{failures}");
    let is_all = scenes.len() == SCENES.len();
    let tried = tally.tried();
    assert!(tried >= least || !is_all, "{what}: only {tried} points were tried");
}

#[test]
fn every_command_survives_a_fault_at_any_of_its_system_calls() {
    if !can_disturb() {
        return;
    }
    let scenes = chosen();
    match is_thorough() {
        true => {
            let tally = sweep::whole(&scenes);
            assert_survived("single and persistent faults", &scenes, &tally, 10_000);
        }
        false => {
            let tally = sweep::some(&scenes, &CLOSELY, EVERY);
            assert_survived("some faults", &scenes, &tally, 200);
        }
    }
}

#[test]
fn every_command_survives_a_second_fault_after_it_was_killed() {
    if !is_thorough() || !can_disturb() {
        return;
    }
    let scenes = chosen();
    let tally = sweep::pairs(&scenes, &CLOSELY, EVERY_SECOND);
    assert_survived("pairs of faults", &scenes, &tally, 10_000);
}
