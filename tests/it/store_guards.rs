//! Stores that are damaged, cut short, another program's or a newer keyward's.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::migrations::NEWEST;
use crate::support::{Sandbox, text};

/// Writes a file of these bytes and mode 0600.
fn write(path: &Path, bytes: &[u8]) {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// One command of every kind; `SECRET` comes from a variable, so that none needs stdin.
pub const COMMANDS: &[&[&str]] = &[
    &["list"],
    &["list", "--all", "--json"],
    &["show", "ci"],
    &["verify", "--env", "SECRET"],
    &["verify", "--env", "SECRET", "--no-record"],
    &["whoami"],
    &["mint", "new"],
    &["activate", "--env", "SECRET"],
    &["revoke", "ci", "--yes"],
    &["rotate", "ci"],
    &["rename", "ci", "new"],
    &["workspace", "create", "new"],
    &["workspace", "list"],
    &["audit", "list"],
    &["audit", "verify"],
    &["store", "info"],
];

/// The files in the store's folder, with their bytes.
fn folder(sandbox: &Sandbox) -> Vec<(PathBuf, Vec<u8>)> {
    let store = sandbox.store_path();
    let folder = store.parent().expect("the store has a folder");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("an entry can be read").path())
        .map(|path| {
            let bytes = fs::read(&path).expect("a file can be read");
            (path, bytes)
        })
        .collect();
    files.sort();
    files
}

/// Asserts that every command refuses the store with one of these codes and exit status 9, and touches nothing.
#[track_caller]
fn assert_refused(sandbox: &Sandbox, secret: &str, codes: &[&str], what: &str) {
    let before = folder(sandbox);
    for command in COMMANDS {
        let output = sandbox.keyward(["--json"]).args(*command).env("SECRET", secret).run();
        assert_eq!(output.status, 9, "{what}, {command:?}: {}", output.transcript());
        assert!(!output.stderr.contains("panicked"), "{}", output.stderr);
        let error = output.error();
        let code = text(&error, "code");
        assert!(codes.contains(&code.as_str()), "{what}, {command:?}: {error:#}");
        let after = folder(sandbox);
        let names = |files: &[(PathBuf, Vec<u8>)]| {
            let paths = files.iter().map(|(path, _)| path.clone());
            paths.collect::<Vec<_>>()
        };
        assert_eq!(names(&after), names(&before), "{what}, {command:?}");
        assert!(after == before, "{what}: {command:?} changed the file's bytes");
    }
}

/// A store with a key in it, its secret, and its bytes.
pub fn store() -> (Sandbox, String, Vec<u8>) {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let bytes = fs::read(sandbox.store_path()).expect("the store can be read");
    (sandbox, secret, bytes)
}

