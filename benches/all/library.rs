//! The library in a service: threads and processes with a verifier each, once every key has been seen.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use crate::child::Run;
use crate::measure::{Table, Target, judged, median, short};
use crate::stores::{Limits, Size, Stage, Store};
use crate::worker;

/// How long a repetition lasts, in milliseconds: some rounds of writing what was counted.
const LENGTH: u32 = 2500;
const REPETITIONS: usize = 5;

/// What is measured, by its number of threads in the first process and the other.
struct Way {
    name: &'static str,
    threads: [usize; 2],
    way: &'static str,
    /// Whether another process renames a key meanwhile.
    beside_a_writer: bool,
}

const WAYS: [Way; 12] = [
    Way {
        name: "1 thread",
        threads: [1, 0],
        way: "one",
        beside_a_writer: false,
    },
    Way {
        name: "2 threads",
        threads: [2, 0],
        way: "one",
        beside_a_writer: false,
    },
    Way {
        name: "4 threads",
        threads: [4, 0],
        way: "one",
        beside_a_writer: false,
    },
    Way {
        name: "2 processes",
        threads: [1, 1],
        way: "one",
        beside_a_writer: false,
    },
    Way {
        name: "1 thread, batches of 64",
        threads: [1, 0],
        way: "batch",
        beside_a_writer: false,
    },
    Way {
        name: "2 processes, batches of 64",
        threads: [1, 1],
        way: "batch",
        beside_a_writer: false,
    },
    Way {
        name: "1 thread beside a writer",
        threads: [1, 0],
        way: "one",
        beside_a_writer: true,
    },
    Way {
        name: "same, batches of 64",
        threads: [1, 0],
        way: "batch",
        beside_a_writer: true,
    },
    Way {
        name: "1 thread, wrong environment",
        threads: [1, 0],
        way: "refused",
        beside_a_writer: false,
    },
    Way {
        name: "1 thread, unknown secrets",
        threads: [1, 0],
        way: "unknown",
        beside_a_writer: false,
    },
    Way {
        name: "1 thread, malformed secrets",
        threads: [1, 0],
        way: "malformed",
        beside_a_writer: false,
    },
    Way {
        name: "unknown beside a writer",
        threads: [1, 0],
        way: "unknown",
        beside_a_writer: true,
    },
];
/// Where in [`WAYS`] one thread and two processes are.
const ONE: usize = 0;
const TWO_PROCESSES: usize = 3;

pub fn run(stage: &mut Stage) {
    for size in stage.among([Size::HUNDRED_THOUSAND, Size::MILLION]) {
        let store = stage.store(size);
        // Secrets of another store: this one has no such keys.
        let strangers = stage.limited(Size::HUNDRED_THOUSAND, Limits::Wide);
        let start = || Worker::start(stage, &store, &strangers);
        let mut workers = [start(), start()];
        // Warms up: every verifier that will be measured is opened and has seen every key.
        workers[0].order("4 one 1");
        workers[1].order("1 one 1");
        for worker in &mut workers {
            worker.answer();
        }
        let mut rates = vec![Vec::new(); WAYS.len()];
        let mut renames = Vec::new();
        // The writer clears what is remembered, so it comes when everything else is measured.
        for with_a_writer in [false, true] {
            for _ in 0..REPETITIONS {
                for (way, rates) in WAYS.iter().zip(&mut rates) {
                    if way.beside_a_writer != with_a_writer {
                        continue;
                    }
                    let (rate, renamed) = match with_a_writer {
                        true => beside_a_writer(stage, &store, || measure(&mut workers, way)),
                        false => (measure(&mut workers, way), 0.0),
                    };
                    rates.push(rate);
                    renames.push(renamed);
                }
            }
        }
        renames.retain(|rate| *rate > 0.0);
        print(size, &rates, median(&renames));
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
    busy.filter(|(_, threads)| *threads > 0)
        .map(|(worker, _)| worker.answer())
        .sum()
}

/// What is measured while another process renames a key, and how many times a second that happens.
fn beside_a_writer(stage: &Stage, store: &Store, measure: impl FnOnce() -> f64) -> (f64, f64) {
    let is_over = AtomicBool::new(false);
    let rename =
        |name: &str| Run::keyward(stage.home(), &store.path).args(["rename", &store.id, name]);
    let names = [rename("there"), rename("back")];
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let start = Instant::now();
            let mut renamed = 0;
            for rename in names.iter().cycle() {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                rename.time();
                renamed += 1;
            }
            f64::from(renamed) / start.elapsed().as_secs_f64()
        });
        let rate = measure();
        is_over.store(true, Ordering::Relaxed);
        (rate, writer.join().expect("the writer does not panic"))
    })
}

fn print(size: Size, rates: &[Vec<f64>], renames: f64) {
    let title = format!(
        "library: verifications a second at {} keys, recorded, random keys, every key seen, median of 5 times {} ms; \
         the writer renames a key {renames:.0} times a second",
        size.label(),
        LENGTH
    );
    let heads = ["", "verifications/s", "to 1 thread", "target", ""];
    let mut table = Table::new(&title, heads);
    let one = median(&rates[ONE]);
    for (index, (way, rates)) in WAYS.iter().zip(rates).enumerate() {
        let rate = median(rates);
        let [target, measured] = match (index, size) {
            (ONE, Size::MILLION) => [300_000.0, rate],
            (ONE, _) => [400_000.0, rate],
            (TWO_PROCESSES, _) => [1.5, rate / one],
            _ => [0.0, 0.0],
        };
        let target = (target > 0.0).then_some(Target::AtLeast(target));
        let cells = [
            way.name.to_owned(),
            short(rate.round()),
            format!("{:.2}", rate / one),
        ];
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
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = command.spawn().expect("the bench can be started anew");
        let orders = child.stdin.take().expect("stdin is piped");
        let answers = child.stdout.take().expect("stdout is piped");
        Self {
            child,
            orders,
            answers: BufReader::new(answers).lines(),
        }
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").expect("the worker reads its orders");
    }

    fn answer(&mut self) -> f64 {
        let line = self
            .answers
            .next()
            .expect("the worker answers")
            .expect("in text");
        line.parse().expect("with a number")
    }

    fn end(mut self) {
        drop(self.orders);
        self.child.wait().expect("the worker ends");
    }
}
