//! Crashes: the store is left as it is at some moment, and the run goes on with what is there.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::compare;
use super::course::{Course, Turn};
use super::library::Library;
use super::log::Tear;
use super::operation::{Operation, Token};
use super::process::{Order, Reply, Worker};
use super::random::Random;
use super::run::{Open, Run, folder, path_in};
use super::state::Model;

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
        let folder = folder();
        let turn = self.course.turn(|_| Operation::Import {
            file: file.clone(),
            keep_going: false,
            into: Some(path_in(&folder)),
        });
        let done = self.take(&turn);
        let mut model = Model {
            shelf: self.course.model.shelf.clone(),
            gone: self.course.model.gone.clone(),
            memories: self.course.model.memories.clone(),
            ..Model::default()
        };
        let predicted = model.apply(&turn.operation, turn.by, &[]);
        model.events += done.as_ref().map_or(0, |done| done.formats);
        let refusal =
            done.as_ref().err().map(|failure| format!("{}: {}", failure.code, failure.message));
        let (done, answer) = (done.map(|done| done.answer).ok(), predicted.as_ref().ok());
        let is_right = done.is_some() && done.as_ref() == answer;
        self.check(is_right, &turn, || {
            format!("store: {done:?} {refusal:?}\nmodel: {predicted:?}")
        });
        self.figures.note(turn.operation.word(), self.processes());
        self.close_all();
        self.path = path_in(&folder);
        self.folder = folder;
        self.course.model = model;
        self.reopen("moved into a new store");
    }

    /// Leaves the store as it is, and goes on with a copy of its files.
    pub fn crash(&mut self, tear: Tear) {
        let Course { seed, step, .. } = self.course;
        let mut random = Random::of(seed, step, 2);
        let folder = folder();
        let (models, tear) = self.open().log.image(&path_in(&folder), tear, &mut random);
        self.close_all();
        self.path = path_in(&folder);
        self.folder = folder;
        self.settle(models);
        self.reopen(match tear {
            Tear::Whole => "power lost",
            Tear::Cut => "power lost, log cut",
            Tear::Garbled => "power lost, log garbled",
            Tear::Filling => "power lost while the log was copied",
        });
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
                self.workers[worker] = Worker::start(&self.path);
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
        let log = &self.open().log;
        let _ = log.image(&path_in(&copy), Tear::Whole, &mut random);
        let mut library = Library::open(&path_in(&copy)).expect("the copy can be opened");
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
            None => opened.insert(Library::open(&self.path).expect("the store can be opened")),
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
        self.open = Some(Open::at(&self.path, model));
        for worker in &mut self.workers {
            worker.ask(&Order::Open(self.path.clone()));
        }
        self.compare_whole(kind);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(&self.path, flags);
        let connection = connection.expect("it can be opened");
        for pragma in ["integrity_check", "foreign_key_check"] {
            let found: Result<String, _> =
                connection.pragma_query_value(None, pragma, |row| row.get(0));
            let found = found.unwrap_or_else(|_| "ok".to_owned());
            assert_eq!(found, "ok", "{}, {kind}, {pragma}", self.place());
        }
        *self.figures.crashes.entry(kind.to_owned()).or_default() += 1;
    }

    /// Starts another process in the place of one that was killed, and compares everything. The others never closed the store.
    fn resume(&mut self, process: usize, kind: &str) {
        self.workers[process - 1] = Worker::start(&self.path);
        let model = &mut self.course.model;
        model.close(process);
        self.open.as_mut().expect("the store is open").log.begin(model);
        self.compare_whole(kind);
        *self.figures.crashes.entry(kind.to_owned()).or_default() += 1;
    }
}
