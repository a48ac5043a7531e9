//! Folders of real machines: private groups, volumes whose modes an orchestrator sets, folders of services, and links on the
//! way to them.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::geteuid;

use crate::apply::key;
use crate::support::files::{mode, set_mode};
use crate::support::{Invocation, KEYWARD, Sandbox, skipped, text, tool};

/// A user that is in no account database, and a group of the same number.
const USER: u32 = 1500;

/// A sandbox that every user passes through, with a keyward that they can run.
struct Machine {
    sandbox: Sandbox,
    keyward: PathBuf,
}

impl Machine {
    fn new() -> Option<Self> {
        if !geteuid().is_root() || !tool("setpriv") {
            skipped("only root can become another user");
            return None;
        }
        let sandbox = Sandbox::new();
        set_mode(sandbox.home(), 0o755);
        let keyward = sandbox.home().join("keyward");
        let copied = std::process::Command::new("cp").arg(KEYWARD).arg(&keyward).status();
        assert!(copied.expect("cp can be started").success());
        set_mode(&keyward, 0o755);
        Some(Self { sandbox, keyward })
    }

    fn folder(&self, name: &str, owner: u32, group: u32, mode: u32) -> PathBuf {
        let path = self.sandbox.home().join(name);
        fs::create_dir(&path).expect("a folder can be made");
        chown(&path, Some(owner), Some(group)).expect("root may give files away");
        set_mode(&path, mode);
        path
    }

    /// keyward run by a user with a group, under a umask.
    fn by(&self, user: u32, group: u32, umask: &str, line: &[&str]) -> Invocation {
        let script = format!("umask {umask}; exec \"$@\"");
        let words = [
            "setpriv".to_owned(),
            format!("--reuid={user}"),
            format!("--regid={group}"),
            "--clear-groups".to_owned(),
            "sh".to_owned(),
            "-c".to_owned(),
            script,
            "sh".to_owned(),
        ];
        self.sandbox.program(&self.keyward, line).through(words)
    }
}

/// Runs the command of a hint as root.
fn follow(machine: &Machine, hint: &str) {
    machine.sandbox.program("sh", ["-c", hint]).ok();
}

#[test]
fn a_private_group_may_write_the_folders_above_a_store() {
    let Some(machine) = Machine::new() else {
        return;
    };
    machine.folder("home", USER, USER, 0o775);
    let store = "home/data/keyward/k.db";
    let line = ["mint", "ci", "--store", store];
    let secret = machine.by(USER, USER, "002", &line).ok().line();
    let verify = ["verify", "--store", store];
    machine.by(USER, USER, "002", &verify).stdin(&secret).ok();
    let made = machine.sandbox.home().join("home/data");
    assert_eq!(mode(&made), 0o700);
    // What the user has made so by themselves.
    set_mode(&made, 0o775);
    machine.by(USER, USER, "002", &verify).stdin(&secret).ok();

    // A group that others are in is another matter.
    chown(&made, None, Some(100)).expect("root may");
    set_mode(&made, 0o775);
    let list = ["--json", "list", "--store", store];
    let error = machine.by(USER, USER, "002", &list).refused(8, "permissions");
    let hint = text(&error, "hint");
    assert!(hint.starts_with("chmod g-w "), "{hint}");
    follow(&machine, &hint);
    machine.by(USER, USER, "002", &list).ok();
}

#[test]
fn an_access_list_makes_a_private_group_none() {
    let Some(machine) = Machine::new() else {
        return;
    };
    if !tool("setfacl") {
        return;
    }
    let folder = machine.folder("home", USER, USER, 0o700);
    let store = ["--store", "home/k.db"];
    let mint = [&["mint", "ci"][..], &store].concat();
    machine.by(USER, USER, "022", &mint).ok();
    let list = ["-m", "u:1600:rwx", "home"];
    if machine.sandbox.program("setfacl", list).run().status != 0 {
        return skipped("this file system has no access lists");
    }
    assert_eq!(mode(&folder), 0o770, "the group's bits are the list's mask");
    let list = [&["--json", "list"][..], &store].concat();
    let error = machine.by(USER, USER, "022", &list).refused(8, "permissions");
    follow(&machine, &text(&error, "hint"));
    machine.by(USER, USER, "022", &list).ok();
}

