//! Access control lists that a folder gives to what is made in it: they let nobody read what keyward makes.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use rustix::fs::getxattr;
use rustix::process::geteuid;

use crate::support::files::{mode, set_mode};
use crate::support::{Sandbox, skipped, tool};

/// Somebody else.
const OTHER: u32 = 1500;

/// A sandbox in whose folder `shared` everything that is made is for that user too.
fn shared() -> Option<Sandbox> {
    if !geteuid().is_root() || !tool("setpriv") || !tool("setfacl") {
        skipped("only root can become another user, and setfacl makes access lists");
        return None;
    }
    let sandbox = Sandbox::new();
    set_mode(sandbox.home(), 0o711);
    fs::create_dir(sandbox.home().join("shared")).expect("a folder can be made");
    set_mode(sandbox.home().join("shared"), 0o755);
    let entries = format!("u:{OTHER}:rwx,m::rwx");
    let line = ["-d", "-m", &entries, "shared"];
    if sandbox.program("setfacl", line).run().status != 0 {
        skipped("this file system has no access lists");
        return None;
    }
    Some(sandbox)
}

/// Whether that user can read a file.
fn can_read(sandbox: &Sandbox, file: &str) -> bool {
    let become_other = ["setpriv", "--reuid=1500", "--regid=1500", "--clear-groups"];
    let cat = sandbox.program("cat", [file]).through(become_other);
    cat.run().status == 0
}

fn has_list(path: &Path) -> bool {
    getxattr(path, "system.posix_acl_access", &mut [0_u8; 1024]).is_ok()
}

#[track_caller]
fn assert_private(sandbox: &Sandbox, file: &str) {
    let path = sandbox.home().join(file);
    assert!(!can_read(sandbox, file), "{file}");
    assert!(!has_list(&path), "{file} has an access list");
    assert_eq!(mode(&path), 0o600, "{file}");
}

#[test]
fn the_folder_gives_its_list_to_what_others_make() {
    let Some(sandbox) = shared() else { return };
    let path = sandbox.file("shared/others", "x");
    set_mode(&path, 0o644);
    assert!(has_list(&path) && can_read(&sandbox, "shared/others"));
}

#[test]
fn a_delivered_secret_is_for_its_owner_alone() {
    let Some(sandbox) = shared() else { return };
    sandbox.mint("first");
    for (name, sink) in
        [("a", &["--out", "shared/a.key"][..]), ("b", &["--dotenv", "shared/.env", "--var", "KEY"])]
    {
        sandbox.keyward(["mint", name]).args(sink).ok();
    }
    sandbox.keyward(["ensure", "c", "--out", "shared/c.key"]).ok();
    for file in ["shared/a.key", "shared/.env", "shared/c.key"] {
        assert_private(&sandbox, file);
    }
    // Replaced, with a draft that the folder gave a list too; the mode of the old file would raise that list's mask.
    for old in [0o600, 0o640, 0o644] {
        set_mode(sandbox.home().join("shared/c.key"), old);
        sandbox.keyward(["set", "c", "--expires", "1d"]).ok();
        let rotate = ["ensure", "c", "--out", "shared/c.key", "--rotate-before", "2d"];
        let answer = sandbox.keyward(rotate).args(["--expires", "90d"]).answer();
        assert_eq!(answer["action"], "rotated");
        let path = sandbox.home().join("shared/c.key");
        assert!(!has_list(&path), "{old:o}");
        assert!(!can_read(&sandbox, "shared/c.key"), "{old:o}");
    }
}

#[test]
fn a_changed_dotenv_file_can_be_read_by_whoever_could_before_and_by_nobody_else() {
    let Some(sandbox) = shared() else { return };
    sandbox.mint("first");
    for (name, old) in [("shared/closed", 0o600), ("shared/open", 0o640)] {
        // It has a list of its own, whose mask is in the mode.
        let path = sandbox.file(name, "A=1\n");
        set_mode(&path, old);
        let before = (has_list(&path), can_read(&sandbox, name));
        assert_eq!(before, (true, old == 0o640), "{name}");
        let key = name.replace('/', "-");
        let line = ["mint", &key, "--dotenv", name, "--var", "KEY"];
        let output = sandbox.keyward(line).ok();
        assert_eq!((has_list(&path), can_read(&sandbox, name)), before, "{name}");
        assert_eq!(mode(&path), old, "{name}");
        let is_warned_of = output.stderr.contains("can be read by other users");
        assert_eq!(is_warned_of, old == 0o640, "{}", output.transcript());
    }
    // One without a list keeps being without, whatever its mode.
    let path = sandbox.file("shared/plain", "A=1\n");
    sandbox.program("setfacl", ["-b", "shared/plain"]).ok();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("it is root's");
    chown(&path, None, Some(0)).expect("root may");
    let line = ["mint", "plain", "--dotenv", "shared/plain", "--var", "KEY"];
    sandbox.keyward(line).ok();
    assert!(!has_list(&path) && !can_read(&sandbox, "shared/plain"));
    assert_eq!(mode(&path), 0o640);
}

#[test]
fn a_store_its_backup_and_all_that_is_beside_it_are_private() {
    let Some(sandbox) = shared() else { return };
    let on = |line: &[&str]| {
        let run = sandbox.keyward(line);
        run.env("KEYWARD_STORE", "shared/k.db")
    };
    let secret = on(&["mint", "ci"]).ok().line();
    on(&["ensure", "other", "--out", "other.key"]).ok();
    on(&["store", "backup", "shared/b.db"]).ok();
    on(&["store", "restore", "shared/b.db", "--yes"]).ok();
    on(&["verify"]).stdin(&secret).ok();
    let beside = fs::read_dir(sandbox.home().join("shared")).expect("it can be read");
    let mut names = 0;
    for entry in beside {
        let name = entry.expect("an entry").file_name();
        let name = name.to_string_lossy();
        // What SQLite makes takes the store's mode, which makes the list void.
        assert!(!can_read(&sandbox, &format!("shared/{name}")), "{name}");
        if !name.ends_with("-wal") && !name.ends_with("-shm") {
            assert_private(&sandbox, &format!("shared/{name}"));
        }
        names += 1;
    }
    assert!(names >= 4, "the store, its reserve, its lock and its backup");
}
