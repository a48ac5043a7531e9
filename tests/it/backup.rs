//! `keyward store backup`: of one moment, whole or not there, and never in the place of something else.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::support::disturb::at_once;
use crate::support::files::{Stamp, database, mode, names_in, set_mode};
use crate::support::stream::Stream;
use crate::support::terminal::Terminal;
use crate::support::{Invocation, Sandbox, fields, is_thorough, names, text};

/// A store with keys in several states, and the secret of the first, `a`.
pub fn store() -> (Sandbox, String) {
    let (sandbox, secret) = Sandbox::with_key("a");
    sandbox.mint("b");
    sandbox.mint_with("held", &["--hold"]);
    sandbox.keyward(["revoke", "b", "--yes"]).ok();
    (sandbox, secret)
}

pub fn backup(sandbox: &Sandbox, file: &str) -> Invocation {
    sandbox.keyward(["store", "backup", file])
}

/// A run on a backup as if it were the store.
pub fn on(sandbox: &Sandbox, file: &str, words: &[&str]) -> Invocation {
    sandbox.keyward(["--store", file]).args(words)
}

/// The end of a trail as a backup's answer and `audit head` tell it.
pub fn head(answer: &Value) -> [&Value; 2] {
    [&answer["seq"], &answer["hash"]]
}

/// Asserts that a file is a whole store with this trail's end, and returns the names of its live keys.
#[track_caller]
pub fn assert_backup(sandbox: &Sandbox, file: &str, answer: &Value) -> Vec<String> {
    let checked = on(sandbox, file, &["store", "check"]).answer();
    assert_eq!(checked["problems"], json!([]));
    let end = on(sandbox, file, &["audit", "head"]).answer();
    assert_eq!(head(&end), head(answer));
    let size = fs::metadata(sandbox.home().join(file)).expect("it is there");
    assert_eq!(answer["sizeBytes"], size.len());
    let mut found = names(&on(sandbox, file, &["list"]).answer()["keys"]);
    found.sort();
    found
}

#[test]
fn a_backup_is_the_whole_store_and_says_where_its_trail_ends() {
    let (sandbox, secret) = store();
    sandbox.verdict(&secret, &[], 0, "valid");
    let answer = backup(&sandbox, "b.db").answer();
    assert_eq!(fields(&answer), ["hash", "path", "seq", "sizeBytes"]);
    assert_eq!(answer["path"], "b.db");
    assert_eq!(head(&answer), head(&sandbox.keyward(["audit", "head"]).answer()));
    let output = on(&sandbox, "b.db", &["verify", "--no-record"]);
    output.stdin(&secret).ok();
    for words in [&["list", "--all"][..], &["audit", "list"], &["usage"], &["workspace", "list"]] {
        let kept = on(&sandbox, "b.db", words).answer();
        assert_eq!(kept, sandbox.keyward(words).answer(), "{words:?}");
    }
    assert_eq!(assert_backup(&sandbox, "b.db", &answer), ["a", "held"]);
    let said = backup(&sandbox, "b.db").ok();
    let line = format!(
        "backed up the store to b.db ({} KiB); audit head {}:{}\n",
        answer["sizeBytes"].as_u64().expect("a size") / 1024,
        answer["seq"],
        text(&answer, "hash")
    );
    assert_eq!((said.stdout, said.stderr), (String::new(), line));
}

#[test]
fn a_backup_is_private_whatever_the_umask_and_nothing_is_left_beside_it() {
    let (sandbox, secret) = store();
    for umask in ["000", "777"] {
        let script = format!("umask {umask}; exec \"$0\" store backup out/{umask}.db");
        fs::create_dir_all(sandbox.home().join("out")).expect("a folder can be made");
        set_mode(sandbox.home().join("out"), 0o700);
        let words = ["-c", &script, crate::support::KEYWARD];
        sandbox.program("sh", words).ok();
        assert_eq!(mode(sandbox.home().join(format!("out/{umask}.db"))), 0o600);
    }
    assert_eq!(names_in(sandbox.home().join("out")), ["000.db", "777.db"]);
    let bytes = fs::read(sandbox.home().join("out/000.db")).expect("it is there");
    let holds = |part: &str| bytes.windows(part.len()).any(|window| window == part.as_bytes());
    assert!(holds("key_") && holds(&secret[..20]), "it is no copy");
    let hidden = &secret[20..];
    assert!(!holds(hidden) && !holds(&hidden[..16]), "it holds a secret");
}