#[test]
fn a_volume_whose_modes_are_an_orchestrators_can_be_trusted() {
    let Some(machine) = Machine::new() else {
        return;
    };
    for (name, owner, group, volume) in [("fsgroup", 0, 1000, 0o2775), ("empty", 0, 0, 0o777)] {
        let path = machine.folder(name, owner, group, volume);
        let run = |line: &[&str]| machine.by(USER, 1000, "022", line);
        let store = format!("{name}/data/k.db");
        let line = ["--json", "mint", "ci", "--store", &store];
        let error = run(&line).refused(8, "permissions");
        assert!(!path.join("data").exists(), "something was made");
        let hint = text(&error, "hint");
        assert!(hint.starts_with("export KEYWARD_TRUSTED_FOLDER="), "{hint}");
        // The variable is what the hint's command makes it.
        let script = format!("{hint}\nprintf %s \"$KEYWARD_TRUSTED_FOLDER\"");
        let trusted = machine.sandbox.program("sh", ["-c", &script]).ok().stdout;
        assert_eq!(Path::new(&trusted), path);
        let trusting = |line: &[&str]| run(line).env("KEYWARD_TRUSTED_FOLDER", &trusted);
        trusting(&line).ok();

        // kubelet gives the group its permissions again each time that a pod starts.
        for (file, mode) in [("data", 0o2770), ("data/k.db", 0o660), ("data/k.db.reserve", 0o660)] {
            let file = path.join(file);
            chown(&file, None, Some(1000)).expect("root may");
            set_mode(file, mode);
        }
        let info = ["--json", "store", "info", "--store", &store];
        let facts = trusting(&info).ok().json();
        assert_eq!(facts["trustedFolder"], trusted.as_str(), "{facts:#}");
        let plain = trusting(&["store", "info", "--store", &store]).ok();
        assert!(plain.stdout.contains("trusted folder"), "{}", plain.stdout);
        run(&info).refused(8, "permissions");
        trusting(&["--json", "ensure", "b", "--out", &format!("{name}/b.key"), "--store", &store])
            .ok();
        let key = path.join("b.key");
        assert_eq!(mode(key), 0o600);

        // Everybody's bits in it are judged, and so are owners.
        set_mode(path.join("data/k.db"), 0o664);
        trusting(&info).refused(8, "permissions");
        set_mode(path.join("data/k.db"), 0o660);
        set_mode(path.join("data"), 0o2777);
        let error = trusting(&info).refused(8, "permissions");
        assert!(text(&error, "hint").starts_with("chmod go-w "), "{error:#}");
        set_mode(path.join("data"), 0o2770);
        chown(&path, Some(1700), None).expect("root may");
        trusting(&info).refused(8, "permissions");
        chown(&path, Some(owner), None).expect("root may");
        set_mode(&path, volume);
        trusting(&info).ok();
        // The folder above it is not the trusted one.
        set_mode(machine.sandbox.home(), 0o777);
        trusting(&info).refused(8, "permissions");
        set_mode(machine.sandbox.home(), 0o755);
    }
}

#[test]
fn a_store_that_is_elsewhere_is_in_no_trusted_folder() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let other = sandbox.home().join("other");
    fs::create_dir(&other).expect("a folder can be made");
    for folder in [other.as_path(), Path::new("/nowhere")] {
        let info = sandbox.keyward(["store", "info"]);
        let facts = info.env("KEYWARD_TRUSTED_FOLDER", folder).answer();
        assert_eq!(facts.get("trustedFolder"), None);
    }
}

