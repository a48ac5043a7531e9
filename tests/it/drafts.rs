//! Files that keyward writes are whole or as they were: whoever kills it, whoever else writes, and whatever lies in the
//! way of the draft that becomes the file.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::process::geteuid;
use serde_json::Value;

use crate::support::disturb::{at_once, can_disturb, disturbed};
use crate::support::files::mode;
use crate::support::ordinary::Ordinary;
use crate::support::{Invocation, KEYWARD, Sandbox, skipped, text, token};

/// A dotenv file with what must survive in it.
const BEFORE: &str = "# mine\nexport PORT='80 80'\nKEY=old # why\nLAST=1";

/// The two sinks that are files.
const SINKS: [&[&str]; 2] = [&["--out", "file"], &["--dotenv", "file", "--var", "KEY"]];

fn content(sandbox: &Sandbox, name: &str) -> Option<String> {
    fs::read_to_string(sandbox.home().join(name)).ok()
}

/// The names in HOME that begin so.
fn names(sandbox: &Sandbox, front: &str) -> Vec<String> {
    let entries = fs::read_dir(sandbox.home()).expect("HOME can be read");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.expect("an entry can be read");
        entry.file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.retain(|name| name.starts_with(front));
    names.sort();
    names
}

/// The secret in a file that one of the sinks has written over what was there before.
#[track_caller]
fn secret_in(text: &str, before: Option<&str>) -> String {
    let Some(before) = before else {
        let line = text.strip_prefix("KEY=").unwrap_or(text);
        return line.strip_suffix('\n').expect("a whole line").to_owned();
    };
    let (front, back) = before.split_once("old").expect("it has an old value");
    let secret = text.strip_prefix(front).expect("it begins as before");
    let secret = secret.strip_suffix(back).expect("it ends as before");
    secret.to_owned()
}

/// The system calls by which a file is written.
const CALLS: [&str; 11] = [
    "openat",
    "flock",
    "fchmod",
    "ftruncate",
    "write",
    "fsync",
    "renameat2",
    "renameat",
    "rename",
    "unlink",
    "unlinkat",
];

/// Mints into a file, what was there before given, with the calls disturbed so one after another. Asserts that the file is
/// whole or as it was; the closure judges the exit status and may look closer at what is there now.
fn each_disturbed(
    effect: &str,
    sink: &[&str],
    before: Option<&str>,
    body: impl Fn(&Sandbox, i32, Option<&str>),
) -> u32 {
    let mut count = 0;
    let sandbox = Sandbox::with_keys(&["first"]);
    for call in CALLS {
        // The first files that are opened are the system's and the store's.
        let places = if call == "openat" { 3..=16 } else { 1..=9 };
        for place in places {
            let name = format!("{call}-{place}");
            let _ = fs::remove_file(sandbox.home().join("file"));
            if let Some(before) = before {
                sandbox.file("file", before);
            }
            let injection = format!("{call}:{effect}:when={place}");
            let line = [&["mint", &name][..], sink].concat();
            let output = disturbed(&sandbox, &line, &injection);
            assert!(!output.stderr.contains("panicked"), "{}", output.stderr);
            let now = content(&sandbox, "file");
            if now.as_deref() != before {
                let now = now.unwrap_or_else(|| panic!("{injection}: the file is gone"));
                let secret = secret_in(&now, before);
                token::parts(&secret, "kw_live_");
                let mode = mode(sandbox.home().join("file"));
                assert_eq!(mode, 0o600, "{injection}");
                body(&sandbox, output.status, Some(&secret));
            } else {
                body(&sandbox, output.status, None);
            }
            if output.status == 0 {
                break;
            }
            count += 1;
        }
    }
    sandbox.assert_whole();
    // Whatever was left is the next one's to use.
    let _ = fs::remove_file(sandbox.home().join("file"));
    sandbox.keyward(["mint", "last"]).args(sink).ok();
    assert_eq!(names(&sandbox, ".file"), [""; 0]);
    count
}

#[test]
fn a_file_whose_writer_is_killed_is_whole_or_as_it_was() {
    if !can_disturb() {
        return;
    }
    let judge = |sandbox: &Sandbox, status: i32, secret: Option<&str>| {
        assert!(matches!(status, 0 | 137), "{status}");
        if let Some(secret) = secret {
            // It was delivered: now or by its holder it becomes live.
            sandbox.keyward(["activate"]).stdin(secret).ok();
            sandbox.verdict(secret, &["--no-record"], 0, "valid");
        } else {
            assert_ne!(status, 0);
        }
    };
    for (sink, before) in [(SINKS[0], None), (SINKS[1], None), (SINKS[1], Some(BEFORE))] {
        let killed = each_disturbed("signal=KILL", sink, before, judge);
        assert!(killed >= 15, "{sink:?}: killed at {killed} places only");
    }
}

