//! One test per defect that was once found, by the shortest way to it.
//!
//! What a defect broke in general is tested in the module of its subject; here stands what was seen.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use rustix::fs::{XattrFlags, getxattr, setxattr};
use rustix::process::geteuid;

use crate::support::disturb::{can_disturb, disturbed};
use crate::support::held::Held;
use crate::support::terminal::Terminal;
use crate::support::{KEYWARD, Sandbox, skipped, text, tool};

/// The escaper let the white space before a `::` through, line feeds included.
#[test]
fn a_name_that_begins_with_a_line_feed_and_colons_stays_on_its_line() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.rewrite("UPDATE key SET name = '\n::error::x'");
    assert_eq!(sandbox.rows("SELECT name FROM key"), [["\n::error::x"]]);
    let tsv = sandbox.keyward(["list", "-o", "tsv"]).ok().stdout;
    assert_eq!(tsv.lines().count(), 1, "{tsv}");
    let table = sandbox.keyward(["list"]).ok().stdout;
    assert_eq!(table.lines().count(), 2, "{table}");
}

/// The list of candidates had their environments as they are.
#[test]
fn an_ambiguity_shows_no_environment_as_it_is() {
    let sandbox = Sandbox::new();
    sandbox.mint_with("ci", &["-e", "live"]);
    sandbox.mint_with("ci", &["-e", "test"]);
    let plant = "UPDATE key SET environment = '\u{1b}[31mtest' WHERE environment = 'test'";
    sandbox.rewrite(plant);
    let output = sandbox.keyward(["show", "ci"]).exit(4);
    assert!(!output.stderr.contains('\u{1b}'), "{:?}", output.stderr);
}

/// A workspace's preset and plan had to be UTF-8 for anything to be listed.
#[test]
fn a_plan_that_is_no_utf_8_does_not_make_the_store_unreadable() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox
        .rewrite("UPDATE workspace SET plan = CAST(x'61ff' AS TEXT), preset = CAST(x'ff' AS TEXT)");
    sandbox.keyward(["list"]).ok();
    sandbox.keyward(["workspace", "list"]).ok();
    sandbox.verdict(&secret, &[], 0, "valid");
}

/// The quoted path in the hint had its backslashes doubled.
#[test]
fn the_chmod_for_a_path_with_an_apostrophe_can_be_pasted() {
    let sandbox = Sandbox::new();
    sandbox.keyward(["mint", "ci", "--store", "it's.db"]).ok();
    let path = sandbox.home().join("it's.db");
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(&path, open).expect("it is ours");
    let error = sandbox.keyward(["list", "--store", "it's.db"]).refused(8, "permissions");
    sandbox.program("sh", ["-c", &text(&error, "hint")]).ok();
    sandbox.keyward(["list", "--store", "it's.db"]).ok();
}

/// Errors and help were coloured by the terminal alone.
#[test]
fn color_never_holds_for_errors_and_help() {
    let sandbox = Sandbox::new();
    for arguments in [&["--color", "never", "show", "x"][..], &["--color=never", "-h"]] {
        let (_, seen) = Terminal::keyward(&sandbox, arguments, &[]).end();
        assert!(!seen.contains('\u{1b}'), "{arguments:?}: {seen:?}");
    }
}

/// Values that keyward itself parses, and words of `man` and `schema`, were repeated whatever they looked like.
#[test]
fn a_token_without_a_prefix_is_not_repeated_by_a_message() {
    let sandbox = Sandbox::new();
    let policy = ["--token", "{secret:40}", "--alphabet", "hex", "--environments", "live"];
    sandbox.workspace("hex", &policy);
    let secret = sandbox.mint("ci");
    for arguments in [
        &["mint", "new", "--expires", &secret][..],
        &["rotate", "ci", "--grace", &secret],
        &["list", "--wait", &secret],
        &["verify", "--ip", &secret],
        &["man", &secret],
        &["schema", &secret],
    ] {
        let output = sandbox.keyward(arguments).exit(2);
        assert!(!output.stderr.contains(&secret), "{}", output.stderr);
    }
    let attached = format!("-w{secret}");
    let output = sandbox.keyward(["list", &attached]).exit(2);
    assert!(!output.stderr.contains(&secret), "{}", output.stderr);
}

/// The next place in the trail was counted past the largest number there is.
#[test]
fn a_trail_whose_last_place_is_the_largest_number_is_damage_and_no_panic() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.tamper("UPDATE audit SET seq = 9223372036854775807 WHERE seq = 1");
    sandbox.refuses(&["mint", "new"], 9, "damaged");
}