#[test]
fn a_sinks_folder_that_everybody_can_write_to_is_refused_before_anything_is_minted() {
    let sandbox = Sandbox::new();
    let folder = sandbox.home().join("shared");
    fs::create_dir(&folder).expect("a folder can be made");
    sandbox.file("shared/runner", "BEFORE=1\n");
    let sinks: [&[&str]; 5] = [
        &["mint", "ci", "--out", "shared/ci.key"],
        &["mint", "ci", "--dotenv", "shared/.env", "--var", "KEY"],
        &["mint", "ci", "--github-env", "KEY"],
        &["ensure", "ci", "--out", "shared/ci.key"],
        &["apply", "keys.toml"],
    ];
    let deliver = "out = \"shared/new/ci.key\"";
    let manifest = "[workspace.default]\npreset = \"default\"\n".to_owned();
    sandbox.file("keys.toml", &(manifest + &key("default", "ci", "", deliver)));
    for sink in sinks {
        let run = || sandbox.keyward(sink).env("GITHUB_ENV", "shared/runner");
        set_mode(&folder, 0o777);
        let error = run().refused(8, "permissions");
        assert!(!sandbox.store_path().exists(), "something was minted");
        let hint = text(&error, "hint");
        assert!(hint.starts_with("chmod go-w "), "{hint}");
        run().env("KEYWARD_TRUSTED_FOLDER", "shared").ok();
        sandbox.keyward(["revoke", "ci", "--yes"]).ok();
        for sticky_or_closed in [0o1777, 0o755] {
            set_mode(&folder, sticky_or_closed);
            for file in ["shared/ci.key", "shared/.env", "shared/new/ci.key"] {
                let _ = fs::remove_file(sandbox.home().join(file));
            }
            run().ok();
            sandbox.keyward(["revoke", "ci", "--yes"]).ok();
        }
        set_mode(&folder, 0o777);
        sandbox.program("sh", ["-c", &hint]).ok();
        assert_eq!(mode(&folder), 0o755, "{hint}");
        for file in ["shared/ci.key", "shared/.env", "shared/new/ci.key"] {
            let _ = fs::remove_file(sandbox.home().join(file));
        }
        fs::remove_dir_all(sandbox.home().join(".local")).expect("the test's own");
        let _ = fs::remove_dir_all(sandbox.home().join("shared/new"));
    }
}

#[test]
fn root_delivers_to_another_users_folder_and_follows_no_link_there() {
    let Some(machine) = Machine::new() else {
        return;
    };
    let sandbox = &machine.sandbox;
    let service = machine.folder("service", USER, USER, 0o755);
    let outside = machine.folder("outside", 0, 0, 0o755);
    sandbox.keyward(["mint", "first"]).ok();
    sandbox.keyward(["mint", "a", "--out", "service/a.key"]).ok();
    assert!(service.join("a.key").exists());
    symlink("../outside", service.join("link")).expect("a link can be made");
    symlink(&outside, service.join("absolute")).expect("a link can be made");
    for sink in [
        &["--out", "service/link/b.key"][..],
        &["--out", "service/absolute/b.key"],
        &["--dotenv", "service/link/.env", "--var", "KEY"],
    ] {
        let run = sandbox.keyward(["--json", "mint", "b"]).args(sink);
        run.refused(8, "permissions");
        sandbox.refuses(&["mint", "c", "--out", "service/link/../../c.key"], 8, "permissions");
    }
    // A folder that is moved while it is walked through has another one above it.
    machine.folder("service/app", USER, USER, 0o755);
    let up = ["--json", "mint", "b", "--out", "service/app/../b.key"];
    sandbox.keyward(up).refused(8, "permissions");
    sandbox.keyward(["mint", "up", "--out", "outside/../up.key"]).ok();
    fs::remove_file(sandbox.home().join("up.key")).expect("it was delivered");
    sandbox.keyward(["revoke", "up", "--yes"]).ok();
    assert_eq!(fs::read_dir(&outside).expect("a folder").count(), 0);
    assert_eq!(sandbox.listed(&[]), ["a", "first"]);

    // In a folder of one's own a link is one's own.
    symlink("outside", sandbox.home().join("own")).expect("a link can be made");
    sandbox.keyward(["mint", "d", "--out", "own/d.key"]).ok();
    assert!(outside.join("d.key").exists());
    // A store is not looked for behind somebody else's link either.
    let store = ["mint", "e", "--store", "service/link/k.db"];
    sandbox.keyward(store).refused(8, "permissions");
    assert!(!outside.join("k.db").exists());
}