#[test]
fn a_file_whose_writer_is_interrupted_or_fails_is_whole_or_as_it_was() {
    if !can_disturb() {
        return;
    }
    let judge = |sandbox: &Sandbox, status: i32, secret: Option<&str>| match secret {
        Some(secret) if status == 0 => {
            sandbox.verdict(secret, &["--no-record"], 0, "valid");
        }
        // Its activation failed, and the message says that it is pending; or it was over when the signal came.
        Some(secret) => {
            assert!(matches!(status, 7 | 17 | 143), "{status}");
            sandbox.keyward(["activate"]).stdin(secret).ok();
        }
        None => assert!(!matches!(status, 0 | 137), "{status}"),
    };
    for (sink, before) in [(SINKS[0], None), (SINKS[1], Some(BEFORE))] {
        let interrupted = each_disturbed("signal=TERM", sink, before, judge);
        assert!(interrupted >= 5, "{sink:?}: interrupted {interrupted} times");
        for call in ["write", "fsync", "renameat2", "renameat", "flock", "fchmod"] {
            for place in 1..=4 {
                let sandbox = Sandbox::with_keys(&["first"]);
                if let Some(before) = before {
                    sandbox.file("file", before);
                }
                let line = [&["mint", "ci"][..], sink].concat();
                let injection = format!("{call}:error=EIO:when={place}");
                let output = disturbed(&sandbox, &line, &injection);
                let now = content(&sandbox, "file");
                if now.as_deref() == before {
                    assert!(matches!(output.status, 7 | 16), "{}", output.transcript());
                    assert_eq!(sandbox.listed(&[]), ["first"], "{injection}");
                    // One that could not be locked may be another's, so it is left; but there is nothing in it.
                    let draft = content(&sandbox, ".file.keyward-draft");
                    assert_eq!(draft.unwrap_or_default(), "", "{injection}");
                } else {
                    let secret = secret_in(&now.expect("it is there"), before);
                    judge(&sandbox, output.status, Some(&secret));
                }
            }
        }
    }
}

#[test]
fn deliveries_into_one_file_lose_none_of_each_others_variables() {
    let sandbox = Sandbox::with_keys(&["first"]);
    let path = sandbox.file(".env", "# mine\nPORT=8080");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("it is mine");
    let runs = (0..16).map(|number| {
        let (name, variable) = (format!("k{number}"), format!("KEY_{number}"));
        sandbox.keyward(["mint", &name, "--dotenv", ".env", "--var", &variable])
    });
    for output in at_once(runs.collect()) {
        assert_eq!(output.status, 0, "{}", output.transcript());
    }
    let text = content(&sandbox, ".env").expect("it is there");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["# mine", "PORT=8080"]);
    assert_eq!(lines.len(), 18, "{text}");
    for number in 0..16 {
        let front = format!("KEY_{number}=");
        let values: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix(&front)).collect();
        assert_eq!(values.len(), 1, "{front}");
        let verdict = sandbox.verdict(values[0], &["--no-record"], 0, "valid");
        assert_eq!(verdict["subject"]["name"], format!("k{number}"));
    }
    let mode = fs::metadata(&path).expect("it is there").mode();
    assert_eq!(mode & 0o7777, 0o640);
    assert_eq!(names(&sandbox, ".env"), [".env"]);
}

#[test]
fn whoever_made_a_draft_and_lost_its_turn_changes_nothing_of_it() {
    if !can_disturb() {
        return;
    }
    let sandbox = Sandbox::with_keys(&["first"]);
    let path = sandbox.file(".env", "PORT=8080");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("it is mine");
    let mint =
        |name: &str| sandbox.keyward(["mint", name, "--dotenv", ".env", "--var"]).args([name]);
    thread::scope(|scope| {
        // The draft is there, and whoever made it pauses before it is made private.
        let delay = "inject=fremovexattr:delay_enter=1000000";
        let slow = mint("SLOW").through(["strace", "-f", "-qq", "-o", "trace", "-e", delay]);
        let slow = scope.spawn(|| slow.ok());
        let draft = path.with_file_name("..env.keyward-draft");
        while !draft.exists() && !slow.is_finished() {
            thread::sleep(Duration::from_millis(5));
        }
        mint("FAST").ok();
        slow.join().expect("a run does not panic");
    });
    assert_eq!(mode(&path), 0o640);
    let text = content(&sandbox, ".env").expect("it is there");
    assert!(text.contains("SLOW=") && text.contains("FAST="), "{text}");
}

