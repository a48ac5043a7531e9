//! Modes, owners and links of the store, of the files beside it, of the folders above it, and of what keyward writes.
//!
//! Root passes every permission check of the kernel's, so where refusals are the point keyward runs as an ordinary user.

use std::fs::{self};
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::geteuid;

use crate::read_only::assert_works_again;
use crate::support::files::{beside, mode, set_mode};
use crate::support::held::Held;
use crate::support::ordinary::{NOBODY, Ordinary};
use crate::support::{Sandbox, skipped, text};

/// A run of every kind of command on the store at its usual place.
const COMMANDS: &[&[&str]] = &[
    &["list"],
    &["show", "ci"],
    &["verify", "--env", "SECRET"],
    &["mint", "new"],
    &["revoke", "ci", "--yes"],
    &["audit", "verify"],
    &["store", "info"],
    &["workspace", "create", "new"],
    &["whoami"],
];

/// Asserts that every command refuses the store with exit status 8, and returns the hint, which they all give.
fn refused_by_all(sandbox: &Sandbox, secret: &str) -> String {
    let mut hints = Vec::new();
    for command in COMMANDS {
        let run = sandbox.keyward(*command).env("SECRET", secret);
        let error = run.refused(8, "permissions");
        hints.push(error["hint"].as_str().unwrap_or_default().to_owned());
    }
    hints.dedup();
    assert_eq!(hints.len(), 1, "{hints:?}");
    hints.remove(0)
}

#[test]
fn under_any_umask_a_first_run_makes_private_files_and_folders() {
    for umask in ["000", "022", "077"] {
        let sandbox = Sandbox::new();
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        let run = sandbox.keyward(["mint", "ci"]);
        run.through(["sh", "-c", &script]).ok();
        for (path, expected) in [
            (".local", 0o700),
            (".local/share", 0o700),
            (".local/share/keyward", 0o700),
            (".local/share/keyward/keyward.db", 0o600),
            (".local/share/keyward/keyward.db.reserve", 0o600),
        ] {
            let path = sandbox.home().join(path);
            assert_eq!(mode(&path), expected, "{} {umask}", path.display());
        }
        let entries = fs::read_dir(sandbox.home().join(".local/share/keyward"));
        assert_eq!(entries.expect("the folder can be read").count(), 2);
    }
}

#[test]
fn the_files_beside_an_open_store_are_private_too() {
    for umask in ["000", "077"] {
        let sandbox = Sandbox::new();
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        let run = sandbox.keyward(["mint", "ci"]);
        let held = Held::start(sandbox.home(), run.through(["sh", "-c", &script]));
        for suffix in ["", "-wal", "-shm"] {
            let path = beside(&sandbox.store_path(), suffix);
            assert_eq!(mode(&path), 0o600, "{} under {umask}", path.display());
        }
        assert_eq!(held.release().status, 0);
    }
}

#[test]
fn a_store_that_others_can_reach_is_refused_with_the_command_that_mends_it() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let store = sandbox.store_path();
    let before = fs::read(&store).expect("the store can be read");
    for unsafe_mode in [0o644, 0o640, 0o660, 0o604, 0o602, 0o610, 0o777] {
        set_mode(&store, unsafe_mode);
        let hint = refused_by_all(&sandbox, &secret);
        assert!(hint.starts_with("chmod 600 "), "{hint}");
        assert_eq!(mode(&store), unsafe_mode, "keyward mended it by itself");
        sandbox.program("sh", ["-c", &hint]).ok();
        assert_eq!(mode(&store), 0o600, "{hint}");
    }
    assert_eq!(fs::read(&store).expect("it can be read"), before);
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn the_command_that_mends_a_mode_can_be_pasted_whatever_the_path() {
    let sandbox = Sandbox::new();
    for name in ["with space.db", "it's.db", "$HOME.db", "a;b&c.db", "-n.db", "ключ.db"] {
        let path = sandbox.home().join(name);
        let store = path.to_str().expect("the name is UTF-8");
        sandbox.keyward(["mint", "ci", "--store", store]).ok();
        set_mode(&path, 0o644);
        let error = sandbox.keyward(["list", "--store", store]).refused(8, "permissions");
        sandbox.program("sh", ["-c", &text(&error, "hint")]).ok();
        assert_eq!(mode(&path), 0o600, "{error:#}");
        sandbox.keyward(["list", "--store", store]).ok();
    }
}

