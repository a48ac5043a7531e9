//! `store check` and `audit verify`: rows a second.

use crate::child::Run;
use crate::measure::{Table, Target, median, millis, short};
use crate::stores::{Size, Stage};

pub fn run(stage: &mut Stage) {
    let repetitions = stage.rounds(3, 2);
    let mut table = Table::new(
        &format!(
            "check: rows a second, keys and events together, median of {repetitions}; of a million keys once"
        ),
        ["", "time", "rows/s", "target", ""],
    );
    for size in stage.among([Size::HUNDRED_THOUSAND, Size::MILLION]) {
        let store = stage.store(size);
        let repetitions = if size == Size::MILLION { 1 } else { repetitions };
        // A key has two events: minted, activated.
        let (keys, events) = (f64::from(size.0), 2.0 * f64::from(size.0));
        for (words, rows) in [(["store", "check"], keys + events), (["audit", "verify"], events)] {
            let run = Run::keyward(stage.home(), &store.path).args(words);
            let times: Vec<_> = (0..repetitions).map(|_| run.time()).collect();
            let time = median(&times);
            let rate = rows / time.as_secs_f64();
            let cells = [
                format!("{} {}", size.label(), words.join(" ")),
                millis(time),
                short(rate.round()),
            ];
            table.row(cells, Target::AtLeast(200_000.0).cells(rate));
        }
    }
    table.print();
}
