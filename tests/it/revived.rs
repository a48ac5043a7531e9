//! Ways in which a revoked or expired key could have come back to life, or a store's only copy could have been lost.

use std::fs;
use std::thread;

use sha2::{Digest, Sha256};

use crate::backup::backup;
use crate::migrations::{OLD, plant};
use crate::restore::restore;
use crate::support::stream::Stream;
use crate::support::{Sandbox, text};

/// A line of an import for a key that another system has made.
fn line(name: &str, secret: &str) -> String {
    let digest = Sha256::digest(secret.as_bytes());
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{{\"name\":\"{name}\",\"hash\":\"{hash}\"}}\n")
}

#[test]
fn an_import_does_not_take_in_again_what_was_revoked_and_deleted() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let lines = sandbox.keyward(["store", "export"]).ok().stdout;
    sandbox.file("lines", &lines);
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    sandbox.keyward(["workspace", "delete", "default", "--yes"]).ok();
    let refused = sandbox.keyward(["store", "import", "lines"]);
    let error = refused.refused(4, "conflict");
    assert!(text(&error, "message").contains("was revoked"), "{error:#}");
    let asked = sandbox.keyward(["verify"]).stdin(&secret).run();
    assert_ne!(asked.status, 0, "{}", asked.transcript());
}

#[test]
fn a_secret_that_was_revoked_under_another_id_stays_revoked() {
    let sandbox = Sandbox::with_keys(&["other"]);
    backup(&sandbox, "before").ok();
    sandbox.file("lines", &line("foreign", "legacy-token"));
    let import = || {
        sandbox.keyward(["store", "import", "lines"]).ok();
    };
    import();
    backup(&sandbox, "with").ok();
    restore(&sandbox, "before").ok();
    import();
    sandbox.keyward(["revoke", "foreign", "--yes"]).ok();
    restore(&sandbox, "with").ok();
    sandbox.verdict("legacy-token", &[], 11, "revoked");
}

#[test]
fn a_key_that_had_expired_and_was_deleted_is_not_restored_alive() {
    let (sandbox, secret) = Sandbox::with_key("short");
    backup(&sandbox, "before").ok();
    sandbox.keyward(["set", "short", "--expires", "1s"]).ok();
    sandbox.wait_for_verdict(&secret, 12);
    sandbox.keyward(["workspace", "delete", "default", "--yes"]).ok();
    restore(&sandbox, "before").ok();
    sandbox.verdict(&secret, &[], 11, "revoked");
}

/// The trail's end was another page's by then, so the old log did not change it.
#[test]
fn a_log_that_was_kept_revives_nothing_however_much_came_after_it() {
    let (sandbox, victim) = Sandbox::with_key("victim");
    sandbox.mint("other");
    let log = format!("{}-wal", sandbox.store_path().display());
    let mut stream = Stream::start(&sandbox, &[]);
    stream.ask(&victim);
    sandbox.keyward(["set", "victim", "--label", "a=b"]).ok();
    let kept = fs::read(&log).expect("a stream keeps the log");
    assert_eq!(stream.end().status, 0);
    for number in 0..30 {
        let label = format!("a={number}");
        sandbox.keyward(["set", "other", "--label", &label]).ok();
    }
    sandbox.keyward(["revoke", "victim", "--yes"]).ok();
    let database = fs::read(sandbox.store_path()).expect("the store is there");
    sandbox.file(".local/share/keyward/keyward.db-wal", "");
    fs::write(&log, &kept).expect("the log can be put back");
    for _ in 0..2 {
        let asked = sandbox.keyward(["verify"]).stdin(&victim);
        asked.refused(9, "damaged");
    }
    let after = fs::read(sandbox.store_path()).expect("the store is there");
    assert!(after == database, "the log was brought into the file");
    fs::remove_file(&log).expect("it is there");
    sandbox.verdict(&victim, &[], 11, "revoked");
}

#[test]
fn a_store_that_is_used_is_not_taken_for_a_backup() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let other = sandbox.keyward(["--store", "other.db", "mint", "theirs"]);
    let secret = other.ok().line();
    let run = sandbox.keyward(["store", "backup", "other.db"]);
    run.refused(4, "conflict");
    let asked = sandbox.keyward(["--store", "other.db", "verify"]);
    asked.stdin(secret).ok();
}

#[test]
fn the_copy_of_an_old_store_is_of_the_old_schema_however_many_open_it() {
    let sandbox = Sandbox::new();
    plant(&sandbox, OLD[1]);
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| sandbox.keyward(["list", "--all"]).ok());
        }
    });
    let kept = format!("{}.schema-2", sandbox.store_path().display());
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let version: i64 = rusqlite::Connection::open_with_flags(kept, flags)
        .and_then(|kept| kept.pragma_query_value(None, "user_version", |row| row.get(0)))
        .expect("it is a database");
    assert_eq!(version, 2);
}

#[test]
fn a_store_that_forgot_the_time_is_damaged_and_can_be_told_it() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.tamper("DELETE FROM clock");
    sandbox.keyward(["verify"]).stdin(&secret).refused(9, "damaged");
    let checked = sandbox.keyward(["store", "check", "--json"]).exit(9);
    assert_eq!(checked.json()["ok"], false);
    sandbox.keyward(["store", "check", "--reset-clock"]).ok();
    sandbox.verdict(&secret, &[], 0, "valid");
    sandbox.tamper("DELETE FROM clock");
    restore_from_elsewhere(&sandbox, &secret);
}

/// A backup of another time brings it back.
fn restore_from_elsewhere(sandbox: &Sandbox, secret: &str) {
    let whole = Sandbox::new();
    whole.mint("other");
    backup(&whole, "whole").ok();
    fs::copy(whole.home().join("whole"), sandbox.home().join("whole")).expect("it can be copied");
    restore(sandbox, "whole").ok();
    sandbox.verdict(secret, &[], 10, "not_found");
}