#[test]
fn a_linked_store_is_refused_and_what_it_leads_to_is_not_touched() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let store = sandbox.store_path();
    let victim = sandbox.home().join("victim.db");

    fs::rename(&store, &victim).expect("the store can be moved");
    let before = fs::read(&victim).expect("it can be read");
    symlink(&victim, &store).expect("a link can be made");
    refused_by_all(&sandbox, &secret);
    assert_eq!(fs::read(&victim).expect("it can be read"), before);

    fs::remove_file(&store).expect("the link can be removed");
    fs::hard_link(&victim, &store).expect("a hard link can be made");
    refused_by_all(&sandbox, &secret);
    assert_eq!(fs::read(&victim).expect("it can be read"), before);

    fs::remove_file(&victim).expect("the other name can be removed");
    sandbox.verdict(&secret, &[], 0, "valid");

    fs::remove_file(&store).expect("the store can be removed");
    symlink("nowhere", &store).expect("a link can be made");
    refused_by_all(&sandbox, &secret);
    let nowhere = store.parent().expect("it has a folder").join("nowhere");
    assert!(!nowhere.exists(), "a store was made behind a dangling link");
}

#[test]
fn a_linked_file_beside_the_store_is_refused_and_what_it_leads_to_is_not_touched() {
    for suffix in ["-wal", "-shm", "-journal"] {
        let (sandbox, secret) = Sandbox::with_key("ci");
        let victim = sandbox.file("victim", "precious");
        let link = beside(&sandbox.store_path(), suffix);
        symlink(&victim, &link).expect("a link can be made");
        refused_by_all(&sandbox, &secret);
        fs::remove_file(&link).expect("the link can be removed");
        fs::hard_link(&victim, &link).expect("a hard link can be made");
        refused_by_all(&sandbox, &secret);
        let content = fs::read_to_string(&victim).expect("it is there");
        assert_eq!(content, "precious", "{suffix}");
        fs::remove_file(&link).expect("the link can be removed");
        sandbox.verdict(&secret, &[], 0, "valid");
    }
}

#[test]
fn a_log_that_others_can_reach_is_refused() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let held = Held::start(sandbox.home(), sandbox.keyward(["mint", "other"]));
    for suffix in ["-wal", "-shm"] {
        let path = beside(&sandbox.store_path(), suffix);
        set_mode(&path, 0o644);
        let hint = refused_by_all(&sandbox, &secret);
        assert!(hint.ends_with(suffix), "{hint}");
        sandbox.program("sh", ["-c", &hint]).ok();
        assert_eq!(mode(&path), 0o600, "{hint}");
    }
    assert_eq!(held.release().status, 0);
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn a_folder_in_which_others_could_swap_the_store_is_refused_with_the_command_that_mends_it() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    for folder in [".local/share/keyward", ".local/share", ".local", ""] {
        let folder = sandbox.home().join(folder);
        for unsafe_mode in [0o770, 0o707, 0o777] {
            // A private group of the owner's would be safe; only root can give a folder to another one.
            if unsafe_mode == 0o770 && chown(&folder, None, Some(NOBODY)).is_err() {
                skipped("only root can give a folder to a group");
                continue;
            }
            set_mode(&folder, unsafe_mode);
            let hint = refused_by_all(&sandbox, &secret);
            sandbox.program("sh", ["-c", &hint]).ok();
            assert_eq!(mode(&folder) & 0o022, 0, "{hint}");
            sandbox.verdict(&secret, &[], 0, "valid");
        }
        // In a sticky folder others may add files, but not replace this one.
        set_mode(&folder, 0o1777);
        sandbox.verdict(&secret, &[], 0, "valid");
        set_mode(&folder, 0o700);
    }
}

#[test]
fn a_first_run_in_an_unsafe_folder_makes_no_store() {
    let sandbox = Sandbox::new();
    let folder = sandbox.home().join("shared");
    fs::create_dir(&folder).expect("a folder can be made");
    set_mode(&folder, 0o777);
    for command in [&["mint", "ci"][..], &["workspace", "create", "acme"]] {
        sandbox
            .keyward(command)
            .env("KEYWARD_STORE", folder.join("keyward.db"))
            .refused(8, "permissions");
        sandbox
            .keyward(command)
            .env("KEYWARD_STORE", folder.join("new/keyward.db"))
            .refused(8, "permissions");
        assert!(!folder.join("keyward.db").exists(), "a store was made");
        assert!(!folder.join("new/keyward.db").exists(), "a store was made");
    }
}

