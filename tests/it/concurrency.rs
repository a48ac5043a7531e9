//! Many processes at once, and locks held by others.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use crate::support::disturb::at_once;
use crate::support::held::Held;
use crate::support::{Output, Sandbox, text};

/// How many ended with each of two exit statuses; any other is a failure.
#[track_caller]
fn counted(outputs: &[Output], expected: [i32; 2]) -> [usize; 2] {
    for output in outputs {
        assert!(
            expected.contains(&output.status),
            "neither of {expected:?}: {}",
            output.transcript()
        );
    }
    expected.map(|status| outputs.iter().filter(|output| output.status == status).count())
}

#[test]
fn sixty_mints_at_once_never_pass_the_cap() {
    let sandbox = Sandbox::with_workspace("shop", &["--preset", "amser"]);
    let runs = (0..60).map(|number| sandbox.keyward(["--json", "mint", &format!("key-{number}")]));
    let outputs = at_once(runs.collect());
    assert_eq!(counted(&outputs, [0, 5]), [5, 55]);
    for output in &outputs {
        match output.status {
            0 => {
                sandbox.verdict(&text(&output.json(), "key"), &[], 0, "valid");
            }
            _ => assert_eq!(output.error()["code"], "limit_reached"),
        }
    }
    assert_eq!(sandbox.listed(&["--status", "active"]).len(), 5);
    assert_eq!(sandbox.listed(&["--status", "pending"]).len(), 0);
    assert_eq!(sandbox.listed(&["--all"]).len(), 5, "a refusal left a record");
    sandbox.assert_whole();
}

#[test]
fn the_first_runs_of_many_processes_make_one_store() {
    let sandbox = Sandbox::new();
    let runs = (0..32).map(|number| sandbox.keyward(["mint", &format!("key-{number}")]));
    for output in at_once(runs.collect()) {
        assert_eq!(output.status, 0, "{}", output.transcript());
        sandbox.verdict(&output.line(), &["--no-record"], 0, "valid");
    }
    assert_eq!(sandbox.listed(&[]).len(), 32);
    assert_one_schema(&sandbox);
}

#[test]
fn the_first_runs_of_many_processes_share_one_name_out_once() {
    let sandbox = Sandbox::new();
    let runs = (0..32).map(|_| sandbox.keyward(["mint", "ci", "--json"]));
    let outputs = at_once(runs.collect());
    assert_eq!(counted(&outputs, [0, 4]), [1, 31]);
    for output in outputs.iter().filter(|output| output.status == 4) {
        assert_eq!(output.error()["code"], "name_taken");
    }
    assert_eq!(sandbox.listed(&["--all"]), ["ci"]);
    assert_one_schema(&sandbox);
}

#[test]
fn workspaces_of_one_name_are_created_once() {
    let sandbox = Sandbox::new();
    let runs = (0..32).map(|_| sandbox.keyward(["workspace", "create", "acme", "--json"]));
    let outputs = at_once(runs.collect());
    assert_eq!(counted(&outputs, [0, 4]), [1, 31]);
    assert_one_schema(&sandbox);
}

/// Asserts that there is one workspace, one store and nothing that making it left behind.
#[track_caller]
fn assert_one_schema(sandbox: &Sandbox) {
    let info = sandbox.keyward(["store", "info"]).answer();
    assert_eq!(info["workspaces"], 1, "{info:#}");
    sandbox.assert_whole();
    let folder = sandbox.store_path();
    let entries = fs::read_dir(folder.parent().expect("the store has a folder"));
    let mut names: Vec<_> = entries
        .expect("the folder can be read")
        .map(|entry| entry.expect("an entry can be read").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["keyward.db", "keyward.db.reserve"]);
}

#[test]
fn rotations_of_one_key_at_once_rotate_it_once() {
    let (sandbox, old) = Sandbox::with_key("ci");
    let id = sandbox.id_of("ci");
    let runs = (0..16).map(|_| sandbox.keyward(["--json", "rotate", &id]));
    let outputs = at_once(runs.collect());
    assert_eq!(counted(&outputs, [0, 4]), [1, 15]);
    for output in &outputs {
        match output.status {
            0 => {
                sandbox.verdict(&text(&output.json(), "key"), &[], 0, "valid");
            }
            _ => assert_eq!(output.error()["code"], "conflict"),
        }
    }
    sandbox.verdict(&old, &[], 0, "valid");
    assert_eq!(sandbox.listed(&["--all"]).len(), 2);
    sandbox.assert_whole();
}

#[test]
fn revocations_of_one_key_at_once_all_succeed_and_one_changes_it() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let runs = (0..16).map(|_| sandbox.keyward(["--json", "revoke", "ci", "--yes"]));
    let outputs = at_once(runs.collect());
    let changed =
        outputs.iter().filter(|output| output.json()["keys"][0]["changed"] == true).count();
    assert_eq!(counted(&outputs, [0, 1]), [16, 0]);
    assert_eq!(changed, 1);
    sandbox.verdict(&secret, &[], 11, "revoked");
    sandbox.assert_whole();
}