/// A column that a flipped bit had renamed was told as a fault of keyward's own.
#[test]
fn a_store_whose_schema_is_not_keywards_is_damaged() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.tamper("ALTER TABLE key RENAME COLUMN created_by TO created_cy");
    sandbox.refuses(&["list"], 9, "damaged");
}

/// A trigger in the file undid revocations while they were made.
#[test]
fn a_planted_trigger_cannot_undo_a_revocation() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let connection = sandbox.sqlite();
    let trigger = "CREATE TRIGGER planted AFTER UPDATE ON key
        BEGIN UPDATE key SET state = 'active', revoked_at = NULL; END";
    connection.execute_batch(trigger).expect("it can be planted");
    connection.close().expect("the store can be closed");
    let revoked = sandbox.keyward(["revoke", "ci", "--yes"]).run();
    if revoked.status == 0 {
        sandbox.verdict(&secret, &[], 11, "revoked");
    } else {
        assert_eq!(revoked.status, 9, "{}", revoked.transcript());
    }
}

/// A file that another process removes at the moment it is looked at has no name left, which was taken for a second one.
#[test]
fn a_log_that_goes_away_while_it_is_looked_at_is_no_hard_link() {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) || !can_disturb() {
        return;
    }
    if !geteuid().is_root() {
        skipped("only root may change the memory of a process that is closed to its user");
        return;
    }
    // `struct stat` of x86-64 up to its count of names, which is 0.
    let poked = "newfstatat:poke_exit=@arg3=000000000000000000000000000000000000000000000000";
    if disturbed(&Sandbox::new(), &["--version"], &format!("{poked}:when=1000")).status != 0 {
        skipped("this strace cannot change what a system call answers");
        return;
    }
    let sandbox = Sandbox::new();
    let held = Held::start(sandbox.home(), sandbox.keyward(["mint", "ci"]));
    for suffix in ["-wal", "-shm"] {
        // It is looked at below the folder's descriptor.
        let name = format!("keyward.db{suffix}");
        let run = sandbox.keyward(["list", "--all"]).through([
            "strace",
            "-o",
            "trace",
            "-P",
            &name,
            "-e",
            &format!("inject={poked}"),
        ]);
        let output = run.run();
        let trace = fs::read_to_string(sandbox.home().join("trace")).expect("there is a trace");
        assert!(trace.contains("INJECTED"), "nobody looked at {suffix}:\n{trace}");
        assert_eq!(output.status, 0, "{suffix}: {}", output.transcript());
    }
    assert_eq!(held.release().status, 0);
}

/// To rotate was enough to give a key any scope, by way of `ensure`.
#[test]
fn a_caller_that_may_rotate_but_not_set_gives_no_key_a_scope() {
    let sandbox = Sandbox::with_policy(
        "default",
        "[scopes.turner]\nmanage = [\"list\", \"rotate\"]\n[scopes.all]\nmanage = [\"mint\", \"set\"]\n",
    );
    sandbox.file("caller", &sandbox.mint_with("turner", &["--scope", "turner"]));
    sandbox.mint("victim");
    let run = |flags: &[&str]| {
        let ensure = ["ensure", "victim", "--rotate-if-missing", "--out", "stolen"];
        let run = sandbox.keyward(ensure).args(["--as", "caller"]);
        run.args(flags)
    };
    run(&["--scope", "all"]).refused(5, "scope_rejected");
    assert!(!sandbox.home().join("stolen").exists());
    // What it may do it may do here too.
    assert_eq!(run(&[]).answer()["action"], "rotated");
    assert_eq!(sandbox.show("victim")["scopes"], serde_json::json!([]));
}

/// A command that outlived a killed keyward overwrote what the next run had delivered.
#[test]
fn a_delivery_that_outlives_keyward_does_not_overtake_the_next() {
    let sandbox = Sandbox::new();
    // It lets go of the test's pipes, so that the test does not wait for it.
    let slow =
        "exec >/dev/null 2>&1; s=$(cat); sleep 2; printf '%s\\n' \"$s\" >vault; echo slow >>order";
    let killed = sandbox.keyward(["ensure", "ci", "--", "sh", "-c", slow]);
    let timeout = ["timeout", "--foreground", "-s", "KILL", "0.7"];
    killed.through(timeout).exit(137);
    let busy = sandbox.keyward(["ensure", "ci", "--wait", "100ms", "--", "cat"]);
    busy.refused(6, "busy");
    let quick = "cat >vault; echo quick >>order";
    let created = sandbox.keyward(["ensure", "ci", "--", "sh", "-c", quick]);
    assert_eq!(created.answer()["action"], "created");
    assert_eq!(sandbox.text("order"), "slow\nquick\n");
    sandbox.verdict(&sandbox.line("vault"), &[], 0, "valid");
}

