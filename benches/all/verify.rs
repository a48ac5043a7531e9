//! `keyward verify` as a whole process, against the sqlite3 shell that looks the hash up and does nothing else.

use std::fs;
use std::path::Path;
use std::time::Duration;

use keyward::domain::secret::Secret;

use crate::child::{Run, tool};
use crate::measure::{ABSENT, Table, Target, judged, median, millis, ratio};
use crate::stores::{Dice, Size, Stage, Store};

/// How many runs follow each other. verify leaves a short log behind and sqlite3 clears it when it ends, so in strict
/// turns each would pay for the other: verify would start a new log each time, and sqlite3 would clear one each time. In
/// blocks both pay once a block.
const BLOCK: usize = 50;

/// The times of a store.
struct Measured {
    size: Size,
    recorded: Duration,
    unrecorded: Duration,
    sqlite: Option<Duration>,
}

pub fn run(stage: &mut Stage) {
    let sizes = stage.sizes.clone();
    // A block of each at every size is a turn, so that sizes can be compared too.
    let mut ways: Vec<[Vec<Run>; 3]> = Vec::new();
    for size in &sizes {
        let store = stage.store(*size);
        ways.push(ways_to_verify(stage.home(), &store));
    }
    let mut times = vec![[Vec::new(), Vec::new(), Vec::new()]; sizes.len()];
    let blocks = stage.rounds(10, 4);
    for _ in 0..blocks {
        for (ways, times) in ways.iter().zip(&mut times) {
            for (runs, times) in ways.iter().zip(times) {
                times.extend(runs.iter().map(Run::time));
            }
        }
    }
    let measured: Vec<Measured> = sizes
        .iter()
        .zip(&times)
        .map(|(size, [recorded, unrecorded, sqlite])| Measured {
            size: *size,
            recorded: median(recorded),
            unrecorded: median(unrecorded),
            sqlite: (!sqlite.is_empty()).then(|| median(sqlite)),
        })
        .collect();
    print(&measured, blocks * BLOCK);
}

/// A block of each: recorded, not recorded, and the shell's, with the same keys; none of the last without a shell.
fn ways_to_verify(home: &Path, store: &Store) -> [Vec<Run>; 3] {
    let mut dice = Dice::new(1);
    let shell = tool("sqlite3");
    let mut ways = [Vec::new(), Vec::new(), Vec::new()];
    for number in 0..BLOCK {
        let secret = dice.choose(&store.secrets);
        let name = store.path.file_stem().unwrap_or_default();
        let file = home.join(format!("{}-{number}.key", name.to_string_lossy()));
        fs::write(&file, secret).expect("the temporary folder can be written");
        let verify = || Run::keyward(home, &store.path).args(["verify"]).stdin(&file);
        ways[0].push(verify());
        ways[1].push(verify().args(["--no-record"]));
        if let Some(shell) = &shell {
            let hash = Secret::new(secret.clone()).hash();
            let digits: String = hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            let query = format!("select id, state, expires_at from key where hash = x'{digits}'");
            ways[2].push(Run::new(shell, home).arg(&store.path).arg(query));
        }
    }
    ways
}

fn print(measured: &[Measured], runs: usize) {
    let mut table = Table::new(
        &format!(
            "verify: a process each, median of {runs} runs each, in alternating blocks of {BLOCK}"
        ),
        ["keys", "keyward", "sqlite3", "ratio", "target", ""],
    );
    for of in measured {
        let at_100k = (of.size == Size::HUNDRED_THOUSAND).then_some(Target::AtMost(1.05));
        for (way, time, target) in
            [("recorded", of.recorded, at_100k), ("--no-record", of.unrecorded, None)]
        {
            let name = format!("{} {way}", of.size.label());
            let ratio = of.sqlite.map(|sqlite| ratio(time, sqlite));
            let cells = [
                name,
                millis(time),
                of.sqlite.map_or_else(|| ABSENT.to_owned(), millis),
                ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            ];
            table.row(cells, judged(target.filter(|_| ratio.is_some()), ratio.unwrap_or(0.0)));
        }
    }
    if let [least, .., most] = measured {
        let larger = ratio(most.recorded, least.recorded);
        let name = format!("{} against {}, recorded", most.size.label(), least.size.label());
        let cells = [name, millis(most.recorded), String::new(), format!("{larger:.2}")];
        table.row(cells, Target::AtMost(1.1).cells(larger));
    }
    table.print();
}
