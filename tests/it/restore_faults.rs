//! `keyward store restore` of backups that are none or hostile, of older ones, and killed on the way.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;

use crate::backup_faults::spoil;
use crate::forgery::older;
use crate::restore::{Scene, restore};
use crate::support::disturb::{can_disturb, disturbed};
use crate::support::files::{Stamp, database, names_in, set_mode};
use crate::support::{Sandbox, is_thorough, text, token};

/// Changes a backup as somebody would who has it for a while.
fn with_backup(scene: &Scene, sql: &str) {
    let connection = database(scene.sandbox.home().join("b.db"));
    connection
        .execute_batch(&format!(
            "PRAGMA foreign_keys = OFF; PRAGMA journal_mode = DELETE; {sql}; PRAGMA journal_mode = WAL"
        ))
        .expect("valid SQL");
    connection.close().expect("it can be closed");
}

/// Asserts that this backup is refused, and that neither it nor the store is any different.
#[track_caller]
fn assert_refused(scene: &Scene, file: &str, exits: &[i32], what: &str) {
    let before = scene.sandbox.settled_bytes();
    let path = scene.sandbox.home().join(file);
    let is_file = fs::metadata(&path).is_ok_and(|found| found.is_file());
    let backup = is_file.then(|| Stamp::of(&path));
    let names = names_in(scene.sandbox.home());
    let output = restore(&scene.sandbox, file).args(["--json"]).run();
    assert!(exits.contains(&output.status), "{what}: {}", output.transcript());
    assert_eq!(output.stdout, "", "{what}");
    // It is the backup that has a fault, whichever room says so.
    let said = &output.stderr;
    assert!(!said.contains("store is damaged") && !said.contains("--store"), "{what}: {said}");
    assert!(scene.sandbox.settled_bytes() == before, "{what}: the store was written");
    assert_eq!(backup, is_file.then(|| Stamp::of(&path)), "{what}: the backup was written");
    assert_eq!(names, names_in(scene.sandbox.home()), "{what}");
    assert_eq!(scene.sandbox.names_beside_store(), ["keyward.db"], "{what}");
}

#[test]
fn a_backup_that_was_changed_is_refused() {
    let template = Scene::new();
    for sql in [
        "UPDATE key SET state = 'active', revoked_at = NULL WHERE name = 'stays'; UPDATE key SET name = 'x'",
        "UPDATE key SET scopes = '[\"admin\"]' WHERE name = 'stays'",
        "UPDATE workspace SET policy = policy || ' '",
        "DELETE FROM key WHERE name = 'stays'",
        "UPDATE audit SET actor = 'operator:x' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 4",
        "INSERT INTO usage VALUES (1, 1, 1, 1, 'x'); DELETE FROM workspace",
        "CREATE TRIGGER planted AFTER INSERT ON audit BEGIN DELETE FROM key; END",
        "CREATE TRIGGER planted AFTER UPDATE ON clock BEGIN UPDATE key SET state = 'active'; END",
        "CREATE VIEW planted AS SELECT 1",
        "CREATE TABLE planted (a)",
        "DROP INDEX key_name",
        "DROP TABLE claim",
        "PRAGMA application_id = 1",
        "PRAGMA user_version = 9999",
        "PRAGMA user_version = 2",
    ] {
        let scene = template.copy();
        with_backup(&scene, sql);
        assert_refused(&scene, "b.db", &[9], sql);
        // Nor where there is nothing to lose.
        fs::remove_file(scene.sandbox.store_path()).expect("own file");
        restore(&scene.sandbox, "b.db").exit(9);
        assert_eq!(scene.sandbox.names_beside_store(), [""; 0], "{sql}");
    }
}

#[test]
fn a_changed_backup_is_not_believed_because_it_says_it_is_an_older_keywards() {
    let scene = Scene::new();
    with_backup(
        &scene,
        &format!("UPDATE key SET scopes = '[\"admin\"]' WHERE name = 'stays'; {}", older()),
    );
    assert_refused(&scene, "b.db", &[9], "scopes");
}

