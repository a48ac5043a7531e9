//! Several processes at the same time: what they answer and what they leave must be what they would answer and leave one after
//! the other, in some order.

use std::collections::BTreeSet;

use super::choose::Chooser;
use super::compare;
use super::course::Turn;
use super::operation::{Ask, Operation};
use super::process::{Failure, Order, Reply, Report};
use super::random::Random;
use super::run::Run;
use super::state::Model;

/// What a process was told to do, and what came of it.
struct Did {
    turn: Turn,
    done: Result<Report, Failure>,
}

/// The search for an order.
struct Search {
    did: Vec<Vec<Did>>,
    /// What was tried: how far each process was, and the model.
    tried: BTreeSet<(Vec<usize>, String)>,
}

impl Run {
    /// Lets several processes verify one key that has limits, or change what they like, all at once.
    pub fn step_together(&mut self) {
        let mut random = self.course.advance();
        // What a verifier knows of the time that the store does not would depend on who was the first.
        let model = &self.course.model;
        let mut processes: Vec<usize> = (0..self.processes()).collect();
        processes.retain(|process| model.knows_the_time_alike(*process));
        let limited = self.limited_key(&mut random);
        let word = match limited {
            Some(_) => "verify together",
            None => "change together",
        };
        let mut turns: Vec<Vec<Turn>> = Vec::new();
        for process in processes {
            let count = match limited {
                Some(_) => 1 + random.below(3),
                None => 1,
            };
            let turns_of = (0..count).map(|_| {
                let by = self.course.by(process);
                let operation = match &limited {
                    Some(secret) => verify(secret, &mut random),
                    None => self.choose_change(by.now, &mut random),
                };
                let random = Random::of(random.next(), 0, 0);
                Turn { by, operation, random }
            });
            turns.push(turns_of.collect());
        }
        let count = turns.iter().map(Vec::len).sum::<usize>();
        let did = self.do_together(turns);
        for _ in 0..count {
            self.figures.note(word, self.processes());
        }
        let mut search = Search { did, tried: BTreeSet::new() };
        let before = self.course.model.clone();
        let start = vec![0; search.did.len()];
        let now = self.course.now;
        let library = &mut self.open().library;
        let mut differences = Vec::new();
        let mut is_it = |model: &Model| {
            let found = compare::whole(library, model, now);
            found.map_err(|difference| differences.push(difference)).is_ok()
        };
        let Some(after) = search.find(&before, start, &mut is_it) else {
            let did: Vec<String> = search.did.iter().flatten().map(Did::told).collect();
            panic!(
                "{}: one after the other, in whatever order, they come to something else; {:?}\n{}\n{}",
                self.place(),
                before.clock,
                did.join("\n"),
                differences.join("\n")
            );
        };
        self.course.model = after;
        let model = &mut self.course.model;
        if !model.is_on_server {
            // Who wrote last is not known; whoever looks again sees what it knows already.
            model.note_commit(None);
        }
        if let Some(log) = &mut self.open.as_mut().expect("the store is open").log {
            log.begin(model);
        }
        for Did { turn, done } in search.did.into_iter().flatten() {
            if let Ok(mut report) = done {
                // What was returned may have been changed since.
                report.records.clear();
                self.compare_touched(&turn, Some(report));
            }
        }
    }

    /// The secret of an active key with limits; mostly nothing is spent of its rate.
    fn limited_key(&self, random: &mut Random) -> Option<String> {
        let (model, at) = (&self.course.model, self.course.model.at(self.course.now));
        let is_limited =
            |key: &&super::state::Key| model.limits(key).is_any() && key.status(at) == "active";
        let limited: Vec<_> = model.keys.values().filter(is_limited).collect();
        let fresh: Vec<_> = limited.iter().filter(|key| key.whole_at.is_none()).copied().collect();
        let wanted = match random.below(10) {
            0..=2 => None,
            3..=6 => random.any(&fresh).or(random.any(&limited)),
            _ => random.any(&limited),
        };
        wanted.map(|key| key.secret.clone())
    }

