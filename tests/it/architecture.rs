//! The walls between the rooms of src/: which names a room may mention, in which direction rooms may call, and what
//! every file says of itself.

use std::fs;
use std::path::Path;

use crate::rust_source::{code, paths, sources, tests_at};

/// Lines a file may have, its unit tests not counted.
const LONGEST: usize = 300;
/// Lines `main.rs` may have.
const LONGEST_MAIN: usize = 60;

/// What stands in a room's way, as beginnings of paths; a macro is written with its `!`.
struct Wall {
    /// The files behind it: a file of src/, or a folder with its slash.
    room: &'static str,
    /// What they never mention.
    forbidden: &'static [&'static str],
}

const WALLS: &[Wall] = &[
    Wall {
        room: "commands/",
        forbidden: &[
            "rusqlite",
            "sha2",
            "rand",
            "std::fs",
            "std::env",
            "std::time::SystemTime",
            "unicode_width",
        ],
    },
    Wall {
        room: "ops/",
        forbidden: &[
            "clap",
            "unicode_width",
            "rusqlite",
            "std::env",
            "std::fs",
            "std::io",
            "std::time::SystemTime",
            "std::time::Instant",
            "crate::output",
            "crate::prompt",
            "crate::delivery",
        ],
    },
    Wall {
        room: "keyring.rs",
        forbidden: &[
            "clap",
            "rusqlite",
            "std::env",
            "std::fs",
            "std::time::SystemTime",
            "crate::output",
            "crate::delivery",
        ],
    },
    Wall {
        room: "domain/",
        forbidden: &[
            "rusqlite",
            "clap",
            "unicode_width",
            "std::fs",
            "std::env",
            "std::io",
            "std::time::Instant",
            "crate::files",
            "crate::store",
        ],
    },
    Wall {
        room: "files/",
        forbidden: &[
            "clap",
            "unicode_width",
            "rand",
            "rusqlite",
            "std::env",
            "std::time::SystemTime",
            "crate::domain::Key",
            "crate::domain::KeyId",
            "crate::domain::KeySeq",
            "crate::domain::key",
            "crate::domain::secret",
            "crate::store",
        ],
    },
    Wall {
        room: "store/",
        forbidden: &[
            // A file is looked at, made, opened and renamed in a folder that was opened once: `files`.
            "std::fs::DirBuilder",
            "std::fs::File::create",
            "std::fs::File::open",
            "std::fs::OpenOptions",
            "std::fs::hard_link",
            "std::fs::metadata",
            "std::fs::remove_file",
            "std::fs::rename",
            "std::fs::set_permissions",
            "std::fs::symlink_metadata",
            "std::fs::write",
            "clap",
            "unicode_width",
            "std::env",
            "std::time::SystemTime",
            "crate::output",
            "crate::ops",
            "crate::delivery",
            "crate::domain::secret::Secret",
            "crate::domain::secret::*",
        ],
    },
    Wall {
        room: "search/",
        forbidden: &[
            // It only reads, and no file but what was named and what is below it.
            "std::fs::DirBuilder",
            "std::fs::File::create",
            "std::fs::OpenOptions",
            "std::fs::hard_link",
            "std::fs::read",
            "std::fs::remove_file",
            "std::fs::rename",
            "std::fs::write",
            "std::net",
            "clap",
            "rand",
            "rusqlite",
            "std::env",
            "std::time::SystemTime",
            "crate::files",
            "crate::output",
            "crate::store",
        ],
    },
    Wall {
        room: "output/",
        forbidden: &[
            "rusqlite",
            "std::env",
            "std::time::SystemTime",
            "crate::store",
            "crate::ops",
            "crate::delivery",
        ],
    },
    Wall {
        room: "delivery/",
        forbidden: &[
            // A file is looked at, made, opened and renamed in a folder that was opened once: `files`.
            "std::fs::DirBuilder",
            "std::fs::File::create",
            "std::fs::File::open",
            "std::fs::OpenOptions",
            "std::fs::hard_link",
            "std::fs::metadata",
            "std::fs::remove_file",
            "std::fs::rename",
            "std::fs::set_permissions",
            "std::fs::symlink_metadata",
            "std::fs::write",
            "clap",
            "unicode_width",
            "std::env",
            "std::time::SystemTime",
            "crate::store",
            "crate::ops",
            "crate::output",
        ],
    },
    Wall {
        room: "serve/",
        forbidden: &[
            "clap",
            "unicode_width",
            "rusqlite",
            "rand",
            "sha2",
            "std::env",
            "std::time::SystemTime",
            "std::fs::File",
            "std::fs::OpenOptions",
            "std::fs::remove_file",
            "std::fs::rename",
            "crate::store::Reader",
            "crate::store::Writer",
            "crate::delivery",
            "crate::prompt",
        ],
    },
    Wall { room: "prompt.rs", forbidden: &["clap", "crate::store", "crate::ops", "crate::output"] },
    Wall { room: "error.rs", forbidden: &["clap", "unicode_width", "rusqlite", "crate::output"] },
    Wall {
        room: "main.rs",
        forbidden: &[
            "rusqlite",
            "unicode_width",
            "keyward::store",
            "keyward::ops",
            "keyward::domain",
            "keyward::delivery",
        ],
    },
];

