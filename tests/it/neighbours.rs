//! A store beside other programs: what they leave in it, what they turn off, and file systems that cannot do what it takes.

use std::fs;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::migrations::{OLD, plant};
use crate::support::{Invocation, Sandbox, text, tool};

/// What litestream does to a file when it begins to replicate it.
const LITESTREAM: &str = "
    CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
    CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER);
    INSERT INTO _litestream_seq (id, seq) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET seq = seq + 1";

fn tables(sandbox: &Sandbox) -> i64 {
    let connection = sandbox.sqlite();
    let count = "SELECT count(*) FROM sqlite_schema WHERE name LIKE '\\_litestream%' ESCAPE '\\'";
    connection.query_row(count, [], |row| row.get(0)).expect("the schema can be read")
}

#[test]
fn a_store_that_litestream_replicates_works_like_any_other() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.tamper(LITESTREAM);
    sandbox.verdict(&secret, &[], 0, "valid");
    let second = sandbox.mint("second");
    for words in [
        &["list"][..],
        &["rotate", "ci"],
        &["store", "info"],
        &["store", "check"],
        &["audit", "verify"],
        &["store", "backup", "backup.db"],
        &["revoke", "second", "--yes"],
        &["store", "backup", "backup.db"],
        &["store", "restore", "backup.db", "--yes"],
        &["store", "check"],
    ] {
        sandbox.keyward(words).ok();
    }
    sandbox.verdict(&second, &[], 11, "revoked");
    assert_eq!(tables(&sandbox), 2);
    // A store of an older schema, and one that is damaged beside them.
    let older = Sandbox::new();
    plant(&older, OLD[3]);
    older.tamper(LITESTREAM);
    older.keyward(["store", "check"]).ok();
    assert_eq!(tables(&older), 2);
    sandbox.tamper("UPDATE audit SET actor = 'x' WHERE seq = 1");
    sandbox.keyward(["store", "restore", "backup.db", "--yes"]).ok();
    sandbox.keyward(["store", "check"]).ok();
}

/// The objects that somebody adds, with what `store check` and every other command call each.
#[test]
fn any_other_object_is_named_with_the_statement_that_removes_it() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    for (statement, named) in [
        (
            "CREATE TRIGGER back AFTER UPDATE ON key BEGIN UPDATE key SET state = 'active'; END",
            "trigger \"back\"",
        ),
        ("CREATE VIEW \"a \"\"view\" AS SELECT 1", "view \"a \"view\""),
        ("CREATE INDEX mine ON key (owner)", "index \"mine\""),
        ("CREATE TABLE _litestream_lock (id INTEGER, other)", "table \"_litestream_lock\""),
        ("CREATE TABLE notes (text UNIQUE); CREATE INDEX n ON notes (text)", "index \"n\""),
    ] {
        sandbox.sqlite().execute_batch(statement).expect("it is SQL");
        let mut removed = 0;
        loop {
            let asked = sandbox.keyward(["--json", "verify"]).stdin(&secret).run();
            if asked.status == 0 {
                break;
            }
            let error = &asked.error();
            assert_eq!((asked.status, &error["code"]), (9, &Value::from("damaged")));
            if removed == 0 {
                assert!(text(error, "message").contains(named), "{error:#}");
                sandbox.refuses(&["store", "check"], 9, "damaged");
            }
            let hint = text(error, "hint");
            let (_, removal) = hint.split_once("DROP").expect("it says what removes it");
            let connection = sandbox.sqlite();
            connection.execute_batch(&format!("DROP{removal}")).expect("the statement runs");
            removed += 1;
            assert!(removed < 4, "{hint}");
        }
    }
}

