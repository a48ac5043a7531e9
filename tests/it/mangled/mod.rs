//! Stores in which bytes were changed or lost: the right answer or an error, never a panic, and never `valid` for a key that
//! is dead.
//!
//! Most rounds go through the library, because there are many; every so often the binary has to answer too. The short form
//! always runs; `KEYWARD_THOROUGH` asks for 10,000 changed bytes and 1,000 lost ends.

// What is asked of them.
mod bench;
// What is mangled.
mod template;

use std::fs;

use keyward::domain::timestamp::Timestamp;
use keyward::ops::access::Actor;
use keyward::ops::set::{self, Changes, Request};
use keyward::store::Store;

use bench::Bench;
use template::{Files, Maker, WAIT, selector, templates};

use crate::model::random::Random;
use crate::support::files::names_in;
use crate::support::time::{DAY, now};
use crate::support::{Sandbox, is_thorough};

/// A place in these bytes: anywhere, in the file's header, at the front of a page, which tells what is in it, or in a word
/// that says what a key is.
fn place(bytes: &[u8], random: &mut Random) -> usize {
    let below = |random: &mut Random, end: usize| random.below(end as u64) as usize;
    let length = bytes.len();
    match random.below(10) {
        0 => below(random, length.min(100)),
        1..=3 => {
            let page = below(random, length.div_ceil(4096)) * 4096;
            (page + below(random, 110)).min(length - 1)
        }
        4..=5 => {
            // A row has its name before its hash, its state and its times.
            let words: [(&[u8], usize); 7] = [
                (b"revoked", 7),
                (b"disabled", 8),
                (b"pending", 7),
                (b"expired", 200),
                (b"rotated", 200),
                (b"active", 200),
                (b"later", 200),
            ];
            let (word, reach) = random.pick(&words);
            let mut found = bytes.windows(word.len()).enumerate();
            let start = below(random, length);
            let after = found.position(|(at, text)| at >= start && text == word);
            let at = after.map_or(start, |at| at + below(random, reach));
            at.min(length - 1)
        }
        _ => below(random, length),
    }
}

fn flip(byte: &mut u8, random: &mut Random) {
    *byte ^= match random.percent(50) {
        true => 1 << random.below(8),
        false => 1 + random.below(255) as u8,
    };
}

#[test]
fn a_changed_byte_anywhere_in_the_file_or_its_log_makes_no_dead_key_valid() {
    let (closed, killed) = templates();
    let rounds = if is_thorough() { 10_000 } else { 150 };
    let mut bench = Bench::new();
    for round in 0..rounds {
        let (template, in_log) = match round % 4 {
            0 | 1 => (closed, false),
            2 => (killed, false),
            _ => (killed, true),
        };
        let mut files = template.files.clone();
        let bytes = match in_log {
            true => &mut files.log,
            false => &mut files.database,
        };
        let at = place(bytes, &mut bench.random);
        let before = bytes[at];
        flip(&mut bytes[at], &mut bench.random);
        let after = bytes[at];
        let which = if in_log { "log" } else { "file" };
        let beside = if template.files.log.is_empty() { "" } else { ", with a log beside it" };
        let what = format!("byte {at} of the {which}{beside}: {before:#04x} to {after:#04x}");
        // A log that is wrong somewhere ends there, as one that a power loss cut does.
        bench.round(&what, &files, &template.keys, in_log);
    }
    bench.end("changed bytes");
}

#[test]
fn a_changed_byte_of_the_header_is_told_of_or_does_not_matter() {
    let (closed, _) = templates();
    let mut bench = Bench::new();
    let changes: &[u8] = if is_thorough() { &[0x01, 0x10, 0x80, 0xff] } else { &[0x01] };
    for at in 0..100 {
        for change in changes {
            let mut files = closed.files.clone();
            files.database[at] ^= change;
            let what = format!("byte {at} of the header, changed by {change:#04x}");
            bench.round(&what, &files, &closed.keys, false);
        }
    }
    bench.end("changed headers");
}

#[test]
fn a_file_or_log_that_lost_its_end_makes_no_dead_key_valid() {
    let (closed, killed) = templates();
    let rounds = if is_thorough() { 1_000 } else { 40 };
    let mut bench = Bench::new();
    for round in 0..rounds {
        let template = if round % 3 == 0 { closed } else { killed };
        let mut files = template.files.clone();
        let bytes = match round % 3 {
            2 => &mut files.log,
            _ => &mut files.database,
        };
        let mut length = bench.random.below(bytes.len() as u64) as usize;
        if bench.random.percent(30) {
            length -= length % 4096;
        }
        bytes.truncate(length);
        let what = format!(
            "{} {length} bytes left of it",
            ["file", "file beside a log", "log"][round % 3]
        );
        bench.round(&what, &files, &template.keys, round % 3 == 2);
    }
    bench.end("lost ends");
}

