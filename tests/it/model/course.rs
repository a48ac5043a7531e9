//! Where a run is, and how it goes on: which process does what next, and what its clock says.

use super::choose::Chooser;
use super::clock::By;
use super::operation::Operation;
use super::random::Random;
use super::state::Model;
use crate::support::time::{DAY, HOUR, SECOND};

/// Whether the clock also goes back between two operations, and leaps far ahead.
const CLOCK_GOES_BACK: bool = true;

/// When a run begins: 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000;

/// By how much the clock of a process may differ from the true time.
const OFFSETS: [i64; 10] =
    [0, 0, 0, 300, -300, 5 * SECOND, -5 * SECOND, 3 * HOUR, -2 * HOUR, -7 * HOUR];

/// Where a run is.
#[derive(Debug, Clone)]
pub struct Course {
    pub seed: u64,
    pub step: u64,
    /// The true time.
    pub now: i64,
    /// By how much the clock of each process differs from it.
    pub offsets: Vec<i64>,
    pub model: Model,
    /// What is to be done next whatever would be chosen.
    pub due: Option<Operation>,
}

/// One operation: who does it, and the choices that the library makes in it.
#[derive(Debug, Clone)]
pub struct Turn {
    pub by: By,
    pub operation: Operation,
    pub random: Random,
}

impl Course {
    /// The beginning. The seed says how many processes there are.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = Random::of(seed, 0, 0);
        let processes = random.between(2, 4);
        let offsets: Vec<i64> = (0..processes).map(|_| random.pick(&OFFSETS)).collect();
        let mut model = Model::default();
        model.memories.resize_with(offsets.len(), Default::default);
        Self { seed, step: 0, now: START, offsets, model, due: None }
    }

    /// A process of this run at this moment.
    #[must_use]
    pub fn by(&self, process: usize) -> By {
        let now = self.now + self.offsets[process];
        By { process, now }
    }

    /// Goes on to the next step, which is later, and earlier sometimes. Returns its choices.
    pub fn advance(&mut self) -> Random {
        self.step += 1;
        let mut random = Random::of(self.seed, self.step, 0);
        self.now += match random.below(1000) {
            0..=849 => random.between(0, SECOND),
            850..=949 => random.between(SECOND, HOUR),
            950..=978 => random.between(HOUR, 12 * HOUR),
            979..=988 => random.between(DAY, 10 * DAY),
            989..=995 if CLOCK_GOES_BACK => -random.between(0, DAY),
            996..=997 if CLOCK_GOES_BACK => -random.between(DAY, 40 * DAY),
            998..=999 if CLOCK_GOES_BACK => random.between(25 * DAY, 600 * DAY),
            _ => 0,
        };
        // A clock that was far ahead is mostly set right before it is accepted.
        let clock = &self.model.clock;
        if clock.has_leapt(self.now) && random.percent(8) {
            self.now = clock.latest + random.between(-HOUR, HOUR);
        }
        random
    }

    /// What is done next. The same course always goes on in the same way.
    pub fn next(&mut self) -> Turn {
        // An export that was refused, or passed over, left nothing.
        let is_there = |due: &Operation| match due {
            Operation::Import { file, .. } => self.model.shelf.exports.contains_key(file),
            _ => true,
        };
        let due = self.due.take().filter(is_there);
        let turn = self.turn(|mut chooser| due.unwrap_or_else(|| chooser.operation()));
        // What is taken out comes in again, into the store that it is of.
        if let Operation::Export { file, .. } = &turn.operation {
            self.due =
                Some(Operation::Import { file: file.clone(), keep_going: false, into: None });
        }
        turn
    }

    /// The next step, in which any process does what is chosen.
    pub fn turn(&mut self, choose: impl FnOnce(Chooser<'_>) -> Operation) -> Turn {
        let mut random = self.advance();
        let by = self.by(random.below(self.offsets.len() as u64) as usize);
        let (model, now) = (&self.model, by.now);
        Turn {
            by,
            operation: choose(Chooser { model, now, random }),
            random: Random::of(self.seed, self.step, 1),
        }
    }
}
