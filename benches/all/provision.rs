//! Provisioning again what already exists, and everything that a pipeline runs every time: `ensure` and `apply` that
//! change nothing, `check` over every key, `prune` of dead ones.

use std::fs;
use std::time::Duration;

use crate::child::{Run, in_turns};
use crate::measure::{Table, Target, median, millis, ratio, short, untargeted};
use crate::stores::{Size, Stage};

/// How many keys the manifest has.
const APPLIED: usize = 100;

pub fn run(stage: &mut Stage) {
    again(stage);
    manifest(stage);
    whole(stage);
}

/// `ensure` of a key that is as it should be, against a verify that records nothing.
fn again(stage: &mut Stage) {
    let rounds = stage.rounds(200, 60);
    let mut table = Table::new(
        &format!(
            "provision: ensure of a key that is there, against verify --no-record, median of {rounds} runs each"
        ),
        ["keys", "ensure", "verify", "ratio", "target", ""],
    );
    for size in stage.among([Size::THOUSAND, Size::HUNDRED_THOUSAND, Size::MILLION]) {
        let store = stage.store(size);
        let secret = stage.home().join(format!("{}.ensured", size.label()));
        let keyward = || Run::keyward(stage.home(), &store.path);
        let ensure = || keyward().args(["ensure", "ensured", "--out"]).arg(&secret);
        ensure().time();
        let verify = keyward().args(["verify", "--no-record"]).stdin(&secret);
        let times = in_turns(&[ensure(), verify], rounds);
        let [ensure, verify] = [0, 1].map(|index| median(&times[index]));
        let ratio = ratio(ensure, verify);
        let cells = [size.label(), millis(ensure), millis(verify), format!("{ratio:.2}")];
        table.row(cells, Target::AtMost(2.0).cells(ratio));
    }
    table.print();
}

/// A manifest, the first time and again.
fn manifest(stage: &mut Stage) {
    let mut text = "[workspace.acme]\n".to_owned();
    for number in 0..APPLIED {
        text += &format!(
            "[[key]]\nworkspace = \"acme\"\nname = \"key-{number}\"\ndeliver = {{ out = \"applied/{number}.key\" }}\n"
        );
    }
    let file = stage.home().join("keys.toml");
    fs::write(&file, text).expect("the temporary folder can be written");
    let (mut first, mut again) = (Vec::new(), Vec::new());
    let repetitions = stage.rounds(5, 3);
    for number in 0..repetitions {
        let store = stage.home().join(format!("applied-{number}.db"));
        let apply = Run::keyward(stage.home(), &store).arg("apply").arg(&file);
        first.push(apply.time());
        again.push(apply.time());
        fs::remove_dir_all(stage.home().join("applied")).expect("the secrets were delivered");
    }
    let mut table = Table::new(
        &format!(
            "provision: apply of {APPLIED} keys, each into a file of its own, median of {repetitions}"
        ),
        ["", "time", "a key", "", ""],
    );
    for (name, times) in [("into a fresh store", first), ("again", again)] {
        let time = median(&times);
        let each = Duration::from_secs_f64(time.as_secs_f64() / APPLIED as f64);
        let cells = [name.to_owned(), millis(time), millis(each)];
        table.row(cells, untargeted());
    }
    table.print();
}

/// What looks at every key of a store.
fn whole(stage: &mut Stage) {
    let repetitions = stage.rounds(5, 3);
    let mut table = Table::new(
        &format!(
            "provision: every key looked at, median of {repetitions}; revoked and deleted, once"
        ),
        ["", "keys", "time", "keys/s", "", ""],
    );
    for size in stage.among([Size::HUNDRED_THOUSAND, Size::MILLION]) {
        let store = stage.store(size);
        let keyward = || Run::keyward(stage.home(), &store.path);
        let mut row = |name: &str, time: Duration| {
            let rate = short((f64::from(size.0) / time.as_secs_f64()).round());
            let cells = [name.to_owned(), size.label(), millis(time), rate];
            table.row(cells, untargeted());
        };
        let check = keyward().args(["check", "--older-than", "90d"]);
        row("check", median(&in_turns(&[check], repetitions)[0]));
    }
    let dead = stage.home().join("dead.db");
    let keyward = || Run::keyward(stage.home(), &dead);
    let keys = stage.rounds(100_000, 20_000);
    let secrets = stage.home().join("dead.secrets");
    let mint = ["mint", "key", "--stdout", "--count", &keys.to_string()];
    keyward().args(mint).stdout(&secrets).time();
    let empty = stage.home().join("empty.toml");
    fs::write(&empty, "[workspace.default]\n").expect("the temporary folder can be written");
    let apply = keyward().arg("apply").arg(&empty).args(["--prune", "--yes"]);
    let prune = keyward().args(["prune", "--dead-for", "0s", "--yes"]);
    for (name, run) in [("apply --prune", apply), ("prune", prune)] {
        let time = run.time();
        let rate = short((keys as f64 / time.as_secs_f64()).round());
        let cells = [name.to_owned(), short(keys as f64), millis(time), rate];
        table.row(cells, untargeted());
    }
    table.print();
}
