//! `keyward verify --stream` through pipes: how many lines a second when lines keep coming, and how long the answer takes
//! when they come one at a time.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use crate::child::Run;
use crate::measure::{Table, Target, judged, median, micros, quantile, short};
use crate::stores::{Dice, Limits, Size, Stage, Store};

/// One row of the table.
struct Case {
    name: String,
    store: Rc<Store>,
    /// How many lines a repetition sends: some seconds' worth.
    lines: usize,
    target: Option<Target>,
}

pub fn run(stage: &mut Stage) {
    let mut cases = Vec::new();
    for size in stage.sizes.clone() {
        let least = if size == Size::MILLION { 100_000.0 } else { 250_000.0 };
        cases.push(Case {
            name: format!("{} without limits", size.label()),
            store: stage.store(size),
            lines: 1_000_000,
            target: Some(Target::AtLeast(least)),
        });
    }
    let limited = [
        ("100k, rate and quota", Limits::Wide, 50_000.0),
        ("100k, refused by the rate", Limits::Narrow, 40_000.0),
    ];
    for (name, limits, target) in limited {
        cases.push(Case {
            name: name.to_owned(),
            store: stage.limited(Size::HUNDRED_THOUSAND, limits),
            lines: 200_000,
            target: Some(Target::AtLeast(target)),
        });
    }
    let mut rates = vec![Vec::new(); cases.len()];
    let repetitions = stage.rounds(3, 2);
    for _ in 0..repetitions {
        for (case, rates) in cases.iter().zip(&mut rates) {
            rates.push(lines_per_second(stage.home(), case));
        }
    }
    let mut table = Table::new(
        &format!(
            "stream: lines a second, recorded, random keys, from start to end of the process, median of {repetitions}; \
             and the answer to one line at a time"
        ),
        ["keys", "lines/s", "median", "p99", "target", ""],
    );
    for (case, rates) in cases.iter().zip(&rates) {
        let rate = median(rates);
        let waits = waits(stage.home(), &case.store, stage.rounds(20_000, 5_000));
        let cells = [
            case.name.clone(),
            short(rate.round()),
            micros(median(&waits)),
            micros(quantile(&waits, 0.99)),
        ];
        table.row(cells, judged(case.target, rate));
    }
    table.print();
}

fn start(home: &Path, store: &Store) -> Child {
    let run = Run::keyward(home, &store.path).args(["verify", "--stream"]);
    run.command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("keyward can be started")
}

fn lines_per_second(home: &Path, case: &Case) -> f64 {
    let mut dice = Dice::new(2);
    let mut input = String::new();
    for _ in 0..case.lines {
        input.push_str(dice.choose(&case.store.secrets));
        input.push('\n');
    }
    let start_of_it = Instant::now();
    let mut child = start(home, &case.store);
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let mut stdout = child.stdout.take().expect("stdout is piped");
    // A thread of its own: both pipes are finite.
    let writer = thread::spawn(move || stdin.write_all(input.as_bytes()));
    // Counting is all that is done with the answers, or the reader would be what is measured.
    let mut buffer = vec![0; 1 << 16];
    let mut answers = 0;
    loop {
        let length = stdout.read(&mut buffer).expect("the answers can be read");
        if length == 0 {
            break;
        }
        answers += buffer[..length].iter().filter(|byte| **byte == b'\n').count();
    }
    writer.join().expect("the writer does not panic").expect("keyward reads its input");
    assert!(child.wait().expect("keyward ends").success(), "the stream failed");
    let time = start_of_it.elapsed();
    assert_eq!(answers, case.lines, "a line is answered by a line");
    answers as f64 / time.as_secs_f64()
}

/// How long each answer took to so many lines, sent one at a time.
fn waits(home: &Path, store: &Store, lines: usize) -> Vec<Duration> {
    let mut child = start(home, store);
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let mut answers = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let mut dice = Dice::new(3);
    let mut answer = String::new();
    let mut waits = Vec::with_capacity(lines);
    for _ in 0..lines {
        let line = format!("{}\n", dice.choose(&store.secrets));
        answer.clear();
        let start = Instant::now();
        stdin.write_all(line.as_bytes()).expect("keyward reads its input");
        answers.read_line(&mut answer).expect("keyward answers");
        waits.push(start.elapsed());
        assert!(answer.contains("\"code\":"), "no verdict: {answer}");
    }
    drop(stdin);
    child.wait().expect("keyward ends");
    waits
}