#[test]
fn a_backup_whose_pages_are_damaged_is_refused() {
    let template = Scene::new();
    for table in ["key", "audit", "usage", "key_name", "sqlite_schema"] {
        let scene = template.copy();
        let path = scene.sandbox.home().join("b.db");
        match table {
            "sqlite_schema" => {
                let mut bytes = fs::read(&path).expect("own file");
                bytes[100..4096].fill(0xa5);
                fs::write(&path, bytes).expect("own file");
            }
            _ => spoil(&path, table),
        }
        assert_refused(&scene, "b.db", &[9], table);
    }
    let scene = template;
    let whole = fs::read(scene.sandbox.home().join("b.db")).expect("own file");
    for length in [0, 1, 50, 100, 4096, 8192, whole.len() - 4096, whole.len() - 1] {
        fs::write(scene.sandbox.home().join("b.db"), &whole[..length]).expect("own file");
        assert_refused(&scene, "b.db", &[9], &format!("{length} bytes"));
    }
}

#[test]
fn what_is_no_backup_is_refused() {
    let scene = Scene::new();
    let home = scene.sandbox.home();
    scene.sandbox.file("text", "a text that is no database, and long enough to be one with a header of 100 bytes, in all of its length");
    symlink("b.db", home.join("soft.db")).expect("a link can be made");
    fs::copy(home.join("b.db"), home.join("open.db")).expect("own file");
    set_mode(home.join("open.db"), 0o644);
    fs::copy(home.join("b.db"), home.join("hard.db")).expect("own file");
    fs::hard_link(home.join("hard.db"), home.join("harder.db")).expect("a link can be made");
    fs::create_dir(home.join("folder")).expect("a folder can be made");
    for (file, exit) in [
        ("text", 9),
        ("soft.db", 8),
        ("open.db", 8),
        ("hard.db", 8),
        ("folder", 2),
        ("missing.db", 2),
        (".local/share/keyward/keyward.db", 2),
    ] {
        assert_refused(&scene, file, &[exit], file);
    }
    let secret = &scene.stays;
    let run = scene.sandbox.keyward(["--as", "-", "store", "restore", "b.db", "--yes"]);
    run.stdin(secret).refused(5, "scope_rejected");
    scene.sandbox.verdict(&scene.revoked, &["--no-record"], 11, "revoked");
}

#[test]
fn what_is_not_a_store_is_not_restored_over_and_nothing_is_made_beside_it() {
    let scene = Scene::new();
    let sandbox = &scene.sandbox;
    sandbox.file("text", "not a store");
    fs::create_dir(sandbox.home().join("folder")).expect("a folder can be made");
    let names = names_in(sandbox.home());
    for (file, exit) in [("text", 9), ("folder", 2)] {
        let run = restore(sandbox, "b.db").args(["--store", file]);
        run.exit(exit);
        assert_eq!(names, names_in(sandbox.home()), "{file}");
    }
}

#[test]
fn a_store_in_use_is_no_backup() {
    let scene = Scene::new();
    fs::copy(scene.sandbox.home().join("b.db"), scene.sandbox.home().join("used.db"))
        .expect("own file");
    set_mode(scene.sandbox.home().join("used.db"), 0o600);
    let used = database(scene.sandbox.home().join("used.db"));
    used.execute_batch("BEGIN IMMEDIATE; UPDATE clock SET seen = seen + 1; COMMIT")
        .expect("it can be written");
    assert_refused(&scene, "used.db", &[4], "used.db");
    drop(used);
}

#[test]
fn a_backup_of_an_older_keyward_is_brought_up_to_date_and_itself_left_alone() {
    for sql in [
        include_str!("fixtures/schema-1.sql"),
        include_str!("fixtures/schema-2.sql"),
        include_str!("fixtures/schema-3.sql"),
    ] {
        for is_there in [true, false] {
            let (sandbox, present) = Sandbox::with_key("present");
            if !is_there {
                fs::remove_file(sandbox.store_path()).expect("own file");
            }
            let path = sandbox.home().join("old.db");
            let connection = database(&path);
            connection.execute_batch(sql).expect("the fixture is SQL");
            connection.close().expect("it can be closed");
            set_mode(&path, 0o600);
            let before = Stamp::of(&path);
            restore(&sandbox, "old.db").ok();
            assert_eq!(before, Stamp::of(&path));
            assert_eq!(sandbox.listed(&["--all"]), ["ci", "gone", "paused", "unused"]);
            sandbox.verdict(&token::well_formed(), &["--no-record"], 0, "valid");
            sandbox.verdict(&present, &["--no-record"], 10, "not_found");
            // Without a store the latest time seen is the backup's, which is long ago.
            sandbox.keyward(["store", "check", "--reset-clock"]).ok();
            sandbox.keyward(["audit", "verify"]).ok();
            assert_eq!(sandbox.names_beside_store(), ["keyward.db"]);
        }
    }
}