#[test]
fn of_deliveries_to_one_new_file_one_succeeds() {
    let sandbox = Sandbox::with_keys(&["first"]);
    let runs = (0..16).map(|number| sandbox.keyward(["mint", &format!("k{number}"), "--out", "f"]));
    let outputs = at_once(runs.collect());
    let done = outputs.iter().filter(|output| output.status == 0);
    assert_eq!(done.count(), 1);
    assert!(outputs.iter().all(|output| [0, 16].contains(&output.status)));
    let secret = secret_in(&content(&sandbox, "f").expect("it is there"), None);
    sandbox.verdict(&secret, &[], 0, "valid");
    assert_eq!(sandbox.listed(&[]).len(), 2);
    assert_eq!(names(&sandbox, ".f"), [""; 0]);
}

/// Delivers to a sink in whose draft's place something lies, and asserts that a file of that name stays as it is.
#[track_caller]
fn assert_spared(run: Invocation, victim: &Path, may_work: bool) {
    let before = fs::metadata(victim).expect("it is there");
    let output = run.run();
    let is_expected = output.status == 16 || (may_work && output.status == 0);
    assert!(is_expected, "{}", output.transcript());
    let after = fs::metadata(victim).expect("it is still there");
    let kept = |file: &fs::Metadata| (file.ino(), file.mode(), file.uid(), file.len());
    assert_eq!(kept(&after), kept(&before), "{}", output.transcript());
    let content = fs::read_to_string(victim).expect("it can be read");
    assert_eq!(content, "precious");
}

#[test]
fn what_lies_in_the_drafts_place_is_never_written_through() {
    for sink in SINKS {
        let sandbox = Sandbox::with_keys(&["first"]);
        let victim = sandbox.file("victim", "precious");
        fs::set_permissions(&victim, Permissions::from_mode(0o644)).expect("it is mine");
        let draft = sandbox.home().join(".file.keyward-draft");
        let run = || sandbox.keyward(["mint", "ci"]).args(sink);
        symlink("victim", &draft).expect("a link can be made");
        assert_spared(run(), &victim, false);
        fs::remove_file(&draft).expect("the link is still there");
        fs::hard_link(&victim, &draft).expect("a link can be made");
        assert_spared(run(), &victim, true);
        let _ = sandbox.keyward(["revoke", "ci", "--yes"]).run();
        let _ = fs::remove_file(sandbox.home().join("file"));
        let _ = fs::remove_file(&draft);
        symlink("nowhere", &draft).expect("a link can be made");
        assert_spared(run(), &victim, false);
        assert_eq!(names(&sandbox, "nowhere"), [""; 0]);
        fs::remove_file(&draft).expect("the link is still there");
        fs::create_dir(&draft).expect("a folder can be made");
        assert_spared(run(), &victim, false);
        fs::remove_dir(&draft).expect("the folder is still there");
        sandbox.program("mkfifo", [&draft]).ok();
        assert_spared(run(), &victim, false);
        assert_eq!(content(&sandbox, "file"), None);
        assert_eq!(sandbox.listed(&[]), ["first"]);
        fs::remove_file(&draft).expect("the pipe is still there");
        run().ok();
    }
}

#[test]
fn another_users_file_in_the_drafts_place_is_left_alone() {
    if !geteuid().is_root() {
        skipped("only root can give files away");
        return;
    }
    for sink in SINKS {
        let sandbox = Sandbox::new();
        let draft = sandbox.file(".file.keyward-draft", "precious");
        chown(&draft, Some(65_534), Some(65_534)).expect("root may give files away");
        let run = sandbox.keyward(["mint", "ci"]).args(sink);
        assert_spared(run, &draft, false);
    }
    let Some(ordinary) = Ordinary::new() else {
        return;
    };
    for sink in SINKS {
        let draft = ordinary.sandbox.file(".file.keyward-draft", "precious");
        for mode in [0o666, 0o600] {
            fs::set_permissions(&draft, Permissions::from_mode(mode)).expect("it is root's");
            let run = ordinary.keyward(["mint", "ci"]).args(sink);
            assert_spared(run, &draft, false);
        }
    }
}

