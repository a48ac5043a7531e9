//! `keyward mint --count`, which also makes, delivers, activates and audits, against the sqlite3 shell that reads the
//! same rows as plain INSERTs.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::child::{Run, tool};
use crate::measure::{ABSENT, Table, Target, median, millis, ratio, short, untargeted};
use crate::stores::{Size, Stage, Store};

pub fn run(stage: &mut Stage) {
    let store = stage.store(Size::HUNDRED_THOUSAND);
    let keys = store.secrets.len();
    let answers = stage.home().join("answers.jsonl");
    let shell = tool("sqlite3");
    let script = shell.as_ref().map(|shell| script(stage, shell, &store));
    let mut minted = Vec::new();
    let mut inserted = Vec::new();
    let repetitions = stage.rounds(3, 1);
    for number in 0..repetitions {
        let fresh = |name: &str| stage.home().join(format!("{name}-{number}.db"));
        let count = keys.to_string();
        let mint = Run::keyward(stage.home(), &fresh("mint"))
            .args(["mint", "key", "--stdout", "--output", "jsonl", "--count", &count])
            .stdout(&answers);
        minted.push(mint.time());
        remove(&fresh("mint"));
        if let (Some(shell), Some(script)) = (&shell, &script) {
            let insert = Run::new(shell, stage.home()).arg(fresh("insert")).stdin(script);
            inserted.push(insert.time());
            remove(&fresh("insert"));
        }
    }
    let mut table = Table::new(
        &format!(
            "mint: 100,000 keys into a fresh store, jsonl into a file, against INSERTs in one transaction, median of {repetitions}"
        ),
        ["", "time", "keys/s", "ratio of rates", "target", ""],
    );
    let rate = |time: Duration| short((keys as f64 / time.as_secs_f64()).round());
    let time = median(&minted);
    let name = "keyward mint".to_owned();
    if inserted.is_empty() {
        table.row([name, millis(time), rate(time), String::new()], untargeted());
        let cells = ["sqlite3".to_owned(), ABSENT.to_owned(), String::new(), String::new()];
        table.row(cells, untargeted());
    } else {
        let yardstick = median(&inserted);
        let ratio = ratio(yardstick, time);
        let cells = [name, millis(time), rate(time), format!("{ratio:.2}")];
        table.row(cells, Target::AtLeast(0.8).cells(ratio));
        let cells = ["sqlite3".to_owned(), millis(yardstick), rate(yardstick), "1.00".to_owned()];
        table.row(cells, untargeted());
    }
    table.print();
    let bytes = fs::metadata(&store.path).expect("the store is there").len() as f64;
    let mut table = Table::new("size: the store's file", ["keys", "bytes a key", "target", ""]);
    let per_key = bytes / keys as f64;
    let cells = [Size::HUNDRED_THOUSAND.label(), format!("{per_key:.0}")];
    table.row(cells, Target::AtMost(700.0).cells(per_key));
    table.print();
}

/// A file of SQL that makes the table with its indexes and puts every row of the store's into it, as safely as keyward
/// does: with a write-ahead log, and synced.
fn script(stage: &Stage, shell: &Path, store: &Store) -> std::path::PathBuf {
    let asked = |name: &str, command: &str| {
        let file = stage.home().join(name);
        Run::new(shell, stage.home())
            .arg(&store.path)
            .args(["-cmd", ".mode insert key", command])
            .stdout(&file)
            .time();
        fs::read_to_string(&file).expect("sqlite3 writes text")
    };
    let schema = asked("schema.sql", ".schema key");
    let rows = asked("rows.sql", "select * from key");
    assert!(rows.starts_with("INSERT INTO "), "sqlite3 writes no INSERTs");
    let settings = "pragma journal_mode = wal;\npragma synchronous = full;\n";
    let script = stage.home().join("insert.sql");
    let text = format!("{settings}{schema}begin;\n{rows}commit;\n");
    fs::write(&script, text).expect("the temporary folder can be written");
    script
}

/// Removes a store, so that the disk's cache holds what is measured.
fn remove(store: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut name = store.as_os_str().to_owned();
        name.push(end);
        // Only the file itself is there for sure.
        let _ = fs::remove_file(name);
    }
}
