//! Faults at every point of a scene's command, one after the other, and pairs of them; some pieces of that at a time.

use std::iter;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use super::injection::{CALLS, FAULTS, Fault, Injection, error};
use super::scene::Scene;
use super::stage::{Stage, Tried};
use super::tally::{PAIRS, Tally};

/// No command makes one of the calls this often.
const ENDLESS: u32 = 2_000;
/// How many points are tried at once.
const THREADS: usize = 2;

/// A scene, its number in the table, and its stage, which whoever needs it first makes.
struct Place<'a> {
    number: usize,
    scene: &'a Scene,
    stage: OnceLock<Stage>,
}

/// A piece of the work.
enum Piece {
    /// One fault at each call of a name.
    Sweep(Fault, &'static str),
    /// Any of these faults at every so many points, beginning with the one of this number.
    Sample { faults: Vec<Fault>, first: usize, every: usize },
    /// After a kill at the crossing of this number, faults at every so many points of the next command.
    Pairs { crossing: usize, every: usize },
}

/// Where points are counted, and what is told of one that fails.
struct Told<'a> {
    tally: &'a Tally,
    number: usize,
    column: String,
    /// The scene, and what has happened before.
    before: String,
}

impl Told<'_> {
    /// Tries a point and counts it; false if there is none.
    fn tries(&self, stage: &Stage, injection: Injection) -> bool {
        let survived = match stage.try_at(injection) {
            Tried::Undisturbed => return false,
            Tried::Survived => true,
            Tried::Failed(finding) => {
                let line = injection.line(&stage.scene);
                self.tally.fail(format!("[{}] {line}\n{finding}", self.before));
                false
            }
        };
        self.tally.add(self.number, &self.column, survived);
        true
    }

    /// Tries a call's places one after the other until there is no such place.
    fn sweeps(&self, stage: &Stage, fault: Fault, call: &'static str) {
        for place in 1..ENDLESS {
            if !self.tries(stage, Injection { fault, call, place }) {
                return;
            }
        }
        self.tally.fail(format!("[{}] {call} without end", self.before));
    }
}

impl Place<'_> {
    fn stage(&self) -> &Stage {
        self.stage.get_or_init(|| Stage::of(self.scene))
    }

    fn told<'a>(&self, tally: &'a Tally, column: &str, before: &str) -> Told<'a> {
        Told {
            tally,
            number: self.number,
            column: column.to_owned(),
            before: format!("{}{before}", self.scene.name),
        }
    }

    fn play(&self, piece: &Piece, tally: &Tally) {
        match piece {
            Piece::Sweep(fault, call) => {
                let told = self.told(tally, &fault.to_string(), "");
                told.sweeps(self.stage(), *fault, call);
            }
            Piece::Sample { faults, first, every } => {
                let points = self.stage().points();
                let all = points
                    .iter()
                    .flat_map(|point| faults.iter().map(move |fault| (*fault, *point)));
                for (fault, (call, place)) in all.skip(*first).step_by(*every) {
                    let told = self.told(tally, &fault.to_string(), "");
                    told.tries(self.stage(), Injection { fault, call, place });
                }
            }
            Piece::Pairs { crossing, every } => self.play_pairs(*crossing, *every, tally),
        }
    }

    /// Faults at every so many points of the command after one that was killed; elsewhere after each crossing, so that
    /// together they are all points.
    fn play_pairs(&self, crossing: usize, every: usize, tally: &Tally) {
        let Some(point) = self.stage().crossings().get(crossing).copied() else {
            return;
        };
        let before = format!(", after {}:signal=KILL:when={}", point.0, point.1);
        match self.stage().killed_at(point) {
            None => {}
            Some(Err(finding)) => tally.fail(format!("[{}{before}] {finding}", self.scene.name)),
            Some(Ok(next)) => {
                for (fault, column) in PAIRS {
                    let told = self.told(tally, column, &before);
                    if every == 1 {
                        CALLS.iter().for_each(|call| told.sweeps(&next, fault, call));
                        continue;
                    }
                    let points = next.points().into_iter();
                    for (call, place) in points.skip(crossing % every).step_by(every) {
                        told.tries(&next, Injection { fault, call, place });
                    }
                }
            }
        }
    }
}

/// The scenes, each in its place.
fn places<'a>(scenes: &[&'a Scene]) -> Vec<Place<'a>> {
    let place =
        |(number, scene): (usize, &&'a Scene)| Place { number, scene, stage: OnceLock::new() };
    scenes.iter().enumerate().map(place).collect()
}

/// Every fault at every point.
pub fn whole(scenes: &[&Scene]) -> Tally {
    let pieces = |_: &Place<'_>| {
        let of = |fault| CALLS.map(|call| Piece::Sweep(fault, call));
        FAULTS.into_iter().flat_map(of).collect()
    };
    play(scenes, pieces)
}

/// Pairs of faults: a kill at every crossing, and then faults in the next command, at each of its points in some scenes and
/// at every so many in the others.
pub fn pairs(scenes: &[&Scene], closely: &[&str], every: usize) -> Tally {
    let pieces = |place: &Place<'_>| {
        let is_close = closely.contains(&place.scene.name);
        let every = if is_close { 1 } else { every };
        let crossings = 0..place.stage().crossings().len();
        let pairs = |crossing| Piece::Pairs { crossing, every };
        crossings.map(pairs).collect()
    };
    play(scenes, pieces)
}

/// Kills at every point of some scenes and a disk that stops syncing there, and any fault at every so many points of all.
pub fn some(scenes: &[&Scene], closely: &[&str], every: usize) -> Tally {
    let pieces = |place: &Place<'_>| {
        let kills = Piece::Sample { faults: vec![Fault::Kill], first: 0, every: 1 };
        let sample = Piece::Sample {
            faults: FAULTS.to_vec(),
            // Each scene begins elsewhere, so that not all of them are looked at in the same places.
            first: place.number * 7 % every,
            every,
        };
        let unsynced = Piece::Sweep(error("EIO", true), "fsync");
        let is_close = closely.contains(&place.scene.name);
        match is_close {
            true => vec![kills, unsynced, sample],
            false => vec![sample],
        }
    };
    play(scenes, pieces)
}

/// Plays the pieces of each place, some at a time.
fn play(scenes: &[&Scene], pieces: impl Fn(&Place<'_>) -> Vec<Piece> + Sync) -> Tally {
    let tally = Tally::default();
    let places = places(scenes);
    let all = places.iter().flat_map(|place| iter::repeat(place).zip(pieces(place)));
    let next = Mutex::new(all);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let piece = next.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((place, piece)) = piece else { return };
                    place.play(&piece, &tally);
                }
            });
        }
    });
    drop(next);
    tally
}