#[test]
fn a_newer_store_is_refused_and_left_alone() {
    let (sandbox, secret, _) = store();
    for version in [NEWEST + 1, NEWEST + 2, 999, 2_147_483_647] {
        sandbox.tamper(&format!("PRAGMA user_version = {version}"));
        assert_refused(&sandbox, &secret, &["newer_store"], &version.to_string());
    }
    sandbox.tamper(&format!("PRAGMA user_version = {NEWEST}"));
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn a_store_whose_newness_is_still_in_the_log_is_refused() {
    let (sandbox, secret, before) = store();
    let connection = sandbox.sqlite();
    connection
        .execute_batch("PRAGMA user_version = 999; CREATE TABLE newer (x)")
        .expect("a newer keyward may do so");
    assert_eq!(
        fs::read(sandbox.store_path()).expect("it can be read"),
        before,
        "the change is not in the log alone"
    );
    for command in COMMANDS {
        let run = sandbox.keyward(*command).env("SECRET", &secret);
        run.refused(9, "newer_store");
    }
    connection.close().expect("the store can be closed");
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let databases: [(&str, &str); 5] = [
        ("a table", "CREATE TABLE notes (text); INSERT INTO notes VALUES ('precious')"),
        ("in wal mode", "PRAGMA journal_mode = WAL; CREATE TABLE notes (text)"),
        ("with an id", "PRAGMA application_id = 252006674; CREATE TABLE notes (text)"),
        ("with our tables", "CREATE TABLE key (id); CREATE TABLE workspace (name)"),
        ("with a newer version", "PRAGMA user_version = 999; CREATE TABLE notes (text)"),
    ];
    for (what, sql) in databases {
        let (sandbox, secret) = Sandbox::with_key("ci");
        fs::remove_file(sandbox.store_path()).expect("the store can be removed");
        write(&sandbox.store_path(), b"");
        let connection = sandbox.sqlite();
        connection.execute_batch(sql).expect("it is SQL");
        connection.close().expect("it can be closed");
        assert_refused(&sandbox, &secret, &["foreign"], what);
    }
}

#[test]
fn a_store_that_lost_its_mark_is_refused_and_left_alone() {
    let (sandbox, secret, _) = store();
    sandbox.tamper("PRAGMA application_id = 0");
    assert_refused(&sandbox, &secret, &["foreign"], "no application id");
    sandbox.tamper("PRAGMA application_id = 1262836055");
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn garbage_is_refused_and_left_alone() {
    let (sandbox, secret, bytes) = store();
    let mut random: Vec<u8> =
        (0..20_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let (foreign, damaged): (&[&str], &[&str]) = (&["foreign"], &["damaged"]);
    let garbage: [(&str, &[&str], Vec<u8>); 7] = [
        ("text", foreign, b"just a text file\n".to_vec()),
        ("zeros", damaged, vec![0; 8192]),
        ("noise", foreign, random.clone()),
        ("a header and noise", foreign, {
            random[..16].copy_from_slice(b"SQLite format 3\0");
            random
        }),
        ("our header and zeros", damaged, {
            let mut zeroed = vec![0; bytes.len()];
            zeroed[..100].copy_from_slice(&bytes[..100]);
            zeroed
        }),
        ("our header and noise", damaged, {
            let mut noisy = bytes.clone();
            for (index, byte) in noisy.iter_mut().enumerate().skip(100) {
                *byte = (index * 31 % 251) as u8;
            }
            noisy
        }),
        ("a single byte", damaged, vec![b'S']),
    ];
    for (what, kind, content) in garbage {
        write(&sandbox.store_path(), &content);
        assert_refused(&sandbox, &secret, kind, what);
    }
}

#[test]
fn an_empty_file_is_damaged_and_left_alone() {
    let (sandbox, secret, _) = store();
    write(&sandbox.store_path(), b"");
    assert_refused(&sandbox, &secret, &["damaged"], "an empty file");
}

#[test]
fn a_store_that_was_cut_short_anywhere_is_damaged_and_left_alone() {
    let (sandbox, secret, bytes) = store();
    let page = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    assert!(page >= 512 && bytes.len() > 4 * page, "{page} of {}", bytes.len());
    let lengths = [
        1,
        15,
        16,
        17,
        18,
        27,
        60,
        68,
        72,
        99,
        100,
        101,
        512,
        page - 1,
        page,
        page + 1,
        page + page / 2,
        2 * page,
        bytes.len() / 2,
        bytes.len() - page - 1,
        bytes.len() - page,
        bytes.len() - 1,
    ];
    for length in lengths {
        write(&sandbox.store_path(), &bytes[..length]);
        assert_refused(&sandbox, &secret, &["damaged"], &format!("{length} bytes"));
    }
    write(&sandbox.store_path(), &bytes);
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn a_store_whose_pages_were_lost_in_between_never_panics() {
    let (sandbox, secret, bytes) = store();
    let page = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    let mut faults = Vec::new();
    for lost in 0..bytes.len() / page {
        for filling in [0x00, 0xff] {
            let mut holed = bytes.clone();
            let from = if lost == 0 { 100 } else { lost * page };
            holed[from..(lost + 1) * page].fill(filling);
            write(&sandbox.store_path(), &holed);
            for command in COMMANDS {
                let run = sandbox.keyward(["--json"]).args(*command);
                let output = run.env("SECRET", &secret).run();
                faults.extend(fault(&format!("page {lost}, {command:?}"), &output));
                // A mint that meets the damage after it has handed its secret over says that the key is pending.
                let handed_over = output.stderr.contains("`keyward activate`");
                if output.status != 0 && !handed_over {
                    let after = fs::read(sandbox.store_path()).expect("it can be read");
                    assert!(after == holed, "page {lost}: {command:?} changed the file");
                }
                write(&sandbox.store_path(), &holed);
                for suffix in ["-wal", "-shm"] {
                    let path = format!("{}{suffix}", sandbox.store_path().display());
                    let _ = fs::remove_file(path);
                }
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn a_flipped_bit_never_panics_and_never_makes_a_key_valid() {
    let (sandbox, secret, _) = store();
    sandbox.keyward(["disable", "ci"]).ok();
    let disabled = fs::read(sandbox.store_path()).expect("the store can be read");
    let stranger = crate::support::token::well_formed();
    let mut faults = Vec::new();
    // A step that meets every place of a page in some page.
    for (round, place) in (0..disabled.len()).step_by(283).enumerate() {
        let mut flipped = disabled.clone();
        flipped[place] ^= 1 << (round % 8);
        write(&sandbox.store_path(), &flipped);
        for (command, secret) in [
            (&["verify", "--env", "SECRET", "--no-record"][..], &secret),
            (&["verify", "--env", "SECRET"], &stranger),
            (&["list", "--all"], &stranger),
        ] {
            let run = sandbox.keyward(["--json"]).args(command);
            let output = run.env("SECRET", secret).run();
            let what = format!("byte {place}, {command:?}");
            faults.extend(fault(&what, &output));
            let is_valid = command[0] == "verify" && output.status == 0;
            assert!(!is_valid, "{what} says valid");
        }
    }
    assert_none(&faults);
}

/// What is wrong with how a run on a damaged store ended: the contract knows which ways there are.
fn fault(what: &str, output: &crate::support::Output) -> Option<String> {
    let is_known = matches!(output.status, 0 | 3..=5 | 7..=16);
    if !is_known || output.stderr.contains("panicked") {
        return Some(format!("{what}: {}", output.transcript()));
    }
    // An answer that broke off is left out: its error stands behind it.
    if output.status != 0 && output.stdout.is_empty() {
        let error = output.error();
        assert_eq!(error["exit"], output.status, "{what}");
    }
    None
}

#[track_caller]
fn assert_none(faults: &[String]) {
    assert!(
        faults.is_empty(),
        "{} faults, the first of them\n{}",
        faults.len(),
        faults[..faults.len().min(10)].join("\n")
    );
}

#[test]
fn nonsense_beside_a_store_never_makes_it_answer_wrongly() {
    for (suffix, content) in [
        ("-wal", b"nonsense".to_vec()),
        ("-wal", vec![0; 4096]),
        ("-wal", vec![0xff; 40_000]),
        ("-shm", vec![0xff; 32_768]),
        ("-journal", b"nonsense".to_vec()),
        ("-journal", vec![0xff; 4096]),
        (".new", b"nonsense".to_vec()),
    ] {
        let (sandbox, secret, _) = store();
        sandbox.mint("gone");
        sandbox.keyward(["revoke", "gone", "--yes"]).ok();
        let path = format!("{}{suffix}", sandbox.store_path().display());
        write(Path::new(&path), &content);
        let output = sandbox.keyward(["verify"]).stdin(&secret).run();
        assert!(matches!(output.status, 0 | 7 | 9), "{suffix}: {}", output.transcript());
        let listed = sandbox.keyward(["list", "--all", "--json"]).run();
        if listed.status == 0 {
            let keys = &listed.json()["keys"];
            assert_eq!(keys.as_array().map(Vec::len), Some(2), "{suffix}: {keys:#}");
            assert_eq!(keys[1]["status"], "revoked", "{suffix}: {keys:#}");
        }
    }
}

#[test]
fn a_draft_that_a_crash_left_behind_is_no_obstacle() {
    let sandbox = Sandbox::new();
    let folder = sandbox.store_path();
    let folder = folder.parent().expect("the store has a folder");
    fs::create_dir_all(folder).expect("a folder can be made");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("it is ours");
    for suffix in [".new", ".new-wal", ".new-shm", ".new-journal"] {
        let path = format!("{}{suffix}", sandbox.store_path().display());
        write(Path::new(&path), b"half a store");
    }
    assert_eq!(sandbox.listed(&[]), [""; 0]);
    let secret = sandbox.mint("ci");
    assert_eq!(
        fs::read_dir(folder).expect("it can be read").count(),
        2,
        "beside the store and its reserve"
    );
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn rows_that_break_their_promises_are_damage_and_no_panic() {
    let rows = [
        "UPDATE key SET scopes = 'no json'",
        "UPDATE key SET labels = '[]'",
        "UPDATE key SET allow = '[\"no network\"]'",
        "UPDATE workspace SET policy = 'no = policy'",
        "UPDATE workspace SET policy = ''",
        "UPDATE setting SET value = 'x'",
        "UPDATE key SET created_at = -9223372036854775808",
        "UPDATE key SET created_at = 9223372036854775807, expires_at = 9223372036854775807",
        "UPDATE key SET expires_at = 253402300800000",
        "INSERT INTO meter (key_seq, last_day) SELECT seq, 9223372036854775807 FROM key",
        "INSERT INTO meter (key_seq, rate, whole_at) SELECT seq, '1/day', 9223372036854775807 FROM key",
        "INSERT INTO meter (key_seq, last_day) SELECT seq, 1 FROM key;
         INSERT INTO usage SELECT (1 << 40) + seq, -1, 9223372036854775807, -9223372036854775808, 'x' FROM key",
        "INSERT INTO usage VALUES (-9223372036854775808, 1, 1, 1, NULL), (9223372036854775807, 1, 1, 1, NULL)",
        "INSERT INTO refusal (slot, code, count) SELECT 22300 * 1099511627776 + seq, 'x', -1 FROM key",
        "INSERT INTO allowance (workspace_id, month, credits) VALUES (1, 24322, 9223372036854775807)",
        "UPDATE audit SET time = 9223372036854775807",
        "UPDATE audit SET seq = 9223372036854775807 WHERE seq = 1",
        "UPDATE audit SET details = 'no json'",
        "DELETE FROM audit",
        "PRAGMA foreign_keys = OFF; DELETE FROM workspace",
        "UPDATE key SET replaces = 'key_nobody', grace = 1",
        "UPDATE key SET replaced_by = 'key_nobody'",
        "UPDATE key SET replaces = id, grace = 1, replaced_by = id",
    ];
    let mut faults = Vec::new();
    for row in rows {
        let (sandbox, secret, _) = store();
        sandbox.keyward(["workspace", "use", "default"]).ok();
        sandbox.tamper(row);
        for command in COMMANDS {
            let run = sandbox.keyward(["--json"]).args(*command);
            let output = run.env("SECRET", &secret).run();
            faults.extend(fault(&format!("{row}, {command:?}"), &output));
        }
    }
    assert_none(&faults);
}

#[test]
fn a_store_with_foreign_code_in_it_does_not_run_it() {
    for code in [
        "CREATE TRIGGER planted AFTER UPDATE ON key BEGIN UPDATE key SET state = 'active', revoked_at = NULL; END",
        "CREATE TRIGGER planted AFTER INSERT ON audit BEGIN UPDATE key SET state = 'active', revoked_at = NULL; END",
        "ALTER TABLE key RENAME TO hidden; CREATE VIEW key AS SELECT * FROM hidden",
    ] {
        let (sandbox, secret, _) = store();
        let connection = sandbox.sqlite();
        connection.execute_batch(code).expect("it can be planted");
        connection.close().expect("it can be closed");
        let revoked = sandbox.keyward(["revoke", "ci", "--yes"]).run();
        let verified = sandbox.keyward(["verify"]).stdin(&secret).run();
        let is_refused = revoked.status == 9;
        let is_revoked = revoked.status == 0 && verified.status != 0;
        assert!(
            is_refused || is_revoked,
            "{code}\n{}{}",
            revoked.transcript(),
            verified.transcript()
        );
    }
}
