//! Files that are this binary's own output: the manual pages, the completion scripts and the README's usage. They stand in
//! the repository for packagers and readers, and must not drift.
//!
//! `KEYWARD_BLESS=1 cargo test --test it generated` writes them again.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use keyward::cli::Cli;

use crate::support::{Sandbox, variable};

/// The completion scripts: a file's name and the shell whose it is.
const COMPLETIONS: [(&str, &str); 5] = [
    ("keyward.bash", "bash"),
    ("_keyward", "zsh"),
    ("keyward.fish", "fish"),
    ("_keyward.ps1", "powershell"),
    ("keyward.elv", "elvish"),
];

/// A file or folder of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The words of every command, the root's none.
pub fn commands() -> Vec<Vec<String>> {
    fn below(command: &clap::Command, words: &[String], found: &mut Vec<Vec<String>>) {
        found.push(words.to_vec());
        for command in command.get_subcommands() {
            let words = [words, &[command.get_name().to_owned()]].concat();
            below(command, &words, found);
        }
    }
    let mut found = Vec::new();
    below(&Cli::whole(), &[], &mut found);
    found
}

/// A folder's files, by name.
fn files(folder: &str) -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir(repository(folder)) else {
        return BTreeMap::new();
    };
    entries
        .map(|entry| {
            let path = entry.expect("an entry can be read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let text = fs::read_to_string(&path).expect("a generated file is text");
            (name.into_owned(), text)
        })
        .collect()
}

/// Compares a folder with what it should hold, or writes it again when asked to.
fn check(folder: &str, expected: &BTreeMap<String, String>) {
    if blessing() {
        fs::create_dir_all(repository(folder)).expect("a folder can be made");
        for name in files(folder).keys().filter(|name| !expected.contains_key(*name)) {
            fs::remove_file(repository(folder).join(name)).expect("a stale file can be removed");
        }
        for (name, text) in expected {
            write(&repository(folder).join(name), text);
        }
    }
    let found = files(folder);
    let differing: Vec<&String> = expected
        .keys()
        .chain(found.keys())
        .filter(|name| expected.get(*name) != found.get(*name))
        .collect();
    assert!(
        differing.is_empty(),
        "{folder}/ has files that are missing, stale or not what the binary prints: {differing:?}; \
        `KEYWARD_BLESS=1 cargo test --test it generated` writes them anew"
    );
}

pub fn blessing() -> bool {
    static ASKED: OnceLock<bool> = OnceLock::new();
    *ASKED.get_or_init(|| variable("KEYWARD_BLESS").is_some_and(|value| value == "1"))
}

pub fn write(path: &Path, text: &str) {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

#[test]
fn man_holds_the_page_of_every_command() {
    let sandbox = Sandbox::new();
    let pages = commands().into_iter().map(|words| {
        let page = sandbox.keyward(["man"]).args(&words).ok().stdout;
        let name = [&["keyward".to_owned()], &words[..]].concat().join("-");
        let title = format!(".TH {} 1", name.to_uppercase());
        assert!(
            page.replace("\\-", "-").contains(&title),
            "the page of {words:?} has no line {title}"
        );
        (format!("{name}.1"), page)
    });
    let pages: BTreeMap<String, String> = pages.collect();
    assert!(pages.len() > 25, "only {:?}", pages.keys());
    check("man", &pages);
}

/// The files are the binary's source here: it prints what it was built with.
#[test]
fn completions_holds_the_script_of_every_shell() {
    let sandbox = Sandbox::new();
    let scripts = COMPLETIONS.map(|(name, shell)| {
        let script = sandbox.keyward(["completions", shell]).ok().stdout;
        (name.to_owned(), script)
    });
    assert_eq!(files("completions"), BTreeMap::from(scripts));
}

#[test]
fn completions_takes_every_shell_there_is_a_file_for() {
    let sandbox = Sandbox::new();
    let help = sandbox.keyward(["completions", "-h"]).ok().stdout;
    let (_, shells) =
        help.split_once("[possible values: ").unwrap_or_else(|| panic!("no shells in\n{help}"));
    let (shells, _) = shells.split_once(']').expect("the list ends");
    let mut shells: Vec<&str> = shells.split(", ").map(str::trim).collect();
    shells.sort_unstable();
    let mut known = COMPLETIONS.map(|(_, shell)| shell);
    known.sort_unstable();
    assert_eq!(shells, known);
}

#[test]
fn what_is_generated_does_not_depend_on_where_it_is_generated() {
    let sandbox = Sandbox::new();
    for command in [&["--help"][..], &["mint", "--help"], &["man"], &["completions", "zsh"]] {
        let usual = sandbox.keyward(command).ok().stdout;
        let elsewhere = sandbox
            .keyward(command)
            .env("COLUMNS", "40")
            .env("LINES", "10")
            .env("LANG", "de_DE.UTF-8")
            .env("USER", "somebody")
            .env("KEYWARD_STORE", "/elsewhere/keyward.db")
            .ok()
            .stdout;
        let wraps = command.contains(&"--help");
        assert!(wraps || usual == elsewhere, "{command:?}");
        let home = sandbox.home().to_string_lossy();
        assert!(!usual.contains(&*home), "{command:?} names a folder of this machine");
        assert!(!usual.contains('\u{1b}'), "{command:?} has colour");
    }
}