/// What only these files may mention.
const KEEPERS: &[(&str, &[&str])] = &[
    // Who opens a listening socket.
    ("hyper", &["serve/"]),
    ("tokio", &["serve/", "store/postgres/"]),
    ("listenfd", &["serve/listen.rs"]),
    ("rustix::net", &["serve/listen.rs", "store/postgres/"]),
    ("std::net::TcpListener", &["serve/listen.rs"]),
    ("std::os::unix::net::UnixListener", &["serve/listen.rs"]),
    ("rusqlite", &["store/sqlite/"]),
    ("tokio_postgres", &["store/postgres/"]),
    ("rustls", &["store/postgres/tls.rs"]),
    ("rustix::termios::tcsetattr", &["prompt.rs"]),
    ("rustix::fs::flock", &["files/"]),
    ("rustix::fs::linkat", &["files/"]),
    ("rustix::fs::mkdirat", &["files/"]),
    ("rustix::fs::open", &[]),
    ("rustix::fs::openat", &["files/", "search/"]),
    ("rustix::fs::renameat", &["files/"]),
    ("rustix::fs::renameat_with", &["files/"]),
    ("rustix::fs::unlinkat", &["files/"]),
    ("unicode_width", &["output/"]),
    ("directories", &["context/"]),
    ("rustix::rand", &["random.rs"]),
    ("rand::rngs", &["random.rs"]),
    ("std::env", &["context/", "main.rs"]),
    ("std::time::SystemTime", &["context/", "domain/timestamp.rs"]),
    (
        "crate::domain::secret::Secret",
        &[
            "commands/",
            "context/",
            "delivery/",
            "domain/",
            "keyring.rs",
            "ops/",
            "output/view/minted.rs",
            "prompt.rs",
            "serve/",
        ],
    ),
    // Who may do what is decided in the transaction that does it.
    ("crate::ops::access::Access", &["ops/"]),
    // The two ends of a hand-over: nobody else decides that a delivery has worked, or has not.
    ("activate::complete", &["ops/hand_over.rs"]),
    ("activate::void", &["ops/hand_over.rs"]),
    ("activate::recall", &["ops/hand_over.rs"]),
    // Programs are run for deliveries and by git's plumbing.
    ("std::process::Command", &["delivery/", "output/", "search/git/"]),
    ("println!", &[]),
    ("print!", &[]),
    ("eprintln!", &[]),
    ("eprint!", &[]),
    ("dbg!", &[]),
    ("todo!", &[]),
];

/// The storeys, lowest first: a room may call its own storey and those below.
const STOREYS: &[&[&str]] = &[
    &["domain", "error", "files", "random", "signals"],
    &["search", "store"],
    &["delivery", "ops", "output", "prompt"],
    &["keyring", "options", "serve"],
    &["context"],
    &["arguments", "commands"],
    &["cli"],
];

/// Every breach of the walls in one file of src/, whose path is relative to it.
fn breaches(file: &str, source: &str) -> Vec<String> {
    let mentioned = paths(file, &code(source));
    let mut breaches = Vec::new();
    for wall in WALLS.iter().filter(|wall| in_room(file, wall.room)) {
        for path in &mentioned {
            if wall.forbidden.iter().any(|front| begins(path, front)) {
                breaches.push(format!("{file}: {path} has no place in {}", wall.room));
            }
        }
    }
    for (front, keepers) in KEEPERS {
        for path in mentioned.iter().filter(|path| begins(path, front)) {
            if !keepers.iter().any(|keeper| in_room(file, keeper)) {
                breaches.push(format!("{file}: {path} belongs in {keepers:?} alone"));
            }
        }
    }
    let own = storey(file.split(['/', '.']).next().unwrap_or_default());
    for path in &mentioned {
        let called = path.strip_prefix("crate::").map(|path| {
            let room = path.split("::").next().unwrap_or_default();
            storey(room)
        });
        if let (Some(Some(called)), Some(own)) = (called, own)
            && called > own
        {
            breaches.push(format!("{file}: {path} calls upward"));
        }
    }
    breaches.sort();
    breaches.dedup();
    breaches
}

