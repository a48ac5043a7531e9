//! The inputs that fuzzing found worth keeping, `fuzz/corpus/`, held to the laws of their targets, `laws`: what fuzzing found
//! once stays found where nobody fuzzes.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keyward::context::LONGEST_LINE;

use crate::laws;
use crate::support::{skipped, variable};

/// What a target's corpus may have, in files and bytes: enough to begin with, and not more than a repository should carry.
const MOST_FILES: usize = 64;
const MOST_BYTES: u64 = 64 * 1024;

/// The folder of the targets. A packaged crate has none, as it is a package of its own.
fn fuzz() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(variable("CI").is_none(), "there is no {}", folder.display());
    skipped("there is no corpus here");
    None
}

/// The files of a folder, in their order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of fuzz/ can be read");
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry can be read").path()).collect();
    files.sort();
    files
}

#[test]
fn every_input_that_was_kept_is_held_to_its_law() {
    let Some(fuzz) = fuzz() else {
        return;
    };
    let mut broken = Vec::new();
    for (target, law) in laws::ALL {
        let files = files(&fuzz.join("corpus").join(target));
        assert!(!files.is_empty(), "{target} has no corpus");
        for file in files {
            let data = fs::read(&file).expect("an input can be read");
            if std::panic::catch_unwind(|| law(&data)).is_err() {
                broken.push(file);
            }
        }
    }
    laws::answers::end();
    // What is wrong with each is above, in this order.
    assert!(broken.is_empty(), "laws are broken by {broken:#?}");
}

/// What mutations of two inputs make: pieces of the one in the other, left out, twice, or with other bytes.
fn mutated(one: &[u8], other: &[u8], random: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    let mut made = one.to_vec();
    for _ in 0..=random(4) {
        let at = random(made.len());
        let end = at + random((made.len() - at).min(40));
        let from = random(other.len());
        let piece = other[from..from + random((other.len() - from).min(60))].to_vec();
        match random(5) {
            0 => drop(made.drain(at..end)),
            1 => drop(made.splice(at..end, piece)),
            2 => drop(made.splice(at..at, piece)),
            3 => {
                let twice = made[at..end].to_vec();
                made.splice(at..at, twice);
            }
            _ => made
                .splice(at..at, [[0, b'\r', b'\n', b' ', b':', b'\t', 0xff][random(6)]])
                .for_each(drop),
        }
    }
    made
}

/// `KEYWARD_FUZZ="TARGET SECONDS"` holds mutations of a target's corpus to its law for so long. It finds less than fuzzing does,
/// and needs no other toolchain.
#[test]
fn what_is_near_the_corpus_is_held_to_the_law() {
    let (Some(fuzz), Some(wanted)) = (fuzz(), variable("KEYWARD_FUZZ")) else {
        return;
    };
    let wanted = wanted.into_string().expect("a target and seconds");
    let (target, seconds) = wanted.split_once(' ').expect("a target and seconds");
    let law = laws::ALL.iter().find(|(name, _)| *name == target).expect("a target").1;
    let files = files(&fuzz.join("corpus").join(target));
    let corpus: Vec<_> = files.iter().map(|file| fs::read(file).expect("an input")).collect();
    // Each run goes its own way: what breaks a law is shown, and needs not be found again.
    let mut state = u64::from(std::process::id());
    // Up to and with this (Knuth's MMIX generator).
    let mut random = |most: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % (most + 1)
    };
    let (begun, mut held) = (Instant::now(), 0_u64);
    let limit = Duration::from_secs(seconds.parse().expect("seconds"));
    while begun.elapsed() < limit {
        let one = &corpus[random(corpus.len() - 1)];
        let other = &corpus[random(corpus.len() - 1)];
        let data = mutated(one, other, &mut random);
        if std::panic::catch_unwind(|| law(&data)).is_err() {
            panic!("after {held} inputs, the law is broken by {}", data.escape_ascii());
        }
        held += 1;
    }
    laws::answers::end();
    writeln!(std::io::stderr(), "{target}: {held} inputs").expect("stderr");
}

/// Longer inputs do not belong in a corpus, and fuzzing makes none.
#[test]
fn lines_about_the_longest_are_held_to_their_law() {
    for length in LONGEST_LINE - 1..=LONGEST_LINE + 1 {
        for begin in ["k", "{\"key\":\"", "{\"key\":\"k\",\"id\":["] {
            let mut line = begin.as_bytes().to_vec();
            line.resize(length, b'1');
            laws::verify_line::hold(&line);
            let end = if begin.ends_with('[') { "]}" } else { "\"}" };
            line.truncate(length - end.len());
            line.extend(end.as_bytes());
            laws::verify_line::hold(&line);
        }
    }
}

#[test]
fn every_target_has_a_law_and_a_small_corpus() {
    let Some(fuzz) = fuzz() else {
        return;
    };
    let names = |folder: &str| -> BTreeSet<String> {
        files(&fuzz.join(folder))
            .iter()
            .filter_map(|file| file.file_stem()?.to_str().map(str::to_owned))
            .collect()
    };
    let laws: BTreeSet<String> = laws::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), laws);
    assert_eq!(names("corpus"), laws);
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).expect("a manifest");
    for name in &laws {
        assert!(manifest.contains(&format!("[[bin]]\nname = \"{name}\"\n")));
        let files = files(&fuzz.join("corpus").join(name));
        let bytes: u64 =
            files.iter().map(|file| fs::metadata(file).expect("an input is there").len()).sum();
        assert!(
            files.len() <= MOST_FILES && bytes <= MOST_BYTES,
            "{name}: {} files, {bytes} bytes",
            files.len()
        );
    }
}
