//! `ensure` and `apply` killed on the spot before each system call that matters, and run again: the second run always
//! ends where an undisturbed one would have, with every secret where it belongs.
//!
//! The short form always runs, and leaves out most of the many equal calls. `KEYWARD_THOROUGH=1 cargo test --release --test it
//! -- provision_crash` kills before each.

use std::io::Write;
use std::path::Path;

use serde_json::Value;

use crate::apply::key;
use crate::support::disturb::can_disturb;
use crate::support::files::names_in;
use crate::support::time::DAY;
use crate::support::{Sandbox, is_thorough, text};

/// The system calls by which a run changes the world, takes turns, or begins with a file. Not every machine has every
/// one; those it lacks have a question mark.
const CALLS: [&str; 16] = [
    "?open",
    "openat",
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "?rename",
    "?renameat",
    "renameat2",
    "?unlink",
    "unlinkat",
    "?mkdir",
    "mkdirat",
    "ftruncate",
    "fchmod",
    "flock",
];

/// A command in a place where it has something to do.
struct Scene {
    /// What is there before.
    template: Sandbox,
    /// The command.
    arguments: Vec<&'static str>,
    /// The keys it is about, each with the file of its secret and what stands before it there.
    sinks: Vec<[&'static str; 3]>,
}

/// What a run leaves, apart from what is different each time.
#[derive(Debug, PartialEq, Eq)]
struct End {
    /// Each key's name, status, and whether another has replaced it.
    keys: Vec<(String, String, bool)>,
    /// Every file.
    files: Vec<String>,
}

impl Scene {
    /// A store with one other key, and this command.
    fn new(arguments: &[&'static str], sinks: &[[&'static str; 3]]) -> Self {
        let scene = Self::without_store(arguments, sinks);
        scene.template.mint("other");
        scene
    }

    fn without_store(arguments: &[&'static str], sinks: &[[&'static str; 3]]) -> Self {
        Self { template: Sandbox::new(), arguments: arguments.to_vec(), sinks: sinks.to_vec() }
    }

    /// Where the command ends when nobody disturbs it.
    fn end(&self) -> End {
        let undisturbed = self.template.copy();
        undisturbed.keyward(&self.arguments).ok();
        self.checked_end(&undisturbed, "undisturbed")
    }

    /// Kills the command at every point in turn, and asserts that the next run makes up for it.
    fn survives(&self, least: usize) {
        let points = self.killed_at_each(&CALLS, &self.end());
        let what = self.arguments.join(" ");
        writeln!(std::io::stderr(), "keyward {what}: killed at {points} points")
            .expect("stderr can be written");
        let least = if is_thorough() { least } else { least / 2 };
        assert!(points >= least, "{what} was killed at {points} points only");
    }

    /// Kills the command before each of these calls in turn, and asserts that the next run ends here. Returns how many
    /// there are.
    fn killed_at_each(&self, calls: &[&str], expected: &End) -> usize {
        let mut points = 0;
        for call in calls {
            for place in (1..).filter(|place| is_thorough() || *place < 3 || place % 3 == 0) {
                let point = format!("{call}:signal=KILL:when={place}");
                let sandbox = self.template.copy();
                if !self.is_killed(&sandbox, call, place) {
                    break;
                }
                points += 1;
                let again = sandbox.keyward(&self.arguments).run();
                assert_eq!(again.status, 0, "{point}: {}", again.transcript());
                let end = self.checked_end(&sandbox, &point);
                assert_eq!(&end, expected, "{point}");
            }
        }
        points
    }

    /// Runs the command and kills it before a call. False when it has succeeded without coming to it.
    fn is_killed(&self, sandbox: &Sandbox, call: &str, place: u32) -> bool {
        let kill = format!("inject={call}:signal=KILL:when={place}");
        let strace = format!("strace -f -qq -o /dev/null -e trace={call} -e {kill}");
        let run = sandbox.keyward(&self.arguments);
        let output = run.through(strace.split(' ')).run();
        match output.status {
            0 => false,
            137 => true,
            _ => panic!("{kill}: {}", output.transcript()),
        }
    }

    /// Asserts what must hold of any end, and returns this one.
    fn checked_end(&self, sandbox: &Sandbox, point: &str) -> End {
        sandbox.assert_whole();
        let known = self.living(&self.template);
        let listed = self.living(sandbox);
        let mut held = Vec::new();
        for [name, file, front] in &self.sinks {
            let text = sandbox.text(file);
            let secret = text.lines().find_map(|line| line.strip_prefix(front));
            let secret = secret.unwrap_or_else(|| panic!("{point}: there is no secret in {file}"));
            let verdict = sandbox.verdict(secret, &["--no-record"], 0, "valid");
            let current: Vec<&Value> = listed
                .iter()
                .filter(|key| key["name"] == *name && key["replacedBy"].is_null())
                .collect();
            assert_eq!(current.len(), 1, "{point}: {current:#?}");
            assert_eq!(current[0]["id"], verdict["subject"]["id"], "{point}");
            held.push(current[0]["id"].clone());
        }
        for key in &listed {
            assert_ne!(key["status"], "pending", "{point}: {key:#}");
            let is_held = held.contains(&key["id"]);
            let was_there = known.iter().any(|known| known["id"] == key["id"]);
            assert!(is_held || was_there, "{point}: nobody has the secret of {key:#}");
        }
        // A third run finds nothing to do.
        let before = sandbox.store_bytes();
        sandbox.keyward(&self.arguments).ok();
        assert!(sandbox.store_bytes() == before, "{point}: it was not finished");
        let mut keys: Vec<_> = sandbox
            .keys(&[])
            .iter()
            .map(|key| {
                let is_replaced = !key["replacedBy"].is_null();
                (text(key, "name"), text(key, "status"), is_replaced)
            })
            .collect();
        keys.sort();
        let mut files = Vec::new();
        list_files(sandbox.home(), "", &mut files);
        End { keys, files }
    }

    fn living(&self, sandbox: &Sandbox) -> Vec<Value> {
        let listed = sandbox.keyward(["list"]).answer();
        listed["keys"].as_array().expect("a list of keys").clone()
    }
}