#[test]
fn a_journal_mode_that_another_program_has_set_is_put_right_or_told() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mode =
        |sandbox: &Sandbox| text(&sandbox.keyward(["store", "info"]).answer(), "journalMode");
    sandbox.tamper("PRAGMA journal_mode = DELETE");
    sandbox.verdict(&secret, &[], 0, "valid");
    assert_eq!(mode(&sandbox), "wal");
    sandbox.keyward(["store", "check"]).ok();

    // While that program reads, it cannot be put right; answers and changes are as right as ever.
    sandbox.tamper("PRAGMA journal_mode = DELETE");
    let other = sandbox.sqlite();
    let reading = "BEGIN; SELECT count(*) FROM key";
    other.query_row("SELECT 1", [], |_| Ok(())).expect("it reads");
    let _ = other.execute_batch(reading);
    let checked = sandbox.keyward(["--json", "store", "check"]).exit(9).json();
    assert_eq!(checked["problems"][0]["remedy"], "keyward store check");
    let problem = text(&checked["problems"][0], "problem");
    assert!(problem.contains("journal mode"), "{problem}");
    sandbox.verdict(&secret, &["--no-record"], 0, "valid");
    other.close().expect("it can be closed");
    sandbox.keyward(["store", "check"]).ok();
    assert_eq!(mode(&sandbox), "wal");
}

/// Runs keyward where this system call gives this error on the file with this ending.
fn where_it_fails(sandbox: &Sandbox, words: &[&str], call: [&str; 2], ending: &str) -> Invocation {
    let [call, error] = call;
    let inject = format!("inject={call}:error={error}");
    let path = format!("{}{ending}", sandbox.store_path().display());
    let strace = format!("strace -f -qq -o /dev/null -e {inject} -P {path}");
    sandbox.keyward(words).through(strace.split(' '))
}

#[test]
fn a_file_system_without_locks_or_shared_memory_is_said_to_be_that() {
    if !tool("strace") {
        return;
    }
    let (sandbox, secret) = Sandbox::with_key("ci");
    for (call, ending, said) in [
        (["fcntl", "ENOLCK"], "", "has no file locks"),
        (["fcntl", "EINVAL"], "", "has no file locks"),
        (["fcntl", "ENOLCK"], "-shm", "has no file locks"),
        (["fcntl", "ENOSYS"], "-shm", "has no file locks"),
        (["mmap", "ENODEV"], "-shm", "no shared memory"),
    ] {
        let words = ["--json", "--wait", "1s", "rename", "ci", "new"];
        let refused = where_it_fails(&sandbox, &words, call, ending).run();
        let told = &refused.error();
        let transcript = refused.transcript();
        assert_eq!(told["code"], "io", "{call:?} {ending}: {transcript}");
        let message = text(told, "message");
        assert!(message.contains(said), "{call:?} {ending}: {message}");
        assert!(!message.contains("read-only"), "{call:?} {ending}: {message}");
        // Without a log beside it, what the file says is right all the same.
        let words = ["--wait", "1s", "verify"];
        let asked = where_it_fails(&sandbox, &words, call, ending).stdin(&secret);
        asked.ok();
    }
    assert_eq!(sandbox.listed(&[]), ["ci"]);
}

#[test]
fn a_database_of_no_keyward_is_foreign_to_every_command() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.keyward(["store", "backup", "backup.db"]).ok();
    let notes = sandbox.file("notes.txt", "call the plumber\nwater the plants\n");
    let other = sandbox.home().join("other.db");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let database = Connection::open_with_flags(&other, flags).expect("a database can be made");
    database.execute_batch("CREATE TABLE notes (text)").expect("it is SQL");
    database.close().expect("it can be closed");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&other, mode).expect("a mode can be set");
    for file in [&notes, &other] {
        let before = fs::read(file).expect("it is there");
        let store = file.to_str().expect("a path of ours");
        for words in [
            &["list"][..],
            &["mint", "new"],
            &["verify"],
            &["check", "--never-used"],
            &["store", "info"],
            &["store", "check"],
            &["store", "backup", "copy.db"],
            &["store", "export"],
            &["store", "restore", "backup.db", "--yes"],
            &["audit", "verify"],
            &["prune", "--dead-for", "0s", "--yes"],
        ] {
            let run = sandbox.keyward(["--store", store]).args(words);
            run.stdin("x").refused(9, "foreign");
        }
        let restore = sandbox.keyward(["store", "restore", store, "--yes"]);
        restore.refused(9, "foreign");
        assert_eq!(fs::read(file).expect("it is there"), before);
    }
    assert!(!sandbox.home().join("copy.db").exists());
}
