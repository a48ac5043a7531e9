//! `keyward list` of everything, against the sqlite3 shell that prints the same table as JSON; and the memory it takes.

use crate::child::{Run, in_turns, tool};
use crate::measure::{ABSENT, Table, Target, judged, median, millis, ratio, untargeted};
use crate::stores::{Size, Stage};

pub fn run(stage: &mut Stage) {
    let mut table = Table::new(
        "list: --output jsonl to /dev/null, median of 3 to 25 runs each, in turns",
        ["keys", "keyward", "sqlite3 -json", "ratio", "target", ""],
    );
    for size in stage.among([Size::HUNDRED_THOUSAND, Size::MILLION]) {
        let store = stage.store(size);
        let label = size.label();
        let list = ["list", "--output", "jsonl"];
        let mut runs = vec![Run::keyward(stage.home(), &store.path).args(list)];
        runs.extend(tool("sqlite3").map(|shell| {
            let shell = Run::new(shell, stage.home()).arg("-json").arg(&store.path);
            shell.arg("select * from key")
        }));
        let rounds = if size == Size::MILLION { 3 } else { stage.rounds(25, 5) };
        let times: Vec<_> = in_turns(&runs, rounds).iter().map(|times| median(times)).collect();
        let target = Some(Target::AtMost(1.0));
        match times.as_slice() {
            [keyward, sqlite, ..] => {
                let ratio = ratio(*keyward, *sqlite);
                let cells =
                    [label.clone(), millis(*keyward), millis(*sqlite), format!("{ratio:.2}")];
                table.row(cells, judged(target, ratio));
            }
            times => {
                let cells = [label.clone(), millis(times[0]), ABSENT.to_owned(), String::new()];
                table.row(cells, untargeted());
            }
        }
        let peaks: Vec<Option<f64>> = runs.iter().map(Run::peak_memory).collect();
        let said =
            |peak: Option<f64>| peak.map_or("skipped".to_owned(), |peak| format!("{peak:.1} MB"));
        let peak = peaks[0];
        let cells = [
            format!("{label}, peak memory"),
            said(peak),
            peaks.get(1).map_or(ABSENT.to_owned(), |peak| said(*peak)),
            String::new(),
        ];
        let target = peak.map(|_| Target::AtMost(20.0));
        table.row(cells, judged(target, peak.unwrap_or(0.0)));
    }
    table.print();
}