#[test]
fn a_backup_is_of_one_moment_while_others_write_and_verify() {
    let (sandbox, secret) = store();
    let rounds = if is_thorough() { 100 } else { 8 };
    let finished = AtomicBool::new(false);
    let mut stream = Stream::start(&sandbox, &[]);
    thread::scope(|scope| {
        let writers: Vec<_> = ["x", "y"]
            .into_iter()
            .map(|name| {
                let (sandbox, finished) = (&sandbox, &finished);
                scope.spawn(move || {
                    let mut count = 0;
                    while !finished.load(Ordering::SeqCst) {
                        let key = format!("{name}-{count}");
                        sandbox.mint(&key);
                        sandbox.keyward(["rotate", &key, "--now"]).ok();
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        let mut last = 0;
        for _ in 0..rounds {
            stream.expect(&secret, "valid");
            let answer = backup(&sandbox, "b.db").answer();
            let seq = answer["seq"].as_u64().expect("a number");
            assert!(seq >= last, "a later backup is of an earlier moment");
            last = seq;
            // A record without its event, or an event without its record, would be of two moments.
            let found = assert_backup(&sandbox, "b.db", &answer);
            assert!(found.len() >= 2);
            let kept = format!("{seq}:{}", text(&answer, "hash"));
            let compare = ["audit", "verify", "--against", &kept];
            sandbox.keyward(compare).ok();
        }
        finished.store(true, Ordering::SeqCst);
        let written: usize =
            writers.into_iter().map(|writer| writer.join().expect("a writer does not panic")).sum();
        writeln!(
            std::io::stderr(),
            "keyward store backup: {rounds} backups beside {written} mints and rotations and a stream"
        )
        .expect("stderr can be written");
        assert!(written > 0, "there was nobody beside");
    });
    assert_eq!(stream.end().status, 0);
    sandbox.assert_whole();
}

#[test]
fn an_earlier_backup_is_replaced_also_by_many_at_once() {
    let (sandbox, _) = store();
    let first = backup(&sandbox, "b.db").answer();
    sandbox.mint("later");
    let runs = (0..6).map(|_| backup(&sandbox, "b.db").args(["--json"]));
    for output in at_once(runs.collect()) {
        assert_eq!(output.status, 0, "{}", output.transcript());
        assert_ne!(head(&output.json()), head(&first));
    }
    let second = backup(&sandbox, "b.db").answer();
    assert_eq!(assert_backup(&sandbox, "b.db", &second), ["a", "held", "later"]);
    assert_eq!(names_in(sandbox.home()), [".local", "b.db"]);
}

#[test]
fn any_other_file_is_left_alone() {
    let (sandbox, _) = store();
    let home = sandbox.home();
    backup(&sandbox, "kept.db").ok();
    backup(&sandbox, "linked.db").ok();
    backup(&sandbox, "open.db").ok();
    fs::hard_link(home.join("linked.db"), home.join("hard.db")).expect("a link can be made");
    set_mode(home.join("open.db"), 0o644);
    symlink("kept.db", home.join("soft.db")).expect("a link can be made");
    symlink("nowhere.db", home.join("dangling.db")).expect("a link can be made");
    sandbox.file("text", "SQLite format 3\n");
    sandbox.file("empty", "");
    fs::create_dir(home.join("folder")).expect("a folder can be made");
    let other = database(home.join("other.db"));
    other.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)").expect("valid SQL");
    other.close().expect("it can be closed");
    set_mode(home.join("other.db"), 0o600);
    let before = names_in(home);
    for (file, exit, code) in [
        ("text", 4, "conflict"),
        ("empty", 4, "conflict"),
        ("other.db", 4, "conflict"),
        ("hard.db", 8, "permissions"),
        ("soft.db", 8, "permissions"),
        ("dangling.db", 8, "permissions"),
        ("open.db", 8, "permissions"),
    ] {
        let victim = (file != "dangling.db").then(|| Stamp::of(home.join(file)));
        let behind = Stamp::of(home.join("kept.db"));
        backup(&sandbox, file).refused(exit, code);
        assert_eq!(victim, (file != "dangling.db").then(|| Stamp::of(home.join(file))), "{file}");
        assert_eq!(behind, Stamp::of(home.join("kept.db")), "{file}");
    }
    for nowhere in ["folder", "no/such/folder/b.db", "/", ""] {
        let output = backup(&sandbox, nowhere).run();
        assert!([2, 7, 8].contains(&output.status), "{}", output.transcript());
    }
    assert_eq!(names_in(home), before);
}

#[test]
fn the_store_and_what_lies_beside_it_are_no_targets() {
    let (sandbox, _) = store();
    let store = sandbox.store_path();
    let folder = store.parent().expect("the store has a folder");
    symlink(folder, sandbox.home().join("short")).expect("a link can be made");
    let before = sandbox.settled_bytes();
    let path = store.to_str().expect("UTF-8");
    for own in [path, "short/keyward.db", ".local/../short/keyward.db"] {
        backup(&sandbox, own).refused(2, "usage");
    }
    for beside in ["-wal", "-shm", "-journal", ".reserve", ".lock", ".new", ".keyward-draft"] {
        let output = backup(&sandbox, &format!("{path}{beside}")).run();
        assert!([2, 4].contains(&output.status), "{beside}: {}", output.transcript());
    }
    assert!(sandbox.settled_bytes() == before, "the store was written");
    assert_eq!(sandbox.names_beside_store(), ["keyward.db"]);
}

#[test]
fn a_store_in_use_under_another_name_is_no_earlier_backup() {
    let (sandbox, _) = store();
    sandbox.keyward(["--store", "used.db", "mint", "x"]).ok();
    let used = database(sandbox.home().join("used.db"));
    used.execute_batch("BEGIN IMMEDIATE; UPDATE clock SET seen = seen + 1; COMMIT")
        .expect("it can be written");
    let victim = Stamp::of(sandbox.home().join("used.db"));
    backup(&sandbox, "used.db").refused(4, "conflict");
    assert_eq!(victim, Stamp::of(sandbox.home().join("used.db")));
    drop(used);
}

#[test]
fn a_backup_is_not_made_without_a_store_nor_by_a_key() {
    let sandbox = Sandbox::new();
    backup(&sandbox, "b.db").refused(3, "store_not_found");
    let secret = sandbox.mint("ci");
    let run = sandbox.keyward(["--as", "-", "store", "backup", "b.db"]);
    run.stdin(secret).refused(5, "scope_rejected");
    assert_eq!(names_in(sandbox.home()), [".local"]);
}

#[test]
fn a_damaged_store_is_not_backed_up_and_the_earlier_backup_stays() {
    let (sandbox, _) = Sandbox::with_key("ci");
    sandbox.keyward(["store", "backup", "b.db"]).ok();
    let kept = std::fs::read(sandbox.home().join("b.db")).expect("the backup can be read");
    sandbox.tamper("UPDATE key SET owner = 'somebody'");
    let error = sandbox.keyward(["store", "backup", "b.db"]).refused(9, "damaged");
    let said = text(&error, "message");
    assert!(said.contains("no backup was made") && said.contains("key_"), "{said}");
    assert!(text(&error, "hint").contains("`keyward store check`"), "{error:#}");
    let now = std::fs::read(sandbox.home().join("b.db")).expect("the backup can be read");
    assert!(now == kept, "the earlier backup was replaced");
    assert!(names_in(sandbox.home()).iter().all(|name| !name.contains("draft")));
    // What the check names fixes it, and then there is a backup.
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    sandbox.keyward(["store", "backup", "b.db"]).ok();
}

#[test]
fn a_bar_says_how_far_it_is_on_a_terminal_alone() {
    let (sandbox, _) = store();
    let mut terminal = Terminal::keyward(&sandbox, &["store", "backup", "b.db"], &[]);
    let (status, seen) = terminal.end();
    assert_eq!(status, 0);
    assert!(seen.contains("copied ") && seen.contains(" pages"), "{seen}");
    assert!(seen.contains("to b.db ("), "{seen}");
    for quiet in [&["--quiet"][..], &["--json"]] {
        let words = [quiet, &["store", "backup", "b.db"]].concat();
        let (status, seen) = Terminal::keyward(&sandbox, &words, &[]).end();
        assert_eq!(status, 0);
        assert!(!seen.contains("pages") && !seen.contains('#'), "{seen}");
    }
    assert_eq!(backup(&sandbox, "b.db").ok().stderr.lines().count(), 1);
}