#[test]
fn a_log_that_is_not_the_stores_makes_no_dead_key_valid() {
    let (_, killed) = templates();
    let other = Maker::new().killed();
    let mut bench = Bench::new();
    let mut garbage = killed.files.log.clone();
    for byte in garbage.iter_mut().skip(32) {
        *byte = bench.random.next() as u8;
    }
    let closed = {
        // What the killed one is when the next process has opened and closed it.
        let path = bench.sandbox.store_path();
        killed.files.put(&path);
        let mut store = Store::open(&path, WAIT).expect("it can be opened").expect("it is there");
        let actor = Actor::Operator("someone".to_owned());
        let at = Timestamp::from_millis(now());
        let request = Request {
            workspace: None,
            selector: selector("other-2"),
            expires: None,
            changes: Changes {
                owner: Some(Some("somebody else".to_owned())),
                ..Changes::default()
            },
        };
        set::run(&mut store, &actor, &request, at).expect("it can be changed");
        drop(store);
        fs::read(&path).expect("there is a store")
    };
    for (what, log) in [
        ("another store's log", other.files.log.clone()),
        ("garbage after a log's header", garbage),
        ("a log of zeros", vec![0; killed.files.log.len()]),
    ] {
        let files = Files { database: closed.clone(), log };
        bench.round(what, &files, &killed.keys, false);
        bench.ask_binary(what, &killed.keys, false);
    }
    bench.end("logs of others");
}

#[test]
fn a_log_of_an_older_state_makes_no_dead_key_valid() {
    let mut maker = Maker::new();
    maker.fill();
    let path = maker.sandbox.store_path();
    drop(maker.store);
    maker.store = Store::open(&path, WAIT).expect("it can be opened").expect("it is there");
    maker.mint("late", None, DAY, "valid");
    let old = maker.files();
    maker.revoke("late");
    maker.keys.last_mut().expect("it was minted").code = "revoked";
    let keys = std::mem::take(&mut maker.keys);
    drop(maker.store);
    let files = Files { database: fs::read(&path).expect("there is a store"), log: old.log };
    let mut bench = Bench::new();
    bench.round("an older log", &files, &keys, false);
    bench.ask_binary("an older log", &keys, false);
    bench.end("older logs");
}

#[test]
fn what_was_planted_in_the_schema_is_refused_and_never_runs() {
    const REVIVE: &str = "UPDATE key SET state = 'active', revoked_at = NULL";
    let rewrite = |from: &str, to: &str| {
        format!(
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '{from}', '{to}') WHERE name = 'key'"
        )
    };
    let hidden = format!(
        "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('trigger', 'planted', 'sqlite_stat1', 0,
         'CREATE TRIGGER planted AFTER UPDATE ON key BEGIN {}; END')",
        REVIVE.replace('\'', "''")
    );
    let planted: [(&str, String); 10] = [
        ("a trigger", format!("CREATE TRIGGER planted AFTER INSERT ON audit BEGIN {REVIVE}; END")),
        (
            "a trigger on counting",
            format!("CREATE TRIGGER planted AFTER INSERT ON usage BEGIN {REVIVE}; END"),
        ),
        ("a trigger that says it is of another table", hidden),
        ("a view", "CREATE VIEW planted AS SELECT * FROM key".to_owned()),
        ("a table", "CREATE TABLE planted (x)".to_owned()),
        ("an index", "CREATE INDEX planted ON key (owner)".to_owned()),
        ("an index of an expression", "CREATE INDEX planted ON key (abs(created_at))".to_owned()),
        ("a column's default", rewrite("owner               TEXT", "owner TEXT DEFAULT ''x''")),
        ("a column that computes", "ALTER TABLE key ADD COLUMN planted TEXT AS (id)".to_owned()),
        ("a check that is gone", rewrite("CHECK (length(hash) = 32)", "")),
    ];
    for (what, sql) in planted {
        let (sandbox, secret) = Sandbox::with_key("ci");
        sandbox.mint("other");
        sandbox.keyward(["revoke", "ci", "--yes"]).ok();
        let connection = sandbox.sqlite();
        connection.execute_batch(&sql).unwrap_or_else(|error| panic!("{what}: {error}"));
        connection.close().expect("it can be closed");
        let before = sandbox.store_bytes();
        for command in [
            &["verify"][..],
            &["list", "--all"],
            &["mint", "new"],
            &["revoke", "other", "--yes"],
            &["disable", "other"],
            &["audit", "verify"],
            &["prune", "--yes"],
        ] {
            let run = sandbox.keyward(command).stdin(&secret).run();
            assert_eq!(run.status, 9, "{what}: {command:?} {}", run.transcript());
        }
        assert!(sandbox.store_bytes() == before, "{what}: the file was changed");
        let folder = sandbox.store_path();
        let folder = folder.parent().expect("it is in a folder");
        let names = names_in(folder);
        assert_eq!(names, ["keyward.db", "keyward.db.reserve"], "{what}");
    }
}
