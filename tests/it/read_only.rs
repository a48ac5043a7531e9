//! Stores that a user can read and not write: answers go on, changes are refused.

use std::fs::{self};

use crate::support::Sandbox;
use crate::support::files::{beside, set_mode};
use crate::support::held::Held;
use crate::support::ordinary::Ordinary;

/// Asserts what holds for a store that can be read and not written.
fn assert_read_only(user: &Ordinary, secret: &str) {
    let output = user.keyward(["--json", "verify"]).stdin(secret).ok();
    let verdict = output.json();
    assert_eq!(verdict["valid"], true, "{verdict:#}");
    assert_eq!(verdict["recorded"], false, "{verdict:#}");
    let listed = user.keyward(["list"]).answer();
    assert_eq!(listed["keys"][0]["name"], "ci", "{listed:#}");
    user.keyward(["show", "ci"]).ok();
    user.keyward(["audit", "verify"]).ok();
    user.keyward(["store", "info"]).ok();
    user.keyward(["whoami"]).ok();
    for change in [
        &["mint", "new"][..],
        &["revoke", "ci", "--yes"],
        &["rotate", "ci"],
        &["rename", "ci", "new"],
        &["disable", "ci"],
        &["workspace", "create", "new"],
    ] {
        let output = user.keyward(["--json"]).args(change).run();
        let error = output.error();
        assert!(
            matches!((output.status, &error["code"]), (7, code) if code == "io")
                || matches!((output.status, &error["code"]), (8, code) if code == "permissions"),
            "{change:?}: {error:#}"
        );
    }
}

/// Asserts that a store works again in every respect after a spell of being read-only.
pub fn assert_works_again(user: &Ordinary, secret: &str) {
    let verdict = user.keyward(["--json", "verify"]).stdin(secret).ok().json();
    assert_eq!(verdict["recorded"], true, "{verdict:#}");
    let new = user.mint("new");
    user.keyward(["verify"]).stdin(&new).ok();
    user.keyward(["revoke", "ci", "--yes"]).ok();
    user.keyward(["verify"]).stdin(secret).exit(11);
    user.keyward(["audit", "verify"]).ok();
}

#[test]
fn a_read_only_file_answers_and_refuses_changes() {
    let Some(user) = Ordinary::new() else { return };
    let secret = user.mint("ci");
    let store = user.sandbox.store_path();
    let before = fs::read(&store).expect("the store can be read");
    set_mode(&store, 0o400);
    assert_read_only(&user, &secret);
    assert_eq!(fs::read(&store).expect("it can be read"), before);
    set_mode(&store, 0o600);
    assert_works_again(&user, &secret);
}

#[test]
fn a_read_only_folder_answers_and_refuses_changes() {
    let Some(user) = Ordinary::new() else { return };
    let secret = user.mint("ci");
    let store = user.sandbox.store_path();
    let folder = store.parent().expect("the store has a folder");
    let before = fs::read(&store).expect("the store can be read");
    for (file_mode, folder_mode) in [(0o600, 0o500), (0o400, 0o500)] {
        set_mode(&store, file_mode);
        set_mode(folder, folder_mode);
        assert_read_only(&user, &secret);
        assert_eq!(fs::read(&store).expect("it can be read"), before);
    }
    set_mode(folder, 0o700);
    set_mode(&store, 0o600);
    assert_works_again(&user, &secret);
}

#[test]
fn a_spell_of_being_read_only_leaves_nothing_in_the_way_even_of_root() {
    // Whoever runs this: root could write to the file all the same, and would leave a read-only log beside it.
    let (sandbox, secret) = Sandbox::with_key("ci");
    let store = sandbox.store_path();
    set_mode(&store, 0o400);
    let verdict = sandbox.verdict(&secret, &[], 0, "valid");
    assert_eq!(verdict["recorded"], false, "{verdict:#}");
    let output = sandbox.keyward(["mint", "new"]).run();
    assert!(matches!(output.status, 7 | 8), "{}", output.transcript());
    set_mode(&store, 0o600);
    sandbox.mint("new");
    let verdict = sandbox.verdict(&secret, &[], 0, "valid");
    assert_eq!(verdict["recorded"], true, "{verdict:#}");
}

#[test]
fn a_log_that_cannot_be_read_never_hides_a_revocation() {
    let Some(user) = Ordinary::new() else { return };
    let secret = user.mint("ci");
    let store = user.sandbox.store_path();
    let folder = store.parent().expect("the store has a folder").to_owned();
    // A process that is killed with the store open leaves the log, and in it a revocation by another.
    let held = Held::start(user.sandbox.home(), user.keyward(["mint", "other"]));
    user.keyward(["revoke", "ci", "--yes"]).ok();
    held.killed();
    let log = beside(&store, "-wal");
    let length = fs::metadata(&log).expect("the log is there").len();
    assert!(length > 0, "the log is empty, so it hides nothing");
    let _ = fs::remove_file(beside(&store, "-shm"));
    for (file_mode, log_mode, folder_mode) in [
        (0o600, 0o600, 0o500),
        (0o400, 0o400, 0o500),
        (0o400, 0o000, 0o500),
        (0o600, 0o000, 0o700),
        (0o400, 0o400, 0o700),
    ] {
        set_mode(&log, log_mode);
        set_mode(&store, file_mode);
        set_mode(&folder, folder_mode);
        let output = user.keyward(["verify"]).stdin(&secret).run();
        set_mode(&folder, 0o700);
        assert!(
            matches!(output.status, 7 | 8 | 11),
            "{file_mode:o} {log_mode:o} {folder_mode:o}: {}",
            output.transcript()
        );
    }
    set_mode(&store, 0o600);
    set_mode(&log, 0o600);
    user.keyward(["verify"]).stdin(&secret).exit(11);
}
