//! Crashes: the store is left as it is at some moment, and the run goes on with what is there.

use std::time::{Duration, Instant};

use super::compare;
use super::course::{Course, Turn};
use super::engine::folder;
use super::library::Library;
use super::log::Tear;
use super::operation::{Operation, Token};
use super::process::{Order, Reply, Worker};
use super::random::Random;
use super::run::{Open, Run};
use super::state::Model;
use crate::support::tables::rows_in;

/// Whether an operation leaves something beside the store too.
fn has_a_file(operation: &Operation) -> bool {
    use Operation::{Backup, Export, Restore};
    matches!(operation, Backup(_) | Restore(_) | Export { .. })
}

impl Run {
    /// Closes the store in all processes and opens it again.
    pub fn close(&mut self) {
        self.close_all();
        self.reopen("closed and opened");
    }

    /// Exports everything, imports it into a new store, and goes on there.
    pub fn move_out(&mut self) {
        let file = self.course.model.shelf.folder.join("all.jsonl");
        let workspace = None;
        let out = Operation::Export { file: file.clone(), workspace };
        self.step_with(out);
        let home = self.engine.home();
        let turn = self.course.turn(|_| Operation::Import {
            file: file.clone(),
            keep_going: false,
            into: Some(home.path.clone()),
        });
        let done = self.take(&turn);
        let mut model = Model {
            shelf: self.course.model.shelf.clone(),
            gone: self.course.model.gone.clone(),
            memories: self.course.model.memories.clone(),
            is_on_server: self.course.model.is_on_server,
            ..Model::default()
        };
        let predicted = model.apply(&turn.operation, turn.by, &[]);
        model.take_formats(done.as_ref().map_or(0, |done| done.formats), turn.by.now);
        let refusal =
            done.as_ref().err().map(|failure| format!("{}: {}", failure.code, failure.message));
        let (done, answer) = (done.map(|done| done.answer).ok(), predicted.as_ref().ok());
        let is_right = done.is_some() && done.as_ref() == answer;
        self.check(is_right, &turn, || {
            format!("store: {done:?} {refusal:?}\nmodel: {predicted:?}")
        });
        self.figures.note(turn.operation.word(), self.processes());
        self.close_all();
        self.home = home;
        self.course.model = model;
        self.reopen("moved into a new store");
    }

    /// Leaves the store as it is, and goes on with a copy of its files.
    pub fn crash(&mut self, tear: Tear) {
        let Course { seed, step, .. } = self.course;
        let mut random = Random::of(seed, step, 2);
        let home = self.engine.home();
        let log = self.open().log.as_ref().expect("a file has a log");
        let (models, tear) = log.image(&home.path, tear, &mut random);
        self.close_all();
        self.home = home;
        self.settle(models);
        self.reopen(match tear {
            Tear::Whole => "power lost",
            Tear::Cut => "power lost, log cut",
            Tear::Garbled => "power lost, log garbled",
            Tear::Filling => "power lost while the log was copied",
        });
    }

    /// Cuts every connection to the server. Nothing is lost, and nobody is told anything else than before.
    pub fn cut(&mut self) {
        self.engine.cut();
        let kind = "connections cut";
        self.compare_whole(kind);
        *self.figures.crashes.entry(kind.to_owned()).or_default() += 1;
    }

    /// Kills a process: between two operations, or in the midst of one. The others keep the store open, or they do not.
    pub fn kill(&mut self) {
        let Course { seed, step, .. } = self.course;
        let mut random = Random::of(seed, step, 3);
        let worker = random.below(self.workers.len() as u64) as usize;
        let process = worker + 1;
        if random.percent(30) {
            self.workers[worker].kill();
            self.resume(process, "killed between two operations");
            return;
        }
        let mut turn = self.course.next();
        while turn.by.process != process || has_a_file(&turn.operation) {
            turn = self.course.next();
        }
        let minted = self.mint_beside(&turn);
        let is_alone = random.percent(50);
        if is_alone {
            self.open = None;
            let others = self.workers.iter_mut().enumerate();
            for (_, other) in others.filter(|(number, _)| *number != worker) {
                other.ask(&Order::Close);
            }
        }
        let killed = &mut self.workers[worker];
        let Turn { by, operation, random: choices } = turn.clone();
        killed.tell(&Order::Do(vec![(operation, by.now, choices)]));
        // Somewhere in the operation, or after it.
        let start = Instant::now();
        let wait = Duration::from_micros(random.below(3_000));
        while start.elapsed() < wait {
            std::hint::spin_loop();
        }
        killed.kill();
        let reply = killed.answer();
        let models = self.perhaps(&turn, &minted, reply);
        self.settle(models);
        match is_alone {
            false => self.resume(process, "killed in an operation"),
            true => {
                self.workers[worker] = Worker::start(&self.home.path);
                self.reopen("killed in an operation, alone");
            }
        }
    }

