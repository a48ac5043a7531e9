//! File systems that cannot do everything: one answer for every command, whichever file it makes.

use std::fs;
use std::path::Path;

use crate::support::disturb::can_disturb;
use crate::support::files::names_in;
use crate::support::{Invocation, Sandbox};

/// What a file system cannot do, as strace's injections: rename without replacing, lock, sync a folder.
const LACKS: [&[&str]; 8] = [
    &["inject=renameat2:error=EINVAL"],
    &["inject=renameat2:error=ENOSYS"],
    &["inject=flock:error=EOPNOTSUPP"],
    &["inject=flock:error=ENOSYS"],
    &["inject=flock:error=EINVAL"],
    &["inject=flock:error=ENOLCK"],
    &["inject=fsync:error=EINVAL", "folders"],
    &["inject=fsync:error=EOPNOTSUPP", "folders"],
];

/// Runs keyward where the file system lacks this.
fn lacking(sandbox: &Sandbox, lack: &[&str], line: &[&str]) -> Invocation {
    let mut words = vec!["strace", "-f", "-qq", "-o", "/dev/null", "-e", lack[0]];
    let store = sandbox.store_path();
    let folders = [Some(sandbox.home()), store.parent()];
    // Only what is done to the folders themselves.
    if lack.len() > 1 {
        for folder in folders.into_iter().flatten().filter_map(Path::to_str) {
            words.extend(["-P", folder]);
        }
    }
    sandbox.keyward(line).through(words)
}

#[test]
fn what_a_file_system_lacks_keeps_no_command_from_its_work() {
    if !can_disturb() {
        return;
    }
    for lack in LACKS {
        let sandbox = Sandbox::new();
        let run = |line: &[&str]| lacking(&sandbox, lack, line);
        sandbox.file(".env", "A=1\n");
        // The first makes the store.
        run(&["mint", "a", "--out", "a.key"]).ok();
        run(&["mint", "b", "--dotenv", "new.env", "--var", "KEY"]).ok();
        run(&["mint", "c", "--dotenv", ".env", "--var", "KEY"]).ok();
        run(&["ensure", "d", "--out", "d.key"]).ok();
        run(&["ensure", "d", "--out", "d.key"]).ok();
        run(&["store", "backup", "b.db"]).ok();
        run(&["store", "backup", "b.db"]).ok();
        run(&["revoke", "a", "--yes"]).ok();
        run(&["store", "restore", "b.db", "--yes"]).ok();
        assert_eq!(sandbox.listed(&[]), ["b", "c", "d"], "{lack:?}");
        sandbox.assert_whole();
        for (file, name) in [("new.env", "b"), (".env", "c"), ("d.key", "d")] {
            let text = sandbox.text(file);
            let line = text.lines().last().expect("a line");
            let secret = line.rsplit('=').next().expect("a value");
            let verdict = sandbox.verdict(secret, &["--no-record"], 0, "valid");
            assert_eq!(verdict["subject"]["name"], name, "{lack:?}");
        }
        // Where there is no store any more.
        let exported = sandbox.keyward(["store", "export"]).ok();
        sandbox.file("lines", &exported.stdout);
        let folder = sandbox.store_path();
        let folder = folder.parent().expect("it has one");
        fs::remove_dir_all(folder).expect("it is the test's own");
        run(&["store", "restore", "b.db", "--yes"]).ok();
        assert_eq!(sandbox.listed(&[]).len(), 4, "{lack:?}");
        fs::remove_dir_all(folder).expect("it is the test's own");
        run(&["store", "import", "lines"]).ok();
        assert_eq!(sandbox.listed(&[]).len(), 3, "{lack:?}");
        sandbox.assert_whole();
        let left = names_in(sandbox.home());
        assert!(left.iter().all(|name| !name.contains("draft")), "{left:?}");
    }
}

#[test]
fn without_locks_a_draft_that_was_left_is_waited_for_and_never_shared() {
    if !can_disturb() {
        return;
    }
    let sandbox = Sandbox::with_keys(&["first"]);
    sandbox.keyward(["store", "backup", "b.db"]).ok();
    let draft = sandbox.file("b.db.keyward-draft", "another's");
    crate::support::files::set_mode(&draft, 0o600);
    let busy = ["store", "backup", "b.db", "--wait", "1s"];
    let error = lacking(&sandbox, LACKS[2], &busy).refused(6, "busy");
    let hint = error["hint"].as_str().expect("there is a hint");
    assert!(hint.contains("b.db.keyward-draft"), "{hint}");
    let kept = fs::read_to_string(&draft).expect("it is still there");
    assert_eq!(kept, "another's");
    // Where there are locks, it is known that nobody has it.
    sandbox.keyward(["store", "backup", "b.db"]).ok();
}