    /// An operation of one transaction that changes something.
    fn choose_change(&self, now: i64, random: &mut Random) -> Operation {
        loop {
            let random = Random::of(random.next(), 0, 0);
            let operation = Chooser { model: &self.course.model, now, random }.operation();
            use Operation as O;
            match operation {
                O::Complete(_) | O::Void(_) | O::Hold(_) | O::Verify { .. } => {}
                O::List { .. } | O::Show(_) | O::Present { .. } | O::Prune { .. } => {}
                O::Backup(_) | O::Restore(_) | O::Export { .. } | O::Import { .. } => {}
                change => return change,
            }
        }
    }

    /// Lets each process do its part, all at the same time.
    fn do_together(&mut self, turns: Vec<Vec<Turn>>) -> Vec<Vec<Did>> {
        let order = |turns: &[Turn]| {
            let orders = turns.iter().map(|turn| {
                let Turn { by, operation, random } = turn.clone();
                (operation, by.now, random)
            });
            Order::Do(orders.collect())
        };
        let worker_of = |turns: &[Turn]| turns[0].by.process.checked_sub(1);
        for turns in &turns {
            if let Some(worker) = worker_of(turns) {
                self.workers[worker].tell(&order(turns));
            }
        }
        let mut did = Vec::new();
        for turns in turns {
            let reply = match worker_of(&turns) {
                None => Some(self.open().library.obey(order(&turns))),
                Some(worker) => self.workers[worker].answer(),
            };
            let Some(Reply::Done(done)) = reply else {
                panic!("{}: a process ended", self.place());
            };
            let pairs = turns.into_iter().zip(done);
            did.push(pairs.map(|(turn, done)| Did { turn, done }).collect());
        }
        did
    }
}

/// One request to verify this secret that counts.
fn verify(secret: &str, random: &mut Random) -> Operation {
    let ask = Ask {
        secret: secret.to_owned(),
        environment: None,
        address: None,
        scopes: Vec::new(),
        cost: match random.percent(70) {
            true => 1,
            false => random.below(15) as u32,
        },
        record: true,
    };
    Operation::Verify { workspace: None, asks: vec![ask] }
}

impl Search {
    /// Goes on from a model where each process has done so much of its part. Returns what the store is when all have done all,
    /// if it is that.
    fn find(
        &mut self,
        model: &Model,
        positions: Vec<usize>,
        is_it: &mut dyn FnMut(&Model) -> bool,
    ) -> Option<Model> {
        let is_over = |(did, position): (&Vec<Did>, &usize)| did.len() == *position;
        if self.did.iter().zip(&positions).all(is_over) {
            return is_it(model).then(|| model.clone());
        }
        if !self.tried.insert((positions.clone(), format!("{model:?}"))) {
            return None;
        }
        for process in 0..self.did.len() {
            let Some(did) = self.did[process].get(positions[process]) else {
                continue;
            };
            if let Some(after) = did.fits(model) {
                let mut positions = positions.clone();
                positions[process] += 1;
                if let Some(found) = self.find(&after, positions, is_it) {
                    return Some(found);
                }
            }
        }
        None
    }
}

impl Did {
    /// What this leads to from that model, if it answers so there.
    fn fits(&self, model: &Model) -> Option<Model> {
        let Turn { by, operation, .. } = &self.turn;
        let mut after = model.clone();
        let minted = self.done.as_ref().map(|done| done.minted.as_slice());
        let predicted = after.apply(operation, *by, minted.unwrap_or_default());
        match (&self.done, predicted) {
            (Ok(done), Ok(answer)) => (done.answer == answer).then_some(after),
            (Err(failure), Err(faults)) => {
                let mut after = model.clone();
                after.refuse(operation, &failure.code, by.now);
                faults.contains(failure.code.as_str()).then_some(after)
            }
            _ => None,
        }
    }

    fn told(&self) -> String {
        let Turn { by, operation, .. } = &self.turn;
        match &self.done {
            Ok(done) => format!("{by:?} {operation:?}\n  {:?}", done.answer),
            Err(failure) => format!("{by:?} {operation:?}\n  {failure:?}"),
        }
    }
}
