//! `keyward store backup` of a damaged store, killed, and where nothing more can be written.

use std::fs;
use std::io::Write;
use std::path::Path;

use rustix::process::geteuid;

use crate::backup::{assert_backup, backup, head, on, store};
use crate::support::disturb::{can_disturb, disturbed};
use crate::support::files::{Stamp, database, names_in};
use crate::support::{Sandbox, is_thorough, skipped, tool};

/// Overwrites the first page of a table with what is none.
pub fn spoil(store: &Path, table: &str) {
    let connection = database(store);
    let (page, size): (u32, u32) = connection
        .query_row(
            "SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = ?1",
            [table],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .expect("there is such a table");
    connection.close().expect("it can be closed");
    let mut bytes = fs::read(store).expect("own file");
    let from = ((page - 1) * size) as usize;
    let size = size as usize;
    bytes[from..from + size].fill(0xa5);
    fs::write(store, bytes).expect("own file");
}

#[test]
fn of_a_damaged_store_no_backup_is_made_and_an_earlier_one_stays() {
    for table in ["key", "audit", "usage"] {
        let (sandbox, secret) = store();
        sandbox.verdict(&secret, &[], 0, "valid");
        sandbox.settled_bytes();
        backup(&sandbox, "b.db").ok();
        let kept = Stamp::of(sandbox.home().join("b.db"));
        spoil(&sandbox.store_path(), table);
        for file in ["b.db", "new.db"] {
            backup(&sandbox, file).refused(9, "damaged");
        }
        assert_eq!(kept, Stamp::of(sandbox.home().join("b.db")), "{table}");
        assert_eq!(names_in(sandbox.home()), [".local", "b.db"], "{table}");
    }
}

#[test]
fn a_backup_that_is_killed_leaves_the_earlier_one_and_is_made_by_the_next() {
    if !can_disturb() {
        return;
    }
    let is_thorough = is_thorough();
    let (sandbox, _) = store();
    let old = backup(&sandbox, "b.db").answer();
    let old_bytes = fs::read(sandbox.home().join("b.db")).expect("it is there");
    sandbox.mint("later");
    let mut points = 0;
    for call in [
        "openat",
        "pwrite64",
        "fsync",
        "renameat",
        "?unlink",
        "unlinkat",
        "ftruncate",
        "fchmod",
        "flock",
    ] {
        for place in 1.. {
            // Pages are written one by one; a few of them stand for the others.
            if !is_thorough && place > 3 {
                break;
            }
            fs::write(sandbox.home().join("b.db"), &old_bytes).expect("own file");
            let injection = format!("{call}:signal=KILL:when={place}");
            let output = disturbed(&sandbox, &["store", "backup", "b.db"], &injection);
            let end = on(&sandbox, "b.db", &["audit", "head"]).answer();
            let checked = on(&sandbox, "b.db", &["store", "check"]).answer();
            assert_eq!(checked["ok"], true, "{injection}");
            if output.status == 0 {
                break;
            }
            assert_eq!(output.status, 137, "{injection}: {}", output.transcript());
            points += 1;
            let again = backup(&sandbox, "b.db").answer();
            assert!(head(&end) == head(&old) || head(&end) == head(&again), "{injection}");
            assert_eq!(assert_backup(&sandbox, "b.db", &again).len(), 3, "{injection}");
            let left = names_in(sandbox.home());
            assert_eq!(left, [".local", "b.db", "trace"], "{injection}");
        }
    }
    writeln!(std::io::stderr(), "keyward store backup: killed at {points} points")
        .expect("stderr can be written");
    assert!(points >= 12, "it was killed at {points} points only");
    sandbox.assert_whole();
}

#[test]
fn a_backup_that_fails_to_write_leaves_the_earlier_one() {
    if !can_disturb() {
        return;
    }
    let (sandbox, _) = store();
    backup(&sandbox, "b.db").ok();
    let kept = Stamp::of(sandbox.home().join("b.db"));
    sandbox.mint("later");
    for injection in [
        "pwrite64:error=ENOSPC:when=1+",
        "pwrite64:error=EIO:when=9",
        "pwrite64:error=ENOSPC:when=4+",
        "fsync:error=EIO:when=1",
        "renameat:error=EIO:when=1",
    ] {
        let output = disturbed(&sandbox, &["--json", "store", "backup", "b.db"], injection);
        assert_eq!(output.status, 7, "{injection}: {}", output.transcript());
        assert_eq!(output.error()["code"], "io", "{injection}");
        assert_eq!(kept, Stamp::of(sandbox.home().join("b.db")), "{injection}");
        let left = names_in(sandbox.home());
        assert_eq!(left, [".local", "b.db", "trace"], "{injection}");
    }
    sandbox.assert_whole();
}

#[test]
fn a_full_disk_keeps_the_earlier_backup() {
    // Only root may mount, and only where namespaces are allowed.
    let may_mount = geteuid().is_root() && tool("unshare") && {
        let sandbox = Sandbox::new();
        let script = "mkdir full && mount -t tmpfs -o size=4k none full";
        let mounted = sandbox.program("unshare", ["-m", "sh", "-c", script]);
        mounted.run().status == 0
    };
    if !may_mount {
        skipped("no small disk can be mounted here");
        return;
    }
    let (sandbox, _) = store();
    let size = backup(&sandbox, "b.db").answer()["sizeBytes"].as_u64().expect("a number");
    // Room for one backup and half of another.
    let script = format!(
        "mkdir full && mount -t tmpfs -o size={} none full && chmod 700 full && \"$0\" store backup full/b.db >/dev/null && \
         cp full/b.db first.db && \"$0\" mint later >/dev/null.file && \"$0\" --json store backup full/b.db; echo \"exit $?\"; \
         cmp full/b.db first.db && ls -A full",
        size * 3 / 2
    )
    .replace("/dev/null.file", "later.key");
    let words = ["-m", "sh", "-c", &script, crate::support::KEYWARD];
    let output = sandbox.program("unshare", words).ok();
    assert_eq!(output.stdout, "exit 7\nb.db\n", "{}", output.transcript());
    assert!(output.stderr.contains("\"code\":\"io\""), "{}", output.transcript());
}
