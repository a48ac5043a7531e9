//! Crashes: the store is left as it is at some moment, and the run goes on with what is there.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::compare;
use super::library::Library;
use super::log::{Tear, beside, write};
use super::random::Random;
use super::run::{Course, Open, Run, folder, path_in};
use super::state::Model;
use crate::support::variable;

/// Tells the test binary that it is the process to be killed, and where its course is written.
pub const WORKER: &str = "KEYWARD_MODEL_WORKER";
/// The test that such a process runs.
const WORKER_TEST: &str = "model::a_process_that_is_to_be_killed_goes_on_with_a_run";
/// How many steps such a process takes at most.
pub const MOST_STEPS: u64 = 400;

impl Run {
    /// Closes the store and opens it again.
    pub fn close(&mut self) {
        self.open = None;
        self.reopen("closed and opened");
    }

    /// Leaves the store as it is, and goes on with a copy of its files.
    pub fn crash(&mut self, tear: Tear) {
        let Course { seed, step, .. } = self.course;
        let mut random = Random::of(seed, step, 2);
        let folder = folder();
        let (models, tear) = self.open().log.image(&path_in(&folder), tear, &mut random);
        self.open = None;
        self.path = path_in(&folder);
        self.folder = Some(folder);
        self.settle(models);
        self.reopen(match tear {
            Tear::Whole => "power lost",
            Tear::Cut => "power lost, log cut",
            Tear::Garbled => "power lost, log garbled",
            Tear::Filling => "power lost while the log was copied",
        });
    }

    /// Lets another process go on with the run and kills it, then follows it as far as it came.
    pub fn kill(&mut self) {
        let Course { seed, step, .. } = self.course;
        let mut random = Random::of(seed, step, 3);
        self.open = None;
        let mirror = folder();
        copy(&self.path, &path_in(&mirror));
        let acknowledged = self.run_and_kill(&mut random);
        // The same steps do the same to a copy of the store, secrets included.
        let mut copy = Self::at(self.course.clone(), mirror);
        while copy.course.step < acknowledged {
            copy.step();
        }
        let before = copy.course.clone();
        let mut models = copy.step();
        models.insert(0, before.model);
        models.push(copy.course.model.clone());
        self.course = copy.course.clone();
        self.settle(models);
        self.reopen("killed");
    }

    /// Finds out which of these the store is that a crash left.
    fn settle(&mut self, models: Vec<Model>) {
        let mut store = Library::open(&self.path)
            .expect("the store can be opened")
            .store;
        let mut differences = Vec::new();
        for model in models {
            match compare::whole(&mut store, &model, self.course.now) {
                Ok(()) => {
                    self.course.model = model;
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

    /// Runs the process that is to be killed, and returns the last step that it said it had done.
    fn run_and_kill(&mut self, random: &mut Random) -> u64 {
        let orders = self.path.with_file_name("course.json");
        let course = serde_json::to_vec(&self.course).expect("a course can be written");
        write(&orders, &course);
        let binary = fs::read_link("/proc/self/exe").expect("the test knows its own binary");
        let mut child = Command::new(binary)
            .args(["--exact", WORKER_TEST, "--nocapture", "--test-threads=1"])
            .env(WORKER, &orders)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the test's own binary can be started");
        let mut pipe = BufReader::new(child.stdout.take().expect("it has a pipe"));
        let wanted = self.course.step + random.below(40);
        let (mut done, mut ended) = (self.course.step, false);
        while done < wanted && !ended {
            ended = !next_step(&mut pipe, &mut done);
        }
        // Somewhere in the steps that follow.
        let start = Instant::now();
        let wait = Duration::from_micros(random.below(3_000));
        while start.elapsed() < wait {
            std::hint::spin_loop();
        }
        child.kill().expect("the test's own process can be killed");
        let status = child.wait().expect("it has ended");
        while next_step(&mut pipe, &mut done) {}
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        if signal != Some(9) && !status.success() {
            let mut said = String::new();
            let mut stderr = child.stderr.take().expect("it has a pipe");
            stderr.read_to_string(&mut said).expect("it is text");
            panic!(
                "{}: the process that was to be killed failed: {said}",
                self.place()
            );
        }
        fs::remove_file(orders).expect("it is the test's own");
        done
    }

    /// Opens the store after a crash of this kind, and compares everything.
    fn reopen(&mut self, kind: &'static str) {
        let path = self.path.clone();
        self.course.model.close();
        self.open = Some(Open::at(&path, &self.course.model));
        self.compare_whole(kind);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(&path, flags).expect("it can be opened");
        for pragma in ["integrity_check", "foreign_key_check"] {
            let found: Result<String, _> =
                connection.pragma_query_value(None, pragma, |row| row.get(0));
            let found = found.unwrap_or_else(|_| "ok".to_owned());
            assert_eq!(found, "ok", "{}, {kind}, {pragma}", self.place());
        }
        *self.figures.crashes.entry(kind).or_default() += 1;
    }
}

/// Reads on to the next step that was done. False when nothing more comes.
fn next_step(pipe: &mut BufReader<ChildStdout>, done: &mut u64) -> bool {
    let mut line = String::new();
    loop {
        line.clear();
        match pipe.read_line(&mut line) {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
        // A line that was cut off says nothing.
        let step = line
            .strip_suffix('\n')
            .and_then(|line| line.strip_prefix("done "));
        if let Some(step) = step.and_then(|step| step.parse().ok()) {
            *done = step;
            return true;
        }
    }
}

/// Copies a store that is closed.
fn copy(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        if let Ok(bytes) = fs::read(beside(from, suffix)) {
            write(&beside(to, suffix), &bytes);
        }
    }
}

/// What the process that is to be killed does: it goes on with a run, and says of each step that it is done.
pub fn work() {
    let Some(orders) = variable(WORKER).map(PathBuf::from) else {
        return;
    };
    let course = fs::read(&orders).expect("it was told what to do");
    let course: Course = serde_json::from_slice(&course).expect("it is a course");
    let store = orders.with_file_name("keyward.db");
    let mut run = Run::over(course, &store);
    let mut pipe = std::io::stdout();
    for _ in 0..MOST_STEPS {
        run.step();
        writeln!(pipe, "done {}", run.course.step).expect("somebody reads");
        pipe.flush().expect("somebody reads");
    }
}
