//! One run: a store and a model that go the same way, a step at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::choose::Chooser;
use super::compare::{self, Record};
use super::library::{Done, Library};
use super::log::Log;
use super::operation::Operation;
use super::random::Random;
use super::state::{Faults, Key, Model};
use crate::support::time::{DAY, HOUR, SECOND};

/// Whether the clock also goes back between two operations, and leaps far ahead.
pub const CLOCK_GOES_BACK: bool = true;

/// When a run begins: 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000;
/// How many steps lie between two comparisons of everything.
const WHOLE_EVERY: u64 = 200;

/// Where a run is; with its store, all that another process needs to go on with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Course {
    pub seed: u64,
    pub step: u64,
    pub now: i64,
    pub model: Model,
}

/// How often each thing happened.
#[derive(Debug, Default)]
pub struct Figures {
    pub operations: BTreeMap<&'static str, u64>,
    pub refusals: BTreeMap<&'static str, u64>,
    pub verdicts: BTreeMap<&'static str, u64>,
    pub crashes: BTreeMap<&'static str, u64>,
    /// Operations at moments that are not simply the latest there was, and uses of dead keys that the trail was told of.
    pub oddities: BTreeMap<&'static str, u64>,
    pub wholes: u64,
}

impl Figures {
    /// Adds those of another run.
    pub fn add(&mut self, other: Self) {
        let pairs = [
            (&mut self.operations, other.operations),
            (&mut self.refusals, other.refusals),
            (&mut self.verdicts, other.verdicts),
            (&mut self.crashes, other.crashes),
            (&mut self.oddities, other.oddities),
        ];
        for (sums, counts) in pairs {
            for (word, count) in counts {
                *sums.entry(word).or_default() += count;
            }
        }
        self.wholes += other.wholes;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, counts) in [
            ("operations", &self.operations),
            ("refusals", &self.refusals),
            ("verdicts", &self.verdicts),
            ("crashes", &self.crashes),
            ("oddities", &self.oddities),
        ] {
            writeln!(formatter, "{what}: {}", counts.values().sum::<u64>())?;
            for (word, count) in counts {
                writeln!(formatter, "  {count:>7} {word}")?;
            }
        }
        write!(formatter, "comparisons of everything: {}", self.wholes)
    }
}

/// A run.
pub struct Run {
    pub course: Course,
    pub figures: Figures,
    pub path: PathBuf,
    pub open: Option<Open>,
    /// Last, because it goes with all that is in it; a store elsewhere is somebody else's.
    pub folder: Option<TempDir>,
}

/// A store that is open, and a look at its log that never closes what SQLite has locked.
pub struct Open {
    pub library: Library,
    /// Last, because a process that closes a file loses its locks on it.
    pub log: Log,
}

impl Course {
    /// The beginning.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            step: 0,
            now: START,
            model: Model::default(),
        }
    }

    /// The next operation and the moment of it. The same course always goes on in the same way.
    fn next(&mut self) -> Operation {
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
        // A clock that was far ahead is mostly set right before it is believed.
        let clock = &self.model.clock;
        if clock.has_leapt(self.now) && random.percent(8) {
            self.now = clock.latest + random.between(-HOUR, HOUR);
        }
        let (model, now) = (&self.model, self.now);
        Chooser { model, now, random }.operation()
    }
}

/// Where a store is in its folder.
#[must_use]
pub fn path_in(folder: &TempDir) -> PathBuf {
    folder.path().join("keyward.db")
}

/// A folder that keyward keeps a store in. In memory where that can be had: what a lost power takes away is said by the
/// images of [`Log`], and waiting for a disk would take most of the time.
#[must_use]
pub fn folder() -> TempDir {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let mut builder = tempfile::Builder::new();
    builder.permissions(mode);
    let made = builder.tempdir_in("/dev/shm");
    let made = made.or_else(|_| builder.tempdir());
    made.expect("a temporary folder can be made")
}

impl Open {
    /// Opens the store at this path, or makes it.
    #[must_use]
    pub fn at(path: &Path, model: &Model) -> Self {
        let library = Library::open(path).expect("the store can be opened");
        let log = Log::open(path, model);
        Self { library, log }
    }
}