#[test]
fn what_is_in_the_way_of_a_file_beside_the_store_goes_by_the_hint() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let victim = sandbox.file("victim", "precious");
    set_mode(&victim, 0o600);
    for suffix in [".reserve", ".lock"] {
        let beside = PathBuf::from(format!("{}{suffix}", sandbox.store_path().display()));
        let pipe = |path: &Path| drop(sandbox.program("mkfifo", ["-m", "600"]).args([path]).ok());
        let make: [&dyn Fn(&Path); 4] = [
            &|path| symlink(&victim, path).expect("a link can be made"),
            &|path| fs::hard_link(&victim, path).expect("a link can be made"),
            &|path| fs::create_dir(path).expect("a folder can be made"),
            &pipe,
        ];
        for put in make {
            let _ = fs::remove_file(&beside);
            put(&beside);
            let error = sandbox.keyward(["list"]).refused(8, "permissions");
            let hint = text(&error, "hint");
            sandbox.program("sh", ["-c", &hint]).ok();
            sandbox.keyward(["list"]).ok();
        }
    }
    let content = fs::read_to_string(&victim).expect("it is there");
    assert_eq!(content, "precious");
}

#[test]
fn every_file_beside_the_store_is_checked_as_the_store_is() {
    for suffix in [".reserve", ".lock", ".new"] {
        let sandbox = Sandbox::new();
        // The draft of a store is of use only where there is none.
        if suffix != ".new" {
            sandbox.mint("ci");
        }
        let store = sandbox.store_path();
        fs::create_dir_all(store.parent().expect("it has a folder")).expect("it can be made");
        let beside = PathBuf::from(format!("{}{suffix}", store.display()));
        let victim = sandbox.file("victim", "precious");
        set_mode(&victim, 0o600);
        let refused = |what: &str| {
            let begun = Instant::now();
            for line in [&["ensure", "x", "--out", "x.key"][..], &["mint", "y"]] {
                let error = sandbox.keyward(line).run();
                assert!(matches!(error.status, 7 | 8), "{what}: {}", error.transcript());
            }
            assert!(begun.elapsed() < Duration::from_secs(5), "{what}: it waited");
            let content = fs::read_to_string(&victim).expect("it is there");
            assert_eq!(content, "precious", "{what}");
        };
        let _ = fs::remove_file(&beside);
        symlink(&victim, &beside).expect("a link can be made");
        refused("a symbolic link");
        fs::remove_file(&beside).expect("the link can be removed");
        sandbox.program("mkfifo", ["-m", "600"]).args([&beside]).ok();
        refused("a pipe");
        fs::remove_file(&beside).expect("the pipe can be removed");
        fs::hard_link(&victim, &beside).expect("a link can be made");
        if suffix == ".new" {
            // What a killed process may leave: only the name goes.
            sandbox.mint("ci");
            let content = fs::read_to_string(&victim).expect("it is there");
            assert_eq!(content, "precious");
            continue;
        }
        refused("a hard link");
        fs::remove_file(&beside).expect("the link can be removed");
        sandbox.file("left", "");
        fs::rename(sandbox.home().join("left"), &beside).expect("it can be moved");
        set_mode(&beside, 0o644);
        let error = sandbox.keyward(["list"]).refused(8, "permissions");
        sandbox.program("sh", ["-c", &text(&error, "hint")]).ok();
        sandbox.keyward(["list"]).ok();
    }
}
