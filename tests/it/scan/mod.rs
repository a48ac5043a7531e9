//! `keyward scan`: what is found, what is not, and what is said and done about it.

// Tokens planted in every form that is found, and their places.
mod planted;
// Tokens that are none, or not this store's.
mod decoys;
// Archives, and those that are damaged or made to do harm.
mod archives;
// Git: history, what is staged, what is pushed.
mod git;
// Files and folders that are not what they seem.
mod hostile;
// The formats of answers, exit statuses and exceptions.
mod answers;
// SARIF, and the schema of its standard.
mod sarif;
// Revoking what was found, and what the trail is told.
mod response;
// The formats that a store keeps.
mod formats;
// Scanning without a store.
mod elsewhere;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Output, Sandbox};

/// The presets, each of which is a workspace's in [`everything`].
const PRESETS: [&str; 6] =
    ["default", "amazonscraperapi", "azscraper", "audioscrape", "amser", "scrapewise"];

/// A store outside the folder that is scanned, with a workspace of every preset, and a key of each: its preset and its secret.
fn everything() -> (Sandbox, Vec<(&'static str, String)>) {
    let sandbox = Sandbox::new();
    let secrets = PRESETS.map(|preset| {
        sandbox.workspace(preset, &["--preset", preset]);
        let scope: &[&str] = if preset == "scrapewise" { &["--scope", "USER"] } else { &[] };
        let secret =
            sandbox.mint_with(&format!("key-{preset}"), &[&["-w", preset], scope].concat());
        (preset, secret)
    });
    fs::create_dir(sandbox.home().join("tree")).expect("a folder can be made");
    (sandbox, secrets.to_vec())
}

/// A sandbox with a key in a store, its secret, and an empty folder `tree`.
fn one() -> (Sandbox, String) {
    let (sandbox, secret) = Sandbox::with_key("ci");
    fs::create_dir(sandbox.home().join("tree")).expect("a folder can be made");
    (sandbox, secret)
}

/// Writes a file below HOME.
fn plant(sandbox: &Sandbox, path: &str, content: impl AsRef<[u8]>) {
    let path = sandbox.home().join(path);
    let folder = path.parent().expect("it has a folder");
    fs::create_dir_all(folder).expect("a folder can be made");
    fs::write(path, content).expect("a file can be written");
}

/// Scans with these arguments and `--json`, and expects this exit status.
#[track_caller]
fn scan(sandbox: &Sandbox, arguments: &[&str], exit: i32) -> Value {
    let output = sandbox.keyward(["scan", "--json"]).args(arguments).exit(exit);
    assert_eq!(output.stderr, "", "an answer is all there is to say");
    output.json()
}

/// The findings of an answer.
fn findings(answer: &Value) -> Vec<Value> {
    answer["findings"].as_array().expect("findings are a list").clone()
}

/// Where a key was found: path, members, line, column, as one text.
fn places(answer: &Value, name: &str) -> Vec<String> {
    let all = findings(answer);
    let found = all.iter().find(|finding| finding["name"] == name);
    let places = found.map(|finding| finding["where"].as_array().expect("a list").clone());
    let text = |place: &Value| {
        let inside = place["inside"].as_array().expect("a list").iter();
        let inside: String =
            inside.map(|member| format!("!{}", member.as_str().unwrap_or_default())).collect();
        let path = place["path"].as_str().unwrap_or("-");
        format!("{path}{inside}:{}:{}", place["line"], place["column"])
    };
    let mut places: Vec<String> = places.unwrap_or_default().iter().map(text).collect();
    places.sort();
    places
}

/// Runs a script of the shell in this folder.
#[track_caller]
fn shell(sandbox: &Sandbox, folder: impl AsRef<Path>, script: &str) -> Output {
    let identity =
        ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"];
    let run = sandbox.program("sh", ["-ec", script]).cwd(sandbox.home().join(folder));
    identity.into_iter().fold(run, |run, name| run.env(name, "somebody")).ok()
}