#[test]
fn what_was_left_in_the_drafts_place_gives_the_file_neither_its_bytes_nor_its_mode() {
    for sink in SINKS {
        let sandbox = Sandbox::new();
        let draft = sandbox.file(".file.keyward-draft", &"left over\n".repeat(100));
        fs::set_permissions(&draft, Permissions::from_mode(0o666)).expect("it is mine");
        sandbox.keyward(["mint", "ci"]).args(sink).ok();
        let now = content(&sandbox, "file").expect("it was made");
        sandbox.verdict(&secret_in(&now, None), &[], 0, "valid");
        let file = fs::metadata(sandbox.home().join("file")).expect("it was made");
        assert_eq!(file.mode() & 0o7777, 0o600);
        assert_eq!(names(&sandbox, ".file"), [""; 0]);
    }
}

/// Runs keyward in a way that takes so long to place a file that the closure is done before it goes on.
fn meanwhile(sandbox: &Sandbox, line: &[&str], body: impl FnOnce()) -> crate::support::Output {
    let delay = "inject=rename,renameat,renameat2:delay_exit=1500000:when=1";
    let wrapper = ["strace", "-f", "-o", "trace", "-e", delay];
    let run = sandbox.keyward(line).through(wrapper);
    thread::scope(|scope| {
        let running = scope.spawn(|| run.run());
        thread::sleep(Duration::from_millis(700));
        body();
        running.join().expect("a run does not panic")
    })
}

#[test]
fn a_key_that_cannot_become_live_any_more_leaves_the_file_as_it_was() {
    if !can_disturb() {
        return;
    }
    for (sink, before) in [(SINKS[0], None), (SINKS[1], None), (SINKS[1], Some(BEFORE))] {
        for verb in ["mint", "rotate"] {
            let (sandbox, secret) = Sandbox::with_key("old");
            if let Some(before) = before {
                let path = sandbox.file("file", before);
                fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("it is mine");
            }
            let name = if verb == "mint" { "new" } else { "old" };
            let line = [&[verb, name, "--expires", "1s"][..], sink].concat();
            let output = meanwhile(&sandbox, &line, || {
                let now = content(&sandbox, "file").expect("it was placed");
                let secret = secret_in(&now, before);
                sandbox.verdict(&secret, &["--no-record"], 13, "pending");
            });
            assert_eq!(output.status, 16, "{}", output.transcript());
            assert_eq!(content(&sandbox, "file").as_deref(), before, "{sink:?}");
            assert_eq!(names(&sandbox, ".file"), [""; 0]);
            if before.is_some() {
                let file = fs::metadata(sandbox.home().join("file"));
                assert_eq!(file.expect("it is there").mode() & 0o7777, 0o640);
            }
            assert_eq!(sandbox.listed(&[]), ["old"]);
            sandbox.verdict(&secret, &[], 0, "valid");
            assert_eq!(sandbox.show("old")["expiresAt"], Value::Null);
        }
    }
}

#[test]
fn what_somebody_else_has_put_there_meanwhile_stays() {
    if !can_disturb() {
        return;
    }
    let sandbox = Sandbox::with_keys(&["old"]);
    let path = sandbox.file("file", BEFORE);
    let line = [&["mint", "new"][..], SINKS[1]].concat();
    let output = meanwhile(&sandbox, &line, || {
        let theirs = sandbox.file("theirs", "THEIRS=1\n");
        fs::rename(theirs, &path).expect("it can be replaced");
        sandbox.keyward(["revoke", "new", "--yes"]).ok();
    });
    assert_eq!(output.status, 16, "{}", output.transcript());
    assert_eq!(content(&sandbox, "file").as_deref(), Some("THEIRS=1\n"));
}

#[test]
fn a_command_may_activate_the_key_it_is_given() {
    let sandbox = Sandbox::new();
    let script = "cat >secret && \"$0\" activate <secret";
    let command = ["--", "sh", "-c", script, KEYWARD];
    for verb in ["mint", "rotate"] {
        let run = sandbox.keyward(["--json", verb, "ci"]).args(command);
        let output = run.ok();
        let key = output.json();
        assert_eq!(key["status"], "active", "{key:#}");
        let secret = content(&sandbox, "secret").expect("it was kept");
        let verdict = sandbox.verdict(&secret, &["--no-record"], 0, "valid");
        assert_eq!(verdict["subject"]["id"], key["id"]);
        if verb == "rotate" {
            let old = text(&key["replaced"], "id");
            assert_eq!(sandbox.show(&old), key["replaced"]);
            assert_eq!(key["replaced"]["replacedBy"], key["id"]);
        }
    }
    let under = ["mint", "word", "--idempotency-key", "K"];
    sandbox.keyward(under).args(command).ok();
    assert_eq!(sandbox.show("word")["status"], "active");
    sandbox.keyward(under).exit(4);
    sandbox.keyward(["audit", "verify"]).ok();
}
