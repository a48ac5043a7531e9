//! `keyward store import --from`: keys of other systems, from tables as those systems write them.

mod adapting;
mod bad_lines;
mod refused;
mod systems;

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::Value;

use crate::support::Sandbox;

/// What the fixtures' README says of each: a system's name, its file, and the file's content.
pub const FIXTURES: [(&str, &str, &str); 6] = [
    ("better-auth", "app.db", include_str!("../fixtures/coming/better-auth.sql")),
    ("drf", "django.sqlite3", include_str!("../fixtures/coming/drf.sql")),
    ("sanctum", "laravel.sqlite", include_str!("../fixtures/coming/sanctum.sql")),
    ("unkey", "unkey.json", include_str!("../fixtures/coming/unkey.json")),
    ("seam", "seam.jsonl", include_str!("../fixtures/coming/seam.jsonl")),
    ("own", "tokens.db", include_str!("../fixtures/coming/own.sql")),
];

/// The mapping of the table that no system makes.
const OWN: &str = r#"
table = "tokens"
hash = "digest"
name = "title"
prefix = "front"
scopes = { json = "roles" }
labels = { team = "team", from = { value = "tokens" } }
disabled = "off"
created_at = "made"
expires_at = "ends"
"#;

/// An original secret of a system: the name that its key has in a store, the secret, and its verdict.
pub struct Original {
    pub name: String,
    pub secret: String,
    pub code: String,
}

/// Every original secret of a system.
pub fn originals(system: &str) -> Vec<Original> {
    let all: Value =
        serde_json::from_str(include_str!("../fixtures/coming/keys.json")).expect("JSON");
    let of = |key: &Value| {
        let [name, secret, code] = [0, 1, 2].map(|at| key[at].as_str().expect("a text").to_owned());
        Original { name, secret, code }
    };
    all[system].as_array().expect("a system").iter().map(of).collect()
}

/// Another program's database.
#[expect(clippy::disallowed_methods, reason = "another program's file has the mode of its umask")]
fn database(path: &Path) -> Connection {
    Connection::open(path).expect("a database")
}

/// Lays out every system's file in a folder, and one original secret of each.
pub fn lay_out(folder: &Path) {
    for (system, name, content) in FIXTURES {
        let path = folder.join(name);
        if name.contains(".json") {
            fs::write(path, content).expect("the folder is writable");
        } else {
            database(&path).execute_batch(content).expect("the fixture is SQL");
        }
        let sample = folder.join(format!("{system}.key"));
        fs::write(sample, &originals(system)[0].secret).expect("the folder is writable");
    }
    fs::write(folder.join("own.toml"), OWN).expect("the folder is writable");
}

/// A sandbox with those files, whose folder is returned.
pub fn with_files() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    let folder = sandbox.home().join("folder");
    fs::create_dir(&folder).expect("a fresh folder");
    lay_out(&folder);
    (sandbox, folder)
}

/// A system's file, and what `--from` says of it.
pub fn file_and_source(folder: &Path, system: &str) -> (String, String) {
    let (_, name, _) = FIXTURES.iter().find(|(name, ..)| *name == system).expect("a system");
    let path = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    let source = if system == "own" { path("own.toml") } else { system.to_owned() };
    (path(name), source)
}