    /// What an operation mints: the same operation with the same choices does the same to a copy of the store.
    fn mint_beside(&mut self, turn: &Turn) -> Vec<Token> {
        use Operation::{Mint, MintAgain, Rotate};
        if !matches!(turn.operation, Mint { .. } | MintAgain { .. } | Rotate { .. }) {
            return Vec::new();
        }
        let copy = folder();
        let mut random = turn.random.clone();
        let mut library = match &self.open().log {
            Some(log) => {
                let path = copy.path().join("keyward.db");
                let _ = log.image(&path, Tear::Whole, &mut random);
                Library::open(&path).expect("the copy can be opened")
            }
            // The store itself, in which nothing is changed.
            None => {
                let library = Library::open(&self.home.path).expect("the store can be opened");
                Library { store: library.store.rehearsing(true), ..library }
            }
        };
        let done = library.report(&turn.operation, turn.by.now, turn.random.clone());
        done.map_or(Vec::new(), |done| done.minted)
    }

    /// What the store may be after an operation in which its process was killed: as before it or after it, or on the way. If
    /// it was answered, it is as after it.
    fn perhaps(&self, turn: &Turn, minted: &[Token], reply: Option<Reply>) -> Vec<Model> {
        let Turn { by, operation, .. } = turn;
        let before = &self.course.model;
        let mut after = before.clone();
        let predicted = after.apply(operation, *by, minted);
        if let Err(faults) = &predicted {
            after.clone_from(before);
            for code in faults {
                after.refuse(operation, code, by.now);
            }
        }
        if let Some(Reply::Done(done)) = reply {
            let done = done.into_iter().next().expect("it was one operation");
            let (done, answer) = (done.map(|done| done.answer).ok(), predicted.as_ref().ok());
            self.check(done.as_ref() == answer, turn, || {
                format!("killed after its answer\nstore: {done:?}\nmodel: {answer:?}")
            });
            return vec![after];
        }
        let mut models = vec![before.clone()];
        if let Ok(answer) = &predicted {
            models.extend(before.on_the_way(operation, answer, *by));
        }
        models.push(after);
        models
    }

    /// Finds out which of these the store is that a crash left.
    fn settle(&mut self, models: Vec<Model>) {
        let mut differences = Vec::new();
        let mut opened = None;
        let library = match &mut self.open {
            Some(open) => &mut open.library,
            None => opened.insert(Library::open(&self.home.path).expect("the store can be opened")),
        };
        for model in models {
            match compare::whole(library, &model, self.course.now) {
                Ok(()) => {
                    // What is in files of its own stays there.
                    let shelf = std::mem::take(&mut self.course.model.shelf);
                    self.course.model = Model { shelf, ..model };
                    return;
                }
                Err(difference) => differences.push(difference),
            }
        }
        panic!(
            "{}: the store is nothing that a crash may leave\n{}",
            self.place(),
            differences.join("\n")
        );
    }

    fn close_all(&mut self) {
        self.open = None;
        for worker in &mut self.workers {
            worker.ask(&Order::Close);
        }
    }

    /// Opens the store after a crash of this kind, and compares everything.
    fn reopen(&mut self, kind: &str) {
        let model = &mut self.course.model;
        (0..model.memories.len()).for_each(|process| model.close(process));
        self.open = Some(Open::at(&self.home.path, model));
        for worker in &mut self.workers {
            worker.ask(&Order::Open(self.home.path.clone()));
        }
        self.compare_whole(kind);
        if self.engine.is_folder() {
            let of = |pragma: &str| rows_in(&self.home.path, &format!("PRAGMA {pragma}"));
            assert_eq!(of("integrity_check"), [["ok"]], "{}, {kind}", self.place());
            assert!(of("foreign_key_check").is_empty(), "{}, {kind}", self.place());
        }
        *self.figures.crashes.entry(kind.to_owned()).or_default() += 1;
    }

    /// Starts another process in the place of one that was killed, and compares everything. The others never closed the store.
    fn resume(&mut self, process: usize, kind: &str) {
        self.workers[process - 1] = Worker::start(&self.home.path);
        let model = &mut self.course.model;
        model.close(process);
        if let Some(log) = &mut self.open.as_mut().expect("the store is open").log {
            log.begin(model);
        }
        self.compare_whole(kind);
        *self.figures.crashes.entry(kind.to_owned()).or_default() += 1;
    }
}