/// A service lost its key file to root when root's rotation found it readable by all.
#[test]
fn a_replaced_file_keeps_its_owner_and_its_access_list() {
    let sandbox = Sandbox::new();
    let ensure = |flags: &[&str]| {
        let run = sandbox.keyward(["ensure", "ci", "--out", "F"]);
        run.args(flags).answer()
    };
    let rotated = |why: &str| {
        sandbox.keyward(["set", "ci", "--expires", "1d", "--quiet"]).ok();
        let answer = ensure(&["--rotate-before", "2d", "--expires", "90d"]);
        assert_eq!(answer["action"], "rotated", "{why}");
    };
    ensure(&[]);
    let file = sandbox.home().join("F");
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode));
    if geteuid().is_root() {
        for given in [0o644, 0o640] {
            std::os::unix::fs::chown(&file, Some(1234), Some(1234)).expect("root may");
            mode(given).expect("root may");
            rotated("for another user");
            let found = fs::metadata(&file).expect("it is there");
            assert_eq!((found.uid(), found.gid()), (1234, 1234), "{given:o}");
            assert_eq!(found.mode() & 0o007, 0, "{given:o}");
        }
        std::os::unix::fs::chown(&file, Some(0), Some(0)).expect("root may");
    } else {
        skipped("only root gives files away");
    }
    // user::rw-, user:1234:r--, group::---, mask::r--, other::--- (acl(5), in the kernel's form).
    let entry = |tag: u16, permissions: u16, id: u32| {
        let (tag, permissions) = (tag.to_le_bytes(), permissions.to_le_bytes());
        [&tag[..], &permissions, &id.to_le_bytes()].concat()
    };
    let list = [
        2u32.to_le_bytes().to_vec(),
        entry(1, 6, u32::MAX),
        entry(2, 4, 1234),
        entry(4, 0, u32::MAX),
        entry(16, 4, u32::MAX),
        entry(32, 0, u32::MAX),
    ]
    .concat();
    let name = "system.posix_acl_access";
    mode(0o600).expect("it is the test's own");
    if setxattr(&file, name, &list, XattrFlags::empty()).is_err() {
        return skipped("this file system has no access lists");
    }
    rotated("with an access list");
    let mut kept = vec![0; 1024];
    let length = getxattr(&file, name, &mut kept).expect("it has one");
    assert_eq!(kept[..length], list);
}

/// A run that took up another's forgot what it was asked for itself.
#[test]
fn a_run_that_takes_up_another_brings_the_key_to_what_it_asks_for() {
    if !tool("strace") {
        return;
    }
    let sandbox = Sandbox::with_keys(&["other"]);
    let ensure = ["ensure", "ci", "--out", "F"];
    let kill = ["-e", "trace=renameat2,fdatasync,fsync", "-e"];
    for number in 1.. {
        assert!(number < 20, "no point leaves the file and a pending key");
        let inject = format!("inject=fsync,fdatasync:signal=KILL:when={number}");
        let run = sandbox.keyward(ensure).args(["--owner", "one"]);
        let strace = ["strace", "-f", "-qq", "-o", "/dev/null"];
        let wrapper = strace.iter().chain(&kill).copied();
        let _ = run.through(wrapper.chain([inject.as_str()])).run();
        if sandbox.home().join("F").exists() {
            break;
        }
    }
    assert_eq!(sandbox.show("ci")["status"], "pending");
    let run = sandbox.keyward(ensure).args(["--owner", "two"]);
    let taken_up = run.args(["--label", "a=b"]).answer();
    assert_eq!(taken_up["action"], "created");
    assert_eq!(taken_up["owner"], "two");
    assert_eq!(taken_up["labels"], serde_json::json!({ "a": "b" }));
}

/// The name of the draft was too long where the name of the file was not.
#[test]
fn a_file_may_have_the_longest_name_there_is() {
    let sandbox = Sandbox::new();
    let name = "n".repeat(255);
    let secret = sandbox.keyward(["mint", "ci", "--out", &name]).ok();
    assert_eq!(secret.stdout, "");
    sandbox.verdict(&sandbox.line(&name), &[], 0, "valid");
}

/// A command that had activated its key and then failed was told that the key was void.
#[test]
fn a_key_that_a_failing_command_has_activated_is_not_called_void() {
    let sandbox = Sandbox::new();
    let script = format!("cat >got; {KEYWARD} activate <got; exit 1");
    let run = sandbox.keyward(["mint", "ci", "--", "sh", "-c", &script]);
    let output = run.exit(16);
    assert!(output.stderr.contains("the key is live"), "{}", output.stderr);
    sandbox.verdict(&sandbox.line("got"), &[], 0, "valid");
}