#[test]
fn a_store_that_was_put_aside_counts_also_after_another_was_made_in_its_place() {
    let scene = Scene::new();
    scene.break_trail();
    // Where a restoration that is killed at its last step leaves it; then a pipeline mints.
    let store = scene.sandbox.store_path();
    fs::rename(&store, store.with_extension("db.damaged-1")).expect("own file");
    scene.sandbox.mint("meanwhile");
    restore(&scene.sandbox, "b.db").ok();
    scene.assert_restored();
}

/// How the store is when the restoration begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Present {
    Whole,
    Broken,
}

#[test]
fn a_restoration_that_is_killed_revives_nothing_and_is_carried_out_by_the_next() {
    if !can_disturb() {
        return;
    }
    let is_thorough = is_thorough();
    let calls: &[&str] = match is_thorough {
        true => &[
            "openat",
            "write",
            "pwrite64",
            "fsync",
            "fdatasync",
            "?rename",
            "renameat",
            "renameat2",
            "?unlink",
            "unlinkat",
            "ftruncate",
            "fchmod",
        ],
        false => &["fsync", "fdatasync", "renameat", "renameat2", "?unlink", "unlinkat"],
    };
    let template = Scene::new();
    let mut points = 0;
    for present in [Present::Whole, Present::Broken] {
        for call in calls {
            for place in 1.. {
                if !is_thorough && place > 3 {
                    break;
                }
                let point = format!("{present:?}: {call}:signal=KILL:when={place}");
                let scene = template.copy();
                if present == Present::Broken {
                    scene.break_trail();
                }
                let words = ["store", "restore", "b.db", "--yes"];
                let injection = format!("{call}:signal=KILL:when={place}");
                let output = disturbed(&scene.sandbox, &words, &injection);
                // It is dead in whatever is there, or there is nothing.
                let verify = scene.sandbox.keyward(["verify", "--no-record"]);
                let judged = verify.stdin(&scene.revoked).run();
                assert!([10, 11].contains(&judged.status), "{point}: {}", judged.transcript());
                if output.status == 0 {
                    scene.assert_restored();
                    break;
                }
                assert_eq!(output.status, 137, "{point}: {}", output.transcript());
                points += 1;
                let again = restore(&scene.sandbox, "b.db").run();
                assert_eq!(again.status, 0, "{point}: {}", again.transcript());
                scene.assert_restored();
                let left = scene.sandbox.names_beside_store();
                let is_known =
                    |name: &String| name == "keyward.db" || name.starts_with("keyward.db.damaged-");
                assert!(left.iter().all(is_known), "{point}: {left:?}");
            }
        }
    }
    writeln!(std::io::stderr(), "keyward store restore: killed at {points} points")
        .expect("stderr can be written");
    assert!(points >= 12, "it was killed at {points} points only");
}

#[test]
fn a_restoration_that_fails_leaves_the_store_as_it_was() {
    if !can_disturb() {
        return;
    }
    let template = Scene::new();
    for injection in [
        "pwrite64:error=ENOSPC:when=1+",
        "pwrite64:error=EIO:when=3",
        "fsync:error=EIO:when=1+",
        "fdatasync:error=EIO:when=1+",
    ] {
        let scene = template.copy();
        let after = scene.sandbox.mint("after");
        let words = ["--json", "store", "restore", "b.db", "--yes"];
        let output = disturbed(&scene.sandbox, &words, injection);
        let verify = scene.sandbox.keyward(["verify", "--no-record"]);
        let judged = verify.stdin(&after).run();
        match output.status {
            0 => assert_eq!(judged.status, 10, "{injection}"),
            _ => {
                let code = text(&output.error(), "code");
                assert!(["io", "damaged"].contains(&code.as_str()), "{injection}: {code}");
                assert_eq!(judged.status, 0, "{injection}: {}", judged.transcript());
            }
        }
        scene.sandbox.verdict(&scene.revoked, &["--no-record"], 11, "revoked");
        restore(&scene.sandbox, "b.db").ok();
        scene.assert_restored();
    }
}