fn in_room(file: &str, room: &str) -> bool {
    file == room || (room.ends_with('/') && file.starts_with(room))
}

fn storey(room: &str) -> Option<usize> {
    STOREYS.iter().position(|rooms| rooms.contains(&room))
}

/// Whether a path is the given one or lies within it.
fn begins(path: &str, front: &str) -> bool {
    path.strip_prefix(front).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[test]
fn no_room_mentions_what_has_no_place_in_it() {
    let breaches: Vec<String> =
        sources().iter().flat_map(|(file, source)| breaches(file, source)).collect();
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

/// What is SQLite's alone is said in its room alone, in texts too; comments may name it.
#[test]
fn only_its_own_room_speaks_of_the_engine() {
    let mut spoken = Vec::new();
    for (file, source) in sources() {
        let lines = source.lines().zip(1..);
        let is_said = |line: &str| {
            !line.trim_start().starts_with("//")
                && ["PRAGMA", "-wal", "SQLite"].iter().any(|word| line.contains(word))
        };
        let said = lines.filter(|(line, _)| is_said(line));
        if !file.starts_with("store/sqlite/") {
            spoken.extend(said.map(|(line, number)| format!("{file}:{number}: {line}")));
        }
    }
    assert_eq!(spoken, Vec::<String>::new());
}

/// A service that follows what is shown to it must not break when a file moves.
#[test]
fn what_is_shown_to_services_names_the_crates_root_alone() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| fs::read_to_string(manifest.join(file)).expect("it is there");
    let example = read("examples/http_middleware.rs");
    let docs = ["src/lib.rs", "src/keyring.rs"].map(|file| rust_of(&read(file), "//"));
    let pages = rust_of(&read("docs/services.md"), "");
    let mut seen = 0;
    for text in [example, pages].into_iter().chain(docs) {
        for path in paths("example.rs", &code(&text)) {
            if let Some(path) = path.strip_prefix("keyward::") {
                assert!(!path.contains("::"), "keyward::{path} is no name of the root");
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "only {seen} names were found");
}

/// The blocks of Rust in a text, each line of which begins with a comment's slashes or with nothing.
fn rust_of(text: &str, slashes: &str) -> String {
    let mut is_rust = false;
    let mut found = String::new();
    for line in text.lines().map(str::trim_start) {
        if !line.starts_with(slashes) {
            continue;
        }
        let line = line.trim_start_matches(['/', '!']).trim_start();
        match line.strip_prefix("```") {
            Some(language) => is_rust = !is_rust && matches!(language, "rust" | "no_run"),
            None if is_rust => found += &format!("{}\n", line.trim_start_matches("# ")),
            None => {}
        }
    }
    found
}

#[test]
fn every_room_has_a_storey() {
    for (file, _) in sources() {
        let room = file.split(['/', '.']).next().unwrap_or_default();
        let is_entrance = matches!(room, "main" | "lib");
        assert!(
            is_entrance || storey(room).is_some(),
            "src/{file} is in no room that ARCHITECTURE knows"
        );
    }
}

#[test]
fn every_file_says_what_it_deals_with_and_every_room_what_it_never_does() {
    let mut silent = Vec::new();
    for (file, source) in sources() {
        let mut head = source.lines().take_while(|line| line.starts_with("//!"));
        let promise = match file.as_str() {
            "main.rs" => "//! This file never",
            _ => "//! This module never",
        };
        if !source.starts_with("//! ") {
            silent.push(format!("{file} does not open with what it deals with"));
        } else if (file == "main.rs" || file.ends_with("/mod.rs"))
            && !head.any(|line| line.starts_with(promise))
        {
            silent.push(format!("{file} has no line \"{promise} …\""));
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

#[test]
fn no_file_is_too_long_to_be_one_thing() {
    let mut lengths: Vec<(usize, String)> = sources()
        .into_iter()
        .map(|(file, source)| (source[..tests_at(&source)].lines().count(), file))
        .collect();
    lengths.sort();
    lengths.reverse();
    let too_long: Vec<_> = lengths
        .iter()
        .filter(|(length, file)| *length > LONGEST || (file == "main.rs" && *length > LONGEST_MAIN))
        .collect();
    assert!(too_long.is_empty(), "too long: {too_long:?}; the five longest: {:?}", &lengths[..5]);
}

/// The walls must be seen to stand: each planted line is a breach, each harmless one is none.
#[test]
fn the_checker_sees_a_planted_breach() {
    let planted = [
        ("commands/list.rs", "use rusqlite::Connection;"),
        ("commands/list.rs", "use std::{fs, io};"),
        ("commands/list.rs", "fn f() { std::fs::read(\"x\"); }"),
        ("commands/list.rs", "fn f() { println!(\"x\"); }"),
        ("commands/list.rs", "fn f() { std::print!(\"x\"); }"),
        ("commands/list.rs", "use rustix::termios::tcsetattr;"),
        ("commands/mint.rs", "use rand::{Rng as Generator};"),
        ("commands/mint.rs", "fn f() { activate::complete(); }"),
        ("ops/mint.rs", "use clap::Args;"),
        ("ops/mint.rs", "use crate::output::{json, ui::Ui};"),
        ("ops/mint.rs", "use crate::{context::Context, store::Store};"),
        ("ops/workspace/set.rs", "use super::super::super::commands;"),
        ("ops/mint.rs", "use std::time::{Duration, SystemTime};"),
        ("domain/key.rs", "use crate::store::Reader;"),
        ("domain/key.rs", "use std::env;"),
        ("store/keys.rs", "use crate::domain::secret::{Secret, SecretHash};"),
        ("store/keys.rs", "fn f(secret: &crate::domain::secret::Secret) {}"),
        ("store/keys.rs", "use crate::domain::secret::*;"),
        ("store/mod.rs", "use super::ops::mint;"),
        ("output/table.rs", "use crate::domain::secret::Secret;"),
        ("search/walk.rs", "fn f() { std::fs::write(\"x\", \"\"); }"),
        ("output/ui.rs", "use crate::store::Order;"),
        ("context/mod.rs", "use rusqlite::Connection;"),
        ("context/mod.rs", "use crate::ops::access::{Access, Actor};"),
        ("delivery/file.rs", "use std::env::temp_dir;"),
        ("error.rs", "impl From<clap::Error> for Error {}"),
        ("main.rs", "use keyward::store::Store;"),
        ("serve/http.rs", "use crate::store::{Reader, Store};"),
        ("serve/http.rs", "use crate::context::Context;"),
        ("commands/serve.rs", "use tokio::net::TcpListener;"),
        ("ops/verifier/mod.rs", "use std::net::{IpAddr, TcpListener};"),
    ];
    for (file, line) in planted {
        let source = format!("//! A file.\n\n{line}\n");
        assert!(!breaches(file, &source).is_empty(), "{file}: {line}");
    }
    let harmless = [
        ("commands/list.rs", "// rusqlite stays in store/; std::fs too."),
        ("commands/list.rs", "const HINT: &str = \"rusqlite::Connection\";"),
        ("commands/list.rs", "const HINT: &str = r#\"use \"std::fs\";\"#;"),
        ("commands/list.rs", "#[cfg(test)]\nmod tests {\n    use std::fs;\n}"),
        (
            "commands/list.rs",
            "fn f<'a>(quote: &'a str) -> bool { quote == \"\\\"\" || '\"' == 'x' }",
        ),
        ("commands/list.rs", "use crate::store::Order;"),
        ("store/keys.rs", "use crate::domain::secret::SecretHash;"),
        ("store/keys.rs", "use super::{Reader, failure::failure};"),
        ("output/view/minted.rs", "use crate::domain::secret::Secret;"),
        ("context/mod.rs", "use std::{env, time::SystemTime};"),
        ("prompt.rs", "use rustix::termios::tcsetattr;"),
        ("main.rs", "fn main() { let arguments = std::env::args_os(); }"),
    ];
    for (file, line) in harmless {
        let source = format!("//! A file.\n\n{line}\n");
        assert_eq!(breaches(file, &source), Vec::<String>::new(), "{line}");
    }
}
