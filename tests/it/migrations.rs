//! Stores that an older keyward made: brought up to date by whoever opens them first, with what they knew kept.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::sync::Barrier;
use std::thread;

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::generated::repository;
use crate::support::counts::{counts, not_around_midnight};
use crate::support::files::mode;
use crate::support::time::{assert_about, now};
use crate::support::{Sandbox, moment, text, token};

/// Stores of each schema before this one, as SQL, with the same keys in them.
pub const OLD: [&str; 7] = [
    include_str!("fixtures/schema-1.sql"),
    include_str!("fixtures/schema-2.sql"),
    include_str!("fixtures/schema-3.sql"),
    include_str!("fixtures/schema-4.sql"),
    include_str!("fixtures/schema-5.sql"),
    include_str!("fixtures/schema-6.sql"),
    include_str!("fixtures/schema-7.sql"),
];
/// The schema that this keyward makes of them.
pub const NEWEST: i64 = OLD.len() as i64 + 1;

/// An engine's migrations, in their order.
pub fn steps(engine: &str) -> Vec<String> {
    let folder = repository(&format!("src/store/{engine}/migrations"));
    let steps = fs::read_dir(folder).expect("a folder").map(|step| step.expect("a file").path());
    let mut steps: Vec<_> = steps.collect();
    steps.sort();
    steps.into_iter().map(|step| fs::read_to_string(step).expect("a migration")).collect()
}

/// A sandbox whose store is of the first schema.
fn old_store() -> Sandbox {
    store_of(OLD[0])
}

/// A sandbox whose store is this one.
fn store_of(sql: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    plant(&sandbox, sql);
    sandbox
}

/// Puts this store where keyward looks for it, as keyward leaves its files: 0600 in 0700.
pub fn plant(sandbox: &Sandbox, sql: &str) {
    let path = sandbox.store_path();
    let folder = path.parent().expect("the store has a folder");
    let mut folders = fs::DirBuilder::new();
    let made = folders.recursive(true).mode(0o700).create(folder);
    made.expect("the store's folder can be made");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = Connection::open_with_flags(&path, flags).expect("a store can be made");
    connection.execute_batch(sql).expect("the fixture is SQL");
    connection.close().expect("the store can be closed");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode can be set");
}

/// What the file itself says its schema is, read without keyward.
fn user_version(sandbox: &Sandbox) -> i64 {
    let connection = sandbox.sqlite();
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .expect("a store has a version")
}

/// The keys by their name, with the two fields that a migration could lose.
fn uses(sandbox: &Sandbox) -> Value {
    let keys = sandbox.keys(&["--sort", "name"]);
    keys.iter().map(|key| json!([text(key, "name"), key["status"], key["lastUsedAt"]])).collect()
}

#[test]
fn a_store_of_an_older_schema_keeps_what_its_keys_were_last_used_at() {
    not_around_midnight();
    for (version, sql) in (1..).zip(OLD) {
        keeps_what_it_knew(version, &store_of(sql));
    }
}

fn keeps_what_it_knew(version: i64, sandbox: &Sandbox) {
    assert_eq!(user_version(sandbox), version);
    let expected = json!([
        ["ci", "active", "2025-01-20T12:34:56.789Z"],
        ["gone", "revoked", "2025-01-18T23:59:59.999Z"],
        ["paused", "disabled", "2025-01-19T00:00:00.000Z"],
        ["unused", "active", null],
    ]);
    assert_eq!(uses(sandbox), expected);
    assert_eq!(user_version(sandbox), NEWEST);
    assert_eq!(sandbox.keyward(["store", "info"]).answer()["schema"], NEWEST);
    // Once more, now that there is nothing to bring up to date.
    assert_eq!(uses(sandbox), expected);
    let audited = sandbox.keyward(["audit", "verify"]).answer();
    assert_eq!(audited["ok"], true, "{audited:#}");
    sandbox.keyward(["store", "check"]).ok();
    let store = sandbox.store_path();
    assert_eq!(mode(&store), 0o600);
    assert_eq!(mode(store.parent().expect("a folder")), 0o700);
    let connection = sandbox.sqlite();
    let check: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("the store can be checked");
    assert_eq!(check, "ok");
    connection.close().expect("the store can be closed");

    // What was counted nowhere before is counted from now on.
    let verdict = sandbox.verdict(&token::well_formed(), &[], 0, "valid");
    assert_eq!(verdict["subject"]["name"], "ci");
    assert_about(moment(&sandbox.show("ci"), "lastUsedAt"), now());
    let counted = counts(sandbox, "ci");
    assert_eq!((counted.valid, counted.credits), (1, 1));
    sandbox.mint("new");
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    sandbox.verdict(&token::well_formed(), &[], 11, "revoked");
}

#[test]
fn the_first_question_to_an_old_store_may_be_a_secret() {
    let sandbox = old_store();
    let verdict = sandbox.verdict(&token::well_formed(), &["--no-record"], 0, "valid");
    assert_eq!(verdict["subject"]["lastUsedAt"], "2025-01-20T12:34:56.789Z");
    let sandbox = old_store();
    let verdict = sandbox.verdict(&token::well_formed(), &[], 0, "valid");
    assert_eq!(verdict["recorded"], true, "{verdict:#}");
    assert_about(moment(&sandbox.show("ci"), "lastUsedAt"), now());
}

#[test]
fn an_old_store_is_brought_up_to_date_once_by_many_at_once() {
    const PROCESSES: usize = 12;
    not_around_midnight();
    let sandbox = old_store();
    let start = Barrier::new(PROCESSES);
    thread::scope(|scope| {
        for number in 0..PROCESSES {
            let (sandbox, start) = (&sandbox, &start);
            scope.spawn(move || {
                start.wait();
                match number % 3 {
                    0 => sandbox.keyward(["mint", &format!("new-{number}")]).ok(),
                    1 => sandbox.keyward(["list"]).ok(),
                    _ => {
                        let verify = sandbox.keyward(["verify"]);
                        verify.stdin(token::well_formed()).ok()
                    }
                };
            });
        }
    });
    assert_eq!(user_version(&sandbox), NEWEST);
    assert_eq!(counts(&sandbox, "ci").valid, 4);
    assert_eq!(sandbox.listed(&["--all"]).len(), 8);
    assert_eq!(uses(&sandbox)[1], json!(["gone", "revoked", "2025-01-18T23:59:59.999Z"]));
    sandbox.keyward(["audit", "verify"]).ok();
}
