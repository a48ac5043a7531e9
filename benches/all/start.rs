//! What a process costs: `keyward --version` against a Rust program that does nothing.

use std::fs;
use std::process::Command;

use crate::child::{KEYWARD, Run, in_turns, tool};
use crate::measure::{Table, Target, median, millis, ratio, untargeted};
use crate::stores::Stage;

pub fn run(stage: &mut Stage) {
    let rounds = stage.rounds(1000, 300);
    let mut table = Table::new(
        &format!("start: keyward --version against an empty program, median of {rounds} runs each"),
        ["", "median", "ratio", "target", ""],
    );
    let keyward = Run::new(KEYWARD, stage.home()).args(["--version"]);
    let Some(empty) = empty(stage) else {
        let times = in_turns(&[keyward], rounds);
        let cells = ["keyward --version".to_owned(), millis(median(&times[0])), String::new()];
        table.row(cells, untargeted());
        let skipped = ["empty program", "skipped", "no rustc"].map(str::to_owned);
        table.row(skipped, untargeted());
        return table.print();
    };
    let times = in_turns(&[keyward, empty], rounds);
    let [keyward, empty] = [0, 1].map(|index| median(&times[index]));
    let ratio = ratio(keyward, empty);
    table.row(
        ["keyward --version".to_owned(), millis(keyward), format!("{ratio:.2}")],
        Target::AtMost(1.5).cells(ratio),
    );
    let cells = ["empty program".to_owned(), millis(empty), "1.00".to_owned()];
    table.row(cells, untargeted());
    table.print();
}

/// The empty program, if there is a compiler to make it.
fn empty(stage: &Stage) -> Option<Run> {
    let source = stage.home().join("empty.rs");
    let program = stage.home().join("empty");
    fs::write(&source, "fn main() {}\n").expect("the temporary folder can be written");
    let compiled = Command::new(tool("rustc")?)
        .args(["-O", "--edition", "2024", "-o"])
        .args([&program, &source])
        .status();
    compiled.is_ok_and(|status| status.success()).then(|| Run::new(program, stage.home()))
}