impl Run {
    /// Begins with an empty store.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::at(Course::new(seed), folder())
    }

    /// Goes on with the store in this folder.
    #[must_use]
    pub fn at(course: Course, folder: TempDir) -> Self {
        let mut run = Self::over(course, &path_in(&folder));
        run.folder = Some(folder);
        run
    }

    /// Goes on with the store at this path.
    #[must_use]
    pub fn over(mut course: Course, path: &Path) -> Self {
        course.model.close();
        let open = Some(Open::at(path, &course.model));
        Self {
            course,
            figures: Figures::default(),
            path: path.to_owned(),
            open,
            folder: None,
        }
    }

    /// The library and the log of the store that is open.
    pub fn open(&mut self) -> &mut Open {
        self.open
            .as_mut()
            .expect("the store is open between two crashes")
    }

    /// Does one operation to both, and compares what came of it. Returns what the store was on the way, where that took
    /// several transactions.
    pub fn step(&mut self) -> Vec<Model> {
        let operation = self.course.next();
        let Course {
            seed, step, now, ..
        } = self.course;
        let path = self.path.clone();
        let mut random = Random::of(seed, step, 1);
        let open = self.open.as_mut().expect("the store is open");
        let done = open
            .library
            .run(&operation, &self.course.model, &path, now, &mut random)
            .map_err(|error| (error.kind().code(), error));
        let mut after = self.course.model.clone();
        let minted = done.as_ref().map(|done| done.minted.as_slice());
        let predicted = after.apply(&operation, now, minted.unwrap_or_default());
        *self.figures.operations.entry(operation.word()).or_default() += 1;
        match (&done, &predicted) {
            (Ok(done), Ok(answer)) => {
                self.check(done.answer == *answer, &operation, || {
                    format!("store: {:?}\nmodel: {answer:?}", done.answer)
                });
                for verdict in &answer.verdicts {
                    *self.figures.verdicts.entry(verdict.code).or_default() += 1;
                }
            }
            (Err((code, _)), Err(faults)) if faults.contains(code) => {
                *self.figures.refusals.entry(code).or_default() += 1;
            }
            _ => self.check(false, &operation, || told(&done, &predicted)),
        }
        let before = self.course.model.clone();
        let on_the_way = match (&predicted, &done) {
            (Ok(answer), _) => {
                self.course.model = after;
                before.on_the_way(&operation, answer, now)
            }
            (Err(_), Err((code, _))) => {
                self.course.model.refuse(&operation, code, now);
                Vec::new()
            }
            (Err(_), Ok(_)) => unreachable!("the two were compared"),
        };
        self.count_oddities(&before);
        self.compare_touched(&operation, done.ok());
        let open = self.open.as_mut().expect("the store is open");
        open.log
            .note(&before, on_the_way.clone(), &self.course.model);
        if step.is_multiple_of(WHOLE_EVERY) {
            self.compare_whole("after some steps");
        }
        on_the_way
    }

    /// Counts what the clock did, and uses of dead keys.
    fn count_oddities(&mut self, before: &Model) {
        let Course { now, model, .. } = &self.course;
        let clock = &before.clock;
        let noted = model.keys.iter().filter(|(number, key)| {
            let was = before.keys.get(number).and_then(|key| key.reused);
            key.reused.is_some() && key.reused != was
        });
        let is_kept_dead = |key: &Key| {
            key.has_expired(before.at(*now)) && key.expires_at.is_some_and(|at| at > *now)
        };
        let is_kept_dead = before.keys.values().any(is_kept_dead);
        for (word, count) in [
            ("key.reuse", noted.count() as u64),
            ("the clock is back", u64::from(*now < clock.latest)),
            (
                "a key is expired though the clock is back",
                u64::from(is_kept_dead),
            ),
            ("the clock has leapt", u64::from(clock.has_leapt(*now))),
            (
                "the clock is far ahead",
                u64::from(clock.is_far_ahead(*now)),
            ),
        ] {
            *self.figures.oddities.entry(word).or_default() += count;
        }
    }

    /// Compares the records an operation returned and those of the keys it names with the model's, and the length of the
    /// trail with it.
    fn compare_touched(&mut self, operation: &Operation, done: Option<Done>) {
        let (now, model) = (self.course.now, self.course.model.clone());
        let library = &mut self.open.as_mut().expect("the store is open").library;
        let head = library.head().expect("the trail can be read").0;
        let done = done.unwrap_or_default();
        let mut records = done.records;
        let judged = done.answer.verdicts.iter();
        let judged = judged.filter_map(|verdict| verdict.subject.as_ref());
        let others = done.answer.also.iter().chain(&done.answer.left);
        let keys = done.answer.keys.iter().chain(others).chain(judged);
        let keys = keys.filter_map(|id| model.key_of_id(id));
        for key in keys.take(8).map(|number| &model.keys[&number]) {
            let shown = library.show(&model.owner(key).name, &key.id, now);
            records.push(shown.expect("a key of the model is in the store"));
        }
        self.check(head.unsigned_abs() == model.events, operation, || {
            format!(
                "the trail has {head} rows, and should have {}",
                model.events
            )
        });
        for record in records {
            let found = Record::of(&record, now);
            let number = model.key_of_id(record.id.as_str());
            let expected = number.map(|number| Record::expected(&model, &model.keys[&number], now));
            self.check(Some(&found) == expected.as_ref(), operation, || {
                format!("store: {found:?}\nmodel: {expected:?}")
            });
        }
    }

    /// Compares everything.
    pub fn compare_whole(&mut self, when: &str) {
        self.figures.wholes += 1;
        let (model, now) = (&self.course.model, self.course.now);
        let open = self.open.as_mut().expect("the store is open");
        if let Err(difference) = compare::whole(&mut open.library.store, model, now) {
            panic!("{}, {when}: {difference}", self.place());
        }
    }

    /// How to come here again.
    #[must_use]
    pub fn place(&self) -> String {
        let Course { seed, step, .. } = self.course;
        format!("KEYWARD_SEED={seed}, step {step}")
    }

    fn check(&self, is_right: bool, operation: &Operation, say: impl FnOnce() -> String) {
        if !is_right {
            let mut named: Vec<&Key> = self.course.model.keys.values().collect();
            let text = format!("{operation:?}");
            named.retain(|key| {
                text.contains(&key.id[..10]) || text.contains(&format!("{:?}", key.name))
            });
            panic!(
                "{}, now {}\n{operation:?}\n{}\nkeys that may be meant: {named:#?}",
                self.place(),
                self.course.now,
                say()
            );
        }
    }
}

fn told(
    done: &Result<Done, (&'static str, keyward::error::Error)>,
    predicted: &Result<super::operation::Answer, Faults>,
) -> String {
    let done = match done {
        Ok(done) => format!("{:?}", done.answer),
        Err((code, error)) => format!("{code}: {error}"),
    };
    format!("store: {done}\nmodel: {predicted:?}")
}