#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let sandbox = Sandbox::new();
    let fifo = sandbox.home().join("fifo");
    let made = Command::new("mkfifo").args(["-m", "600"]).arg(&fifo).status();
    assert!(made.expect("mkfifo can be started").success());
    for path in [fifo.to_str().expect("UTF-8"), "/dev/null", "/dev/zero"] {
        let begun = Instant::now();
        for command in [&["list"][..], &["mint", "ci"], &["store", "info"]] {
            sandbox.keyward(["--store", path]).args(command).refused(8, "permissions");
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{path} was waited for");
    }
}

#[test]
fn another_users_store_is_refused_even_by_root() {
    if !geteuid().is_root() {
        skipped("only root can give a file away");
        return;
    }
    let (sandbox, secret) = Sandbox::with_key("ci");
    let store = sandbox.store_path();
    let give = |path: &Path, user| chown(path, Some(user), None).expect("root may give files away");
    give(&store, NOBODY);
    refused_by_all(&sandbox, &secret);
    let entries = fs::read_dir(store.parent().expect("it has a folder"));
    assert_eq!(
        entries.expect("it can be read").count(),
        2,
        "a file of root's is beside it and its reserve"
    );
    give(&store, 0);
    sandbox.verdict(&secret, &["--no-record"], 0, "valid");
    for folder in [".local/share/keyward", ".local", ""] {
        give(&sandbox.home().join(folder), NOBODY);
        refused_by_all(&sandbox, &secret);
        give(&sandbox.home().join(folder), 0);
    }
    sandbox.verdict(&secret, &[], 0, "valid");
    let log = beside(&store, "-wal");
    give(&log, NOBODY);
    refused_by_all(&sandbox, &secret);
}

#[test]
fn an_ordinary_user_is_refused_a_store_of_roots() {
    if !geteuid().is_root() {
        skipped("only root can give a file away");
        return;
    }
    let Some(user) = Ordinary::new() else { return };
    user.mint("ci");
    let store = user.sandbox.store_path();
    chown(&store, Some(0), Some(0)).expect("root may take files");
    user.keyward(["list"]).refused(8, "permissions");
    user.keyward(["mint", "new"]).refused(8, "permissions");
}

#[test]
fn an_unreadable_store_is_refused() {
    let Some(user) = Ordinary::new() else { return };
    let secret = user.mint("ci");
    let store = user.sandbox.store_path();
    let folder = store.parent().expect("the store has a folder");
    let refused = |what: &str| {
        for command in COMMANDS {
            let run = user.keyward(["--json"]).args(*command);
            let output = run.env("SECRET", &secret).run();
            let error = output.error();
            assert!(matches!(output.status, 7 | 8), "{what}: {error:#}");
        }
    };
    for unreadable in [0o000, 0o200] {
        set_mode(&store, unreadable);
        refused("the file");
    }
    set_mode(&store, 0o600);
    for unreadable in [0o000, 0o600] {
        set_mode(folder, unreadable);
        refused("the folder");
    }
    set_mode(folder, 0o700);
    assert_works_again(&user, &secret);
}

#[test]
fn a_folder_that_cannot_be_written_gets_no_store() {
    let Some(user) = Ordinary::new() else { return };
    let home = user.sandbox.home();
    set_mode(home, 0o500);
    let output = user.keyward(["mint", "ci"]).run();
    set_mode(home, 0o700);
    assert!(matches!(output.status, 7 | 8), "{}", output.transcript());
    assert_eq!(output.stdout, "");
    user.mint("ci");
}

#[test]
fn an_ordinary_users_out_file_is_private_and_its_own() {
    let Some(user) = Ordinary::new() else { return };
    user.keyward(["mint", "ci", "--out", "ci.key"]).ok();
    let file = user.sandbox.home().join("ci.key");
    let metadata = fs::metadata(&file).expect("the file was made");
    assert_eq!(mode(&file), 0o600);
    let owner = fs::metadata(user.sandbox.home()).expect("HOME exists").uid();
    assert_eq!(metadata.uid(), owner);
}

#[test]
fn a_sink_in_a_folder_that_cannot_be_written_is_refused_beforehand() {
    let Some(user) = Ordinary::new() else { return };
    let folder = user.sandbox.home().join("closed");
    fs::create_dir(&folder).expect("a folder can be made");
    if geteuid().is_root() {
        chown(&folder, Some(NOBODY), Some(NOBODY)).expect("root may give files away");
    }
    set_mode(&folder, 0o500);
    for sink in [&["--out", "closed/ci.key"][..], &["--dotenv", "closed/.env", "--var", "KEY"]] {
        let run = user.keyward(["mint", "ci"]).args(sink);
        run.refused(16, "delivery_failed");
        assert!(!user.sandbox.store_path().exists(), "something was minted");
    }
    set_mode(&folder, 0o700);
}