#[test]
fn after_a_revocation_no_process_says_valid() {
    const ROUNDS: usize = 200;
    let sandbox = Sandbox::new();
    let count = ROUNDS.to_string();
    let minted = sandbox.keyward(["mint", "key", "--count", &count]).ok();
    let secrets: Vec<String> = minted.stdout.lines().map(str::to_owned).collect();
    let revoked: Vec<AtomicBool> = (0..ROUNDS).map(|_| AtomicBool::new(false)).collect();
    let finished = AtomicBool::new(false);
    thread::scope(|scope| {
        // Whatever ends this, a failing assertion included, ends the others.
        let _finish = Finish(&finished);
        // Others verify meanwhile, keys that are revoked and keys that are about to be.
        let others = scope.spawn(|| {
            let mut round = 0;
            while !finished.load(Ordering::SeqCst) {
                let which = (round * 7) % ROUNDS;
                let was_revoked = revoked[which].load(Ordering::SeqCst);
                let verify = sandbox.keyward(["verify"]).stdin(&secrets[which]);
                let status = verify.run().status;
                assert!(
                    status == 11 || (status == 0 && !was_revoked),
                    "key {which} verified with {status} after it was revoked"
                );
                round += 1;
            }
            assert!(round > 20, "there was nobody beside: {round} rounds");
        });
        for (number, secret) in secrets.iter().enumerate() {
            let name = format!("key-{}", number + 1);
            sandbox.keyward(["revoke", &name, "--yes"]).ok();
            revoked[number].store(true, Ordering::SeqCst);
            let output = sandbox.keyward(["verify"]).stdin(secret).run();
            assert_eq!(output.status, 11, "round {number}: {}", output.transcript());
        }
        finished.store(true, Ordering::SeqCst);
        others.join().expect("no verify said valid too late");
    });
    sandbox.assert_whole();
}

/// Says that it is over when it is dropped.
struct Finish<'a>(&'a AtomicBool);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_busy_store_is_given_up_on_in_time_and_still_answers() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let connection = sandbox.sqlite();
    connection.execute_batch("BEGIN IMMEDIATE").expect("the store can be locked");
    for change in [
        &["mint", "new"][..],
        &["revoke", "ci", "--yes"],
        &["rotate", "ci"],
        &["rename", "ci", "new"],
        &["workspace", "create", "new"],
    ] {
        let begun = Instant::now();
        let error = sandbox.keyward(["--wait", "200ms"]).args(change).refused(6, "busy");
        let waited = begun.elapsed();
        assert!(waited >= Duration::from_millis(150), "{change:?}: {waited:?}");
        assert!(waited < Duration::from_secs(5), "{change:?}: {waited:?}");
        assert!(text(&error, "hint").contains("--wait"), "{error:#}");
    }
    for flags in [&["--wait", "200ms"][..], &[]] {
        let begun = Instant::now();
        let verdict = sandbox.verdict(&secret, flags, 0, "valid");
        assert_eq!(verdict["recorded"], false, "{verdict:#}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    assert_eq!(sandbox.listed(&["--wait", "0s"]), ["ci"]);
    connection.execute_batch("ROLLBACK").expect("the lock ends");
    connection.close().expect("the store can be closed");
    let verdict = sandbox.verdict(&secret, &[], 0, "valid");
    assert_eq!(verdict["recorded"], true, "{verdict:#}");
    assert_eq!(sandbox.listed(&["--all"]), ["ci"]);
}

#[test]
fn a_lock_that_ends_in_time_is_waited_for() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let connection = sandbox.sqlite();
    connection.execute_batch("BEGIN IMMEDIATE").expect("the store can be locked");
    thread::scope(|scope| {
        let mint = scope.spawn(|| sandbox.keyward(["mint", "new", "--wait", "20s"]).run());
        thread::sleep(Duration::from_millis(500));
        connection.execute_batch("COMMIT").expect("the lock ends");
        let output = mint.join().expect("a run does not panic");
        assert_eq!(output.status, 0, "{}", output.transcript());
    });
}

#[test]
fn changes_go_on_while_another_process_delivers() {
    let sandbox = Sandbox::new();
    let held = Held::start(sandbox.home(), sandbox.keyward(["mint", "slow"]));
    let secret = sandbox.keyward(["mint", "quick", "--wait", "1s"]).ok().line();
    sandbox.verdict(&secret, &[], 0, "valid");
    sandbox.keyward(["revoke", "quick", "--yes"]).ok();
    // Voided while its secret was on its way: a holder must not be told that it is live.
    sandbox.keyward(["revoke", "slow", "--yes"]).ok();
    let secret = held.secret.clone();
    let output = held.release();
    assert_eq!(output.status, 16, "{}", output.transcript());
    sandbox.verdict(&secret, &[], 11, "revoked");
    sandbox.assert_whole();
}

#[test]
fn writers_and_readers_at_once_lose_nothing() {
    let (sandbox, secret) = Sandbox::with_key("read");
    let mut runs = Vec::new();
    for number in 0..16 {
        let name = format!("key-{number}");
        runs.push(sandbox.keyward(["mint", &name]));
        runs.push(sandbox.keyward(["verify"]).stdin(&secret));
        runs.push(sandbox.keyward(["list", "--all"]));
    }
    for output in at_once(runs) {
        assert_eq!(output.status, 0, "{}", output.transcript());
    }
    assert_eq!(sandbox.listed(&[]).len(), 17);
    sandbox.assert_whole();
}

#[test]
fn the_last_to_close_leaves_no_log_behind() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.keyward(["rename", "ci", "renamed"]).ok();
    sandbox.verdict(&secret, &[], 0, "valid");
    sandbox.keyward(["revoke", "renamed", "--yes"]).ok();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let uri = format!("file:{}?immutable=1", sandbox.store_path().display());
    for suffix in ["-wal", "-shm", "-journal"] {
        let path = format!("{}{suffix}", sandbox.store_path().display());
        assert!(!fs::exists(&path).expect("it can be looked for"), "{path} is left");
    }
    // The file alone, without any log, says that the key is revoked.
    let connection = Connection::open_with_flags(uri, flags).expect("it is a SQLite file");
    let state: String = connection
        .query_row("SELECT state FROM key", [], |row| row.get(0))
        .expect("there is one key");
    assert_eq!(state, "revoked");
}
