//! One run: a store and a model that go the same way, a step at a time.

use std::path::Path;

use tempfile::TempDir;

use super::engine::{Engine, Home, folder};

use super::clock::By;
use super::compare::{self, Record};
use super::course::{Course, Turn};
use super::figures::Figures;
use super::library::Library;
use super::log::Log;
use super::operation::{Answer, Operation};
use super::process::{Failure, Order, Reply, Report, Worker};
use super::random::Random;
use super::state::{Faults, Key, Model};

/// How many steps lie between two comparisons of everything.
const WHOLE_EVERY: u64 = 200;

/// A run. The process that leads it is one of its processes, the first.
pub struct Run {
    pub course: Course,
    pub figures: Figures,
    pub engine: Engine,
    pub open: Option<Open>,
    pub workers: Vec<Worker>,
    /// Where backups and exports are.
    _shelf: TempDir,
    /// Last, because it goes with all that is in it.
    pub home: Home,
}

/// A store that is open, and a look at a file's log that never closes what SQLite has locked.
pub struct Open {
    pub library: Library,
    /// Last, because a process that closes a file loses its locks on it.
    pub log: Option<Log>,
}

impl Open {
    /// Opens the store at this path, or makes it.
    #[must_use]
    pub fn at(path: &Path, model: &Model) -> Self {
        let library = Library::open(path).expect("the store can be opened");
        let log = (!model.is_on_server).then(|| Log::open(path, model));
        Self { library, log }
    }
}

impl Run {
    /// Begins with an empty store.
    #[must_use]
    pub fn new(seed: u64, engine: Engine) -> Self {
        let (mut course, shelf, home) = (Course::new(seed), folder(), engine.home());
        course.model.shelf.folder = shelf.path().to_owned();
        course.model.is_on_server = !engine.is_folder();
        let open = Some(Open::at(&home.path, &course.model));
        let others = 1..course.offsets.len();
        Self {
            workers: others.map(|_| Worker::start(&home.path)).collect(),
            course,
            figures: Figures::default(),
            engine,
            open,
            _shelf: shelf,
            home,
        }
    }

    /// The library and the log of the store that is open.
    pub fn open(&mut self) -> &mut Open {
        self.open.as_mut().expect("the store is open between two crashes")
    }

    /// How many processes there are.
    #[must_use]
    pub fn processes(&self) -> usize {
        self.workers.len() + 1
    }

    /// Tells a process to do something, and waits for the answer.
    pub fn ask(&mut self, process: usize, order: Order) -> Reply {
        match process.checked_sub(1) {
            None => self.open().library.obey(order),
            Some(worker) => self.workers[worker].ask(&order),
        }
    }

    /// Does one operation to both, and compares what came of it.
    pub fn step(&mut self) {
        let turn = self.course.next();
        self.do_turn(&turn);
        use Operation::{Import, Restore};
        if matches!(turn.operation, Import { .. } | Restore(_)) {
            self.compare_whole("after records came in");
        } else if self.course.step.is_multiple_of(WHOLE_EVERY) {
            self.compare_whole("after some steps");
        }
    }

    /// Does this operation, in any process.
    pub fn step_with(&mut self, operation: Operation) {
        let turn = self.course.turn(|_| operation);
        self.do_turn(&turn);
    }

    fn do_turn(&mut self, turn: &Turn) {
        let done = self.take(turn);
        self.follow(turn, done);
    }

    /// Lets a process take its turn.
    pub fn take(&mut self, turn: &Turn) -> Result<Report, Failure> {
        let Turn { by, operation, random } = turn.clone();
        let order = Order::Do(vec![(operation, by.now, random)]);
        let Reply::Done(mut done) = self.ask(by.process, order) else {
            panic!("{}: this is the answer to something else", self.place());
        };
        done.pop().expect("each operation has its answer")
    }

    /// Does to the model what was done to the store, and compares what came of it.
    pub fn follow(&mut self, turn: &Turn, done: Result<Report, Failure>) {
        let Turn { by, operation, .. } = turn;
        let before = self.course.model.clone();
        let mut after = before.clone();
        let minted = done.as_ref().map(|done| done.minted.as_slice());
        let predicted = after.apply(operation, *by, minted.unwrap_or_default());
        if let Ok(done) = &done {
            after.take_formats(done.formats, turn.by.now);
            after.events = done.events.unwrap_or(after.events);
        }
        self.figures.note(operation.word(), self.processes());
        match (&done, &predicted) {
            (Ok(done), Ok(answer)) => {
                self.check(done.answer == *answer, turn, || {
                    format!("store: {:?}\nmodel: {answer:?}", done.answer)
                });
                for verdict in &answer.verdicts {
                    let count = self.figures.verdicts.entry(verdict.code.clone());
                    *count.or_default() += 1;
                }
            }
            (Err(failure), Err(faults)) if faults.contains(failure.code.as_str()) => {
                let count = self.figures.refusals.entry(failure.code.clone());
                *count.or_default() += 1;
            }
            _ => self.check(false, turn, || told(&done, &predicted)),
        }
        let on_the_way = match (&predicted, &done) {
            (Ok(answer), _) => {
                self.course.model = after;
                before.on_the_way(operation, answer, *by)
            }
            (Err(_), Err(failure)) => {
                let model = &mut self.course.model;
                model.refuse(operation, &failure.code, by.now);
                Vec::new()
            }
            (Err(_), Ok(_)) => unreachable!("the two were compared"),
        };
        self.count_oddities(&before, *by);
        self.compare_touched(turn, done.ok());
        let open = self.open.as_mut().expect("the store is open");
        if let Some(log) = &mut open.log {
            log.note(&before, on_the_way, &self.course.model);
        }
    }