fn list_files(folder: &Path, front: &str, files: &mut Vec<String>) {
    for name in names_in(folder) {
        let path = folder.join(&name);
        let name = format!("{front}{name}");
        if path.is_dir() {
            list_files(&path, &format!("{name}/"), files);
        } else {
            files.push(name);
        }
    }
}

/// A key that is not there yet.
fn first() -> Scene {
    Scene::new(&["ensure", "ci", "--out", "F"], &[["ci", "F", ""]])
}

/// A key that has ten days left.
fn rotation() -> Scene {
    let arguments = ["ensure", "ci", "--expires", "90d", "--rotate-before", "14d", "--out", "F"];
    let scene = Scene::new(&arguments, &[["ci", "F", ""]]);
    scene.template.keyward(arguments).ok();
    scene.template.rewrite(&format!(
        "UPDATE key SET created_at = created_at - {0}, expires_at = expires_at - {0}",
        80 * DAY
    ));
    scene
}

#[test]
fn a_killed_first_ensure_is_made_up_for() {
    if !can_disturb() {
        return;
    }
    first().survives(60);
}

#[test]
fn a_killed_rotation_is_made_up_for() {
    if !can_disturb() {
        return;
    }
    rotation().survives(60);
}

#[test]
fn a_killed_ensure_of_a_variable_is_made_up_for() {
    if !can_disturb() {
        return;
    }
    let arguments = ["ensure", "ci", "--dotenv", ".env", "--var", "KEY"];
    let scene = Scene::new(&arguments, &[["ci", ".env", "KEY="]]);
    scene.template.file(".env", "A=1\nKEY=\nB=2\n");
    scene.survives(60);
}

#[test]
fn a_killed_apply_is_made_up_for() {
    if !can_disturb() {
        return;
    }
    let sinks = [["ci", "secrets/ci.key", ""], ["web", ".env", "KEY="]];
    let scene = Scene::new(&["apply", "keys.toml"], &sinks);
    let manifest = format!(
        "[workspace.default]\n{}{}",
        key("default", "ci", "", "out = \"secrets/ci.key\""),
        key("default", "web", "owner = \"me\"", "dotenv = \".env\", var = \"KEY\"")
    );
    scene.template.file("keys.toml", &manifest);
    scene.survives(100);
}

#[test]
fn a_killed_first_run_of_all_is_made_up_for() {
    if !can_disturb() {
        return;
    }
    let scene = Scene::without_store(&["ensure", "ci", "--out", "F"], &[["ci", "F", ""]]);
    scene.survives(60);
}

#[test]
fn a_run_that_makes_up_for_a_killed_one_may_be_killed_as_well() {
    if !can_disturb() {
        return;
    }
    let mut points = 0;
    for mut scene in [rotation(), first()] {
        let expected = scene.end();
        let fresh = scene.template.copy();
        for place in 1.. {
            scene.template = fresh.copy();
            // Between two of these lies a state that outlives a crash.
            if !scene.is_killed(&scene.template, "fsync", place) {
                break;
            }
            points += scene.killed_at_each(&["fsync", "renameat", "renameat2"], &expected);
        }
    }
    writeln!(std::io::stderr(), "keyward ensure, killed twice: {points} pairs of points")
        .expect("stderr can be written");
    assert!(points >= 40, "there were {points} pairs of points only");
}

#[test]
fn a_killed_run_is_made_up_for_when_its_key_has_lapsed() {
    if !can_disturb() {
        return;
    }
    let mut pending = 0;
    for scene in [rotation(), first()] {
        for place in 1.. {
            let sandbox = scene.template.copy();
            if !scene.is_killed(&sandbox, "fsync", place) {
                break;
            }
            pending += sandbox.listed(&["--status", "pending"]).len();
            // As if nobody had run it again for two days.
            sandbox.rewrite(&format!(
                "UPDATE key SET created_at = created_at - {} WHERE state = 'pending'",
                2 * DAY
            ));
            let again = sandbox.keyward(&scene.arguments).run();
            assert_eq!(again.status, 0, "{place}: {}", again.transcript());
            scene.checked_end(&sandbox, &format!("fsync {place}"));
        }
    }
    assert!(pending >= 4, "{pending} were pending");
}

#[test]
fn a_killed_ensure_leaves_no_draft_where_names_are_given_by_links() {
    if !can_disturb() {
        return;
    }
    let scene = first();
    let expected = scene.end();
    let mut points = 0;
    for place in 1.. {
        let sandbox = scene.template.copy();
        // Not every file system can rename without replacing.
        let kill = format!("inject=?unlink,unlinkat:signal=KILL:when={place}");
        let linking = ["-e", "inject=renameat2:error=EINVAL", "-e", &kill];
        let strace = ["strace", "-f", "-qq", "-o", "/dev/null"];
        let run = sandbox.keyward(&scene.arguments);
        let output = run.through(strace.into_iter().chain(linking)).run();
        sandbox.keyward(&scene.arguments).ok();
        assert_eq!(scene.checked_end(&sandbox, &kill), expected, "{kill}");
        if output.status == 0 {
            break;
        }
        points += 1;
    }
    assert!(points > 0, "it was killed nowhere");
}
