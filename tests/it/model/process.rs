//! The processes of a run. Each has the store open for its whole life, with memories of its own; the one that leads the run
//! tells the others what to do, a line of JSON at a time, and they answer in the same way.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::{Deserialize, Serialize};

use super::compare::Record;
use super::library::Library;
use super::operation::{Answer, Operation, Token};
use super::random::Random;
use crate::support::variable;

/// Tells the test binary that it is one of the processes that are led.
const WORKER: &str = "KEYWARD_MODEL_WORKER";
/// The test that such a process runs.
const WORKER_TEST: &str = "model::a_process_of_a_run_does_what_it_is_told";
/// What begins each answer: the test harness writes lines of its own.
const MARK: &str = "@@";

/// What a process is told to do.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// Open the store here, or make it.
    Open(PathBuf),
    Close,
    /// Do these operations, each at its moment and with these choices, one after the other.
    Do(Vec<(Operation, i64, Random)>),
    /// Look at the end of the trail and at these keys, each named by its workspace and its id.
    Look(Vec<(String, String)>, i64),
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    Ready,
    Done(Vec<Result<Report, Failure>>),
    Seen { events: i64, records: Vec<Record> },
}

/// What came of an operation.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Report {
    pub answer: Answer,
    pub minted: Vec<Token>,
    /// The records it returned.
    pub records: Vec<Record>,
    pub events: Option<u64>,
    /// The events of token formats that an import brought, which the model does not have.
    pub formats: u64,
}

/// Why it was refused.
#[derive(Debug, Serialize, Deserialize)]
pub struct Failure {
    pub code: String,
    pub message: String,
}

/// One of the other processes.
pub struct Worker {
    child: Child,
    orders: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Library {
    /// Does what a process is told to do with a store that is open.
    pub fn obey(&mut self, order: Order) -> Reply {
        match order {
            Order::Open(_) | Order::Close => panic!("this is for whoever holds the library"),
            Order::Do(operations) => Reply::Done(
                operations
                    .into_iter()
                    .map(|(operation, now, random)| self.report(&operation, now, random))
                    .collect(),
            ),
            Order::Look(keys, now) => {
                let shown = keys.iter().map(|(workspace, id)| {
                    let shown = self.show(workspace, id, now);
                    Record::of(&shown.expect("a key of the model is in the store"), now)
                });
                let records = shown.collect();
                let events = self.head().expect("the trail can be read").seq;
                Reply::Seen { events, records }
            }
        }
    }

    /// Does an operation, and says what came of it.
    ///
    /// # Errors
    /// The library's, in words.
    pub fn report(
        &mut self,
        operation: &Operation,
        now: i64,
        mut random: Random,
    ) -> Result<Report, Failure> {
        match self.run(operation, now, &mut random) {
            Ok(done) => Ok(Report {
                records: done.records.iter().map(|key| Record::of(key, now)).collect(),
                answer: done.answer,
                minted: done.minted,
                events: done.events,
                formats: done.formats,
            }),
            Err(error) => {
                Err(Failure { code: error.kind().code().to_owned(), message: error.to_string() })
            }
        }
    }
}

impl Worker {
    /// Starts a process that has the store at this path open.
    #[must_use]
    pub fn start(path: &Path) -> Self {
        let binary = std::fs::read_link("/proc/self/exe").expect("the test knows its own binary");
        let mut child = Command::new(binary)
            .args(["--exact", WORKER_TEST, "--nocapture", "--test-threads=1"])
            .env(WORKER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test's own binary can be started");
        let orders = child.stdin.take().expect("it has a pipe");
        let replies = BufReader::new(child.stdout.take().expect("it has a pipe"));
        let mut worker = Self { child, orders, replies };
        worker.ask(&Order::Open(path.to_owned()));
        worker
    }

    /// Tells it to do something, and waits for the answer.
    pub fn ask(&mut self, order: &Order) -> Reply {
        self.tell(order);
        self.answer().expect("a process of the run says on stderr why it ended")
    }

    /// Tells it to do something.
    pub fn tell(&mut self, order: &Order) {
        let mut line = serde_json::to_vec(order).expect("an order can be written");
        line.push(b'\n');
        let written = self.orders.write_all(&line);
        written.expect("a process of the run says on stderr why it ended");
    }

    /// The next answer; nothing if the process has ended without one.
    pub fn answer(&mut self) -> Option<Reply> {
        let mut line = String::new();
        loop {
            line.clear();
            match self.replies.read_line(&mut line) {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
            // A line that was cut off says nothing.
            let reply = line.strip_suffix('\n');
            if let Some(reply) = reply.and_then(|line| line.strip_prefix(MARK)) {
                return Some(serde_json::from_str(reply).expect("it is an answer"));
            }
        }
    }

    /// Kills it, as `kill -9` does.
    pub fn kill(&mut self) {
        self.child.kill().expect("the test's own process can be killed");
        self.child.wait().expect("it has ended");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // One that has ended already is none to be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What such a process does, if this is one: what it is told, until nobody tells it anything more.
pub fn work() {
    if variable(WORKER).is_none() {
        return;
    }
    let mut library = None;
    let mut replies = std::io::stdout();
    // The test harness has not ended its line.
    writeln!(replies).expect("somebody reads");
    for line in std::io::stdin().lines() {
        let line = line.expect("an order is text");
        let reply = match serde_json::from_str(&line).expect("it is an order") {
            Order::Open(path) => {
                drop(library.take());
                library = Some(Library::open(&path).expect("the store can be opened"));
                Reply::Ready
            }
            Order::Close => {
                library = None;
                Reply::Ready
            }
            order => library.as_mut().expect("the store is open").obey(order),
        };
        let reply = serde_json::to_string(&reply).expect("an answer can be written");
        writeln!(replies, "{MARK}{reply}").expect("somebody reads");
        replies.flush().expect("somebody reads");
    }
}