    /// Counts what the clock did, and uses of revoked and expired keys.
    fn count_oddities(&mut self, before: &Model, by: By) {
        let (now, model) = (by.now, &self.course.model);
        let clock = &before.clock;
        let noted = model.keys.iter().filter(|(number, key)| {
            let was = before.keys.get(number).and_then(|key| key.reused);
            key.reused.is_some() && key.reused != was
        });
        let is_kept_dead = |key: &Key| {
            key.has_expired(before.at(now)) && key.expires_at.is_some_and(|at| at > now)
        };
        let is_kept_dead = before.keys.values().any(is_kept_dead);
        for (word, count) in [
            ("key.reuse", noted.count() as u64),
            ("the clock is back", u64::from(now < clock.latest)),
            ("a key is expired though the clock is back", u64::from(is_kept_dead)),
            ("the clock has leapt", u64::from(clock.has_leapt(now))),
            ("the clock is far ahead", u64::from(clock.is_far_ahead(now))),
        ] {
            *self.figures.oddities.entry(word.to_owned()).or_default() += count;
        }
    }

    /// Compares the records an operation returned and those of the keys it names with the model's, and the length of the
    /// trail with it. Any process may be the one that looks.
    pub fn compare_touched(&mut self, turn: &Turn, done: Option<Report>) {
        let (now, model) = (turn.by.now, self.course.model.clone());
        let done = done.unwrap_or_default();
        let judged = done.answer.verdicts.iter();
        let judged = judged.filter_map(|verdict| verdict.subject.as_ref());
        let others = done.answer.also.iter().chain(&done.answer.left);
        let keys = done.answer.keys.iter().chain(others).chain(judged);
        let keys = keys.filter_map(|id| model.key_of_id(id)).take(8);
        let named = |number: u64| {
            let key = &model.keys[&number];
            (model.owner(key).name.clone(), key.id.clone())
        };
        let keys = keys.map(named).collect();
        let Course { seed, step, .. } = self.course;
        let eye = Random::of(seed, step, 5).below(self.processes() as u64) as usize;
        let Reply::Seen { events, mut records } = self.ask(eye, Order::Look(keys, now)) else {
            panic!("{}: this is the answer to something else", self.place());
        };
        self.check(events.unsigned_abs() == model.events, turn, || {
            let expected = model.events;
            format!("process {eye} sees {events} events, and should see {expected}")
        });
        records.extend(done.records);
        for found in records {
            let number = model.key_of_id(&found.id);
            let expected = number.map(|number| Record::expected(&model, &model.keys[&number], now));
            self.check(Some(&found) == expected.as_ref(), turn, || {
                format!("store: {found:?}\nmodel: {expected:?}")
            });
        }
    }

    /// Compares everything.
    pub fn compare_whole(&mut self, when: &str) {
        self.figures.wholes += 1;
        let (model, now) = (&self.course.model, self.course.now);
        let open = self.open.as_mut().expect("the store is open");
        if let Err(difference) = compare::whole(&mut open.library, model, now) {
            panic!("{}, {when}: {difference}", self.place());
        }
    }

    /// How to come here again.
    #[must_use]
    pub fn place(&self) -> String {
        let Course { seed, step, offsets, .. } = &self.course;
        format!("KEYWARD_SEED={seed}, step {step}, clocks off by {offsets:?}")
    }

    pub fn check(&self, is_right: bool, turn: &Turn, say: impl FnOnce() -> String) {
        if !is_right {
            let mut named: Vec<&Key> = self.course.model.keys.values().collect();
            let text = format!("{:?}", turn.operation);
            named.retain(|key| {
                text.contains(&key.id[..10])
                    || text.contains(&key.secret)
                    || text.contains(&format!("{:?}", key.name))
            });
            let model = &self.course.model;
            panic!(
                "{}, {:?}, {:?}\n{:?}\n{}\nworkspaces: {:?}\nsecrets that are nobody's: {:?}\nkeys that may be meant: {named:#?}",
                self.place(),
                turn.by,
                model.clock,
                turn.operation,
                say(),
                model.workspaces,
                model.gone
            );
        }
    }
}

fn told(done: &Result<Report, Failure>, predicted: &Result<Answer, Faults>) -> String {
    let done = match done {
        Ok(done) => format!("{:?}", done.answer),
        Err(Failure { code, message }) => format!("{code}: {message}"),
    };
    format!("store: {done}\nmodel: {predicted:?}")
}
