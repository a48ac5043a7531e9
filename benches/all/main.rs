//! Measures keyward against what it is made of: an empty program, the sqlite3 shell, and itself at other sizes.
//!
//! ```sh
//! cargo bench --bench all                            # everything, a quarter of an hour
//! cargo bench --bench all -- --quick verify stream   # two sections, at 1k and 100k keys
//! ```
//!
//! Each section prints one table of medians. A ratio compares two things measured in turns in the same run, so it means
//! something on a busy machine too; an absolute number belongs to the machine. A target that is missed is printed as
//! MISSED and nothing else happens: this measures, it is not a test.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tables go to stdout and progress to stderr"
)]

mod check;
mod child;
mod library;
mod list;
mod measure;
mod mint;
mod provision;
mod start;
mod stores;
mod stream;
mod verify;
mod worker;

use stores::{Size, Stage};

/// A section's name and what measures it.
type Section = (&'static str, fn(&mut Stage));

const SECTIONS: [Section; 8] = [
    ("start", start::run),
    ("verify", verify::run),
    ("stream", stream::run),
    ("library", library::run),
    ("list", list::run),
    ("mint", mint::run),
    ("check", check::run),
    ("provision", provision::run),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, store, secrets, strangers] = arguments.as_slice()
        && first == worker::ARGUMENT
    {
        return worker::run(store.as_ref(), secrets.as_ref(), strangers.as_ref());
    }
    let mut wanted: Vec<Section> = Vec::new();
    let mut sizes = Size::ALL.to_vec();
    for argument in &arguments {
        match SECTIONS.iter().find(|(name, _)| name == argument) {
            Some(section) => wanted.push(*section),
            None if argument == "--quick" => sizes.retain(|size| *size != Size::MILLION),
            // `cargo bench` adds this to every bench target.
            None if argument == "--bench" => {}
            None => {
                let names = SECTIONS.map(|(name, _)| name).join(" ");
                return eprintln!("usage: cargo bench --bench all -- [--quick] [{names}]");
            }
        }
    }
    if wanted.is_empty() {
        wanted = SECTIONS.to_vec();
    }
    let mut stage = Stage::new(sizes);
    println!(
        "stores of {} keys, {} processors\n",
        stage.sizes.iter().map(Size::label).collect::<Vec<_>>().join(", "),
        std::thread::available_parallelism().map_or(0, usize::from)
    );
    for (name, run) in wanted {
        eprintln!("measuring {name} …");
        run(&mut stage);
    }
}
