//! The library in a service: threads and processes with a verifier each, once every key has been seen.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::child::Run;
use crate::measure::{Table, Target, judged, median, short};
use crate::stores::{Limits, Size, Stage, Store};
use crate::worker;

/// How long a repetition lasts, in milliseconds: a round of writing what was counted at least.
const LENGTH: u32 = 1000;

/// What is measured, by its number of threads in the first process and the other.
struct Way {
    name: &'static str,
    threads: [usize; 2],
    way: &'static str,
    /// Whether another process renames a key meanwhile.
    beside_a_writer: bool,
    /// The least share of the rate of one thread.
    target: Option<f64>,
}

/// Who else uses the store meanwhile.
#[derive(PartialEq, Eq)]
enum Company {
    None,
    Verifiers,
    Writer,
}

impl Way {
    fn company(&self) -> Company {
        match self.threads {
            _ if self.beside_a_writer => Company::Writer,
            [1, 0] => Company::None,
            _ => Company::Verifiers,
        }
    }
}

const fn way(name: &'static str, threads: [usize; 2], way: &'static str) -> Way {
    Way { name, threads, way, beside_a_writer: false, target: None }
}

const fn beside_a_writer(way: Way) -> Way {
    Way { beside_a_writer: true, ..way }
}

/// A way that is to reach this share of the rate of one thread.
const fn to_reach(share: f64, way: Way) -> Way {
    Way { target: Some(share), ..way }
}

/// A refusal may take 1.3 times as long as a valid verdict.
const REFUSAL: f64 = 0.77;

const WAYS: [Way; 14] = [
    way("1 thread", [1, 0], "one"),
    way("2 threads", [2, 0], "one"),
    way("4 threads", [4, 0], "one"),
    to_reach(1.5, way("2 processes", [1, 1], "one")),
    way("1 thread, batches of 64", [1, 0], "batch"),
    way("2 processes, batches of 64", [1, 1], "batch"),
    way("2 processes, wrong environment", [1, 1], "refused"),
    to_reach(0.7, beside_a_writer(way("1 thread beside a writer", [1, 0], "one"))),
    beside_a_writer(way("same, batches of 64", [1, 0], "batch")),
    to_reach(REFUSAL, way("1 thread, wrong environment", [1, 0], "refused")),
    to_reach(REFUSAL, way("1 thread, unknown secrets", [1, 0], "unknown")),
    to_reach(REFUSAL, way("1 thread, malformed secrets", [1, 0], "malformed")),
    beside_a_writer(way("unknown beside a writer", [1, 0], "unknown")),
    way("floor: a look-up and a bare log", [1, 0], "floor"),
];
/// Where in [`WAYS`] one thread is.
const ONE: usize = 0;

pub fn run(stage: &mut Stage) {
    for size in stage.among([Size::HUNDRED_THOUSAND, Size::MILLION]) {
        let store = stage.store(size);
        // Secrets of another store: this one has no such keys.
        let strangers = stage.limited(Size::HUNDRED_THOUSAND, Limits::Wide);
        let start = || Worker::start(stage, &store, &strangers);
        let mut workers = [start(), start()];
        // Every verifier that will be measured is opened and has verified every key.
        workers[0].order("4 one 1");
        workers[1].order("1 one 1");
        for worker in &mut workers {
            worker.answer();
        }
        let mut rates = vec![Vec::new(); WAYS.len()];
        let mut renames = Vec::new();
        // What others count is looked up once more, and what they change as well, so the ways take turns only with their like:
        // what a thread does alone, what several do at once, what they do beside a writer.
        let stages = [Company::None, Company::Verifiers, Company::Writer];
        let repetitions = stage.rounds(3, 2);
        for company in stages {
            for _ in 0..repetitions {
                for (way, rates) in WAYS.iter().zip(&mut rates) {
                    if way.company() != company {
                        continue;
                    }
                    if way.beside_a_writer {
                        workers[1].order(&format!("1 rename {LENGTH}"));
                    }
                    rates.push(measure(&mut workers, way));
                    if way.beside_a_writer {
                        renames.push(workers[1].answer());
                    }
                }
            }
        }
        print(size, &rates, median(&renames), repetitions);
        for worker in workers {
            worker.end();
        }
    }
}

fn measure(workers: &mut [Worker; 2], way: &Way) -> f64 {
    for (worker, threads) in workers.iter_mut().zip(way.threads) {
        if threads > 0 {
            worker.order(&format!("{threads} {} {LENGTH}", way.way));
        }
    }
    let busy = workers.iter_mut().zip(way.threads);
    busy.filter(|(_, threads)| *threads > 0).map(|(worker, _)| worker.answer()).sum()
}

fn print(size: Size, rates: &[Vec<f64>], renames: f64, repetitions: usize) {
    let title = format!(
        "library: verifications a second at {} keys, recorded, random secrets, every one seen before, median of {repetitions} times \
         {LENGTH} ms; the writer renames a key {renames:.0} times a second",
        size.label(),
    );
    let heads = ["", "verifications/s", "to 1 thread", "target", ""];
    let mut table = Table::new(&title, heads);
    let one = median(&rates[ONE]);
    for (index, (way, rates)) in WAYS.iter().zip(rates).enumerate() {
        let rate = median(rates);
        let (target, measured) = match (index, size) {
            (ONE, Size::MILLION) => (Some(300_000.0), rate),
            (ONE, _) => (Some(400_000.0), rate),
            _ => (way.target, rate / one),
        };
        let target = target.map(Target::AtLeast);
        let cells = [way.name.to_owned(), short(rate.round()), format!("{:.2}", rate / one)];
        table.row(cells, judged(target, measured));
    }
    table.print();
}

/// A process of [`worker`].
struct Worker {
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start(stage: &Stage, store: &Store, strangers: &Store) -> Self {
        let itself = std::env::current_exe().expect("a program knows where it is");
        let run = Run::new(itself, stage.home())
            .arg(worker::ARGUMENT)
            .arg(&store.path)
            .arg(&store.secrets_file)
            .arg(&strangers.secrets_file);
        let mut command = run.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("the bench can be started again");
        let orders = child.stdin.take().expect("stdin is piped");
        let answers = child.stdout.take().expect("stdout is piped");
        Self { child, orders, answers: BufReader::new(answers).lines() }
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").expect("the worker reads its orders");
    }

    fn answer(&mut self) -> f64 {
        let line = self.answers.next().expect("the worker answers").expect("in text");
        line.parse().expect("with a number")
    }

    fn end(mut self) {
        drop(self.orders);
        self.child.wait().expect("the worker ends");
    }
}
