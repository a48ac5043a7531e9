//! Where secrets come from, and that nothing else is asked: the kernel's generator by its system call, and no account database.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use keyward::domain::alphabet::Alphabet;
use rustix::process::geteuid;

use crate::support::{KEYWARD, Sandbox, skipped, token, tool};

/// The file in HOME that strace writes to.
const TRACE: &str = "trace";

/// What a call of getrandom that asked without flags has given, in order.
fn drawn(trace: &str) -> Vec<Vec<u8>> {
    let mut drawn = Vec::new();
    for line in trace.lines() {
        let Some((_, call)) = line.split_once("getrandom(\"") else {
            continue;
        };
        let (bytes, rest) = call.split_once("\", ").expect("a call of getrandom");
        let flags = rest.split([',', ')']).nth(1).expect("its flags").trim();
        if flags == "0" {
            let bytes = bytes.split("\\x").skip(1);
            let byte = |digits| u8::from_str_radix(digits, 16).expect("a byte");
            drawn.push(bytes.map(byte).collect());
        }
    }
    drawn
}

#[test]
fn a_secret_is_made_of_what_getrandom_gave_and_no_device_is_opened_for_it() {
    if !tool("strace") {
        return;
    }
    let sandbox = Sandbox::with_keys(&["first"]);
    let words = "strace -f -q -xx -s 256 -o trace -e trace=getrandom,?open,openat,openat2";
    for command in [&["mint", "ci"][..], &["rotate", "ci"], &["ensure", "web"]] {
        let run = sandbox.keyward(command).through(words.split(' '));
        let secret = run.ok().line();
        let random = token::random_part(&secret).expect("a token of the default policy");
        let trace = fs::read_to_string(sandbox.home().join(TRACE)).expect("it was traced");
        let is_source = |bytes: &Vec<u8>| {
            let picked = bytes.iter().filter_map(|byte| Alphabet::Base62.pick(*byte));
            let picked: String = picked.map(char::from).collect();
            // The checksum is at the end.
            picked.starts_with(&random[..random.len() - 6])
        };
        assert!(drawn(&trace).iter().any(is_source), "{command:?}\n{trace}");
        let hex =
            |path: &str| path.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
        let devices = trace.lines().filter(|line| line.contains(&hex("/dev/")));
        // SQLite's, for the salt of its log.
        let others = devices.filter(|line| !line.contains(&format!("\"{}\"", hex("/dev/urandom"))));
        assert_eq!(others.count(), 0, "{command:?}\n{trace}");
    }
}

#[test]
fn without_the_device_that_sqlite_takes_its_salt_from_a_key_is_minted_too() {
    if !tool("strace") {
        return;
    }
    let sandbox = Sandbox::new();
    let words = "strace -f -q -o trace -P /dev/urandom -e inject=?open,openat:error=ENOENT";
    let run = sandbox.keyward(["mint", "ci"]).through(words.split(' '));
    let secret = run.ok().line();
    sandbox.verdict(&secret, &[], 0, "valid");
    let trace = fs::read_to_string(sandbox.home().join(TRACE)).expect("it was traced");
    assert!(trace.contains("(INJECTED)"), "{trace}");
}

#[test]
fn a_generator_that_fails_ends_the_command_and_nothing_is_minted() {
    if !tool("strace") {
        return;
    }
    for error in ["ENOSYS", "EIO", "EPERM", "EAGAIN"] {
        let (sandbox, old) = Sandbox::with_key("old");
        let inject = format!("inject=getrandom:error={error}");
        let words = ["strace", "-f", "-q", "-o", TRACE, "-e", &inject];
        for command in [
            &["mint", "new"][..],
            &["mint", "new", "--out", "new.key"],
            &["rotate", "old", "--now"],
            &["ensure", "new", "--dotenv", ".env", "--var", "KEY"],
        ] {
            let failed = sandbox.keyward(command).through(words).run();
            assert_eq!(failed.status, 1, "{command:?} {error}\n{}", failed.stderr);
            assert_eq!(failed.stdout, "", "{command:?} {error}");
            let said = failed.stderr.contains("the system's random generator failed: ");
            assert!(said, "{command:?} {error}\n{}", failed.stderr);
            assert_eq!(sandbox.listed(&["--all"]), ["old"], "{command:?} {error}");
            for file in ["new.key", ".env"] {
                assert!(!sandbox.home().join(file).exists(), "{command:?} {error}");
            }
        }
        sandbox.verdict(&old, &[], 0, "valid");
    }
}

/// A folder with keyward in it and the libraries that it loads, to be the root of a process.
pub fn root_folder(sandbox: &Sandbox, name: &str) -> PathBuf {
    let root = sandbox.home().join(name);
    fs::create_dir(&root).expect("it is new");
    let script = "cp \"$0\" \"$1/keyward\" && ldd \"$0\" | grep -o '/[^ ]*' | while read -r library; do\n\
        mkdir -p \"$1${library%/*}\" && cp \"$library\" \"$1$library\"; done";
    let root_name = root.to_str().expect("a path in the sandbox is text");
    sandbox.program("sh", ["-c", script, KEYWARD, root_name]).ok();
    root
}

fn minted_in(sandbox: &Sandbox, root: &Path, store: &str) -> String {
    let words = ["mint", "ci", "--store", store];
    let run = sandbox.program("/keyward", words);
    run.through(["chroot".as_ref(), root.as_os_str()]).cwd("/").ok().line()
}

#[test]
fn a_root_without_devices_and_one_with_files_in_their_place_mint_as_well() {
    if !geteuid().is_root() || !tool("chroot") || !tool("ldd") {
        skipped("no other root can be had here");
        return;
    }
    let sandbox = Sandbox::new();
    let bare = root_folder(&sandbox, "bare");
    let planted = root_folder(&sandbox, "planted");
    fs::create_dir(planted.join("dev")).expect("it is new");
    for device in ["random", "urandom", "null"] {
        let path = planted.join("dev").join(device);
        fs::write(path, [7; 4096]).expect("it can be written");
    }
    let mut secrets: Vec<String> = Vec::new();
    for root in [&bare, &planted] {
        for store in ["/one.db", "/other.db"] {
            secrets.push(minted_in(&sandbox, root, store));
        }
    }
    secrets.sort();
    secrets.dedup();
    assert_eq!(secrets.len(), 4);

    // In place of a closed stdout std opens what /dev/null is there.
    let script = "exec chroot \"$0\" /keyward mint ci --store /closed.db >&-";
    let run = sandbox.program("sh", ["-c".as_ref(), script.as_ref(), planted.as_os_str()]);
    let refused = run.cwd("/").exit(16);
    assert!(refused.stderr.contains("closed"), "{}", refused.stderr);
    let null = fs::read(planted.join("dev/null")).expect("it is a file");
    assert_eq!(null, [7; 4096]);
}

#[test]
fn a_user_whom_nobody_knows_and_who_has_no_home_is_told_so() {
    if !geteuid().is_root() || !tool("setpriv") {
        skipped("nobody else can be had here");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let keyward = folder.path().join("keyward");
    let sandbox = Sandbox::new();
    let words = [Path::new(KEYWARD), &keyward];
    sandbox.program("cp", words).ok();
    for path in [folder.path(), &keyward] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("changed");
    }
    let stranger = "setpriv --reuid 12345 --regid 12345 --clear-groups env -i";
    for arguments in [&["whoami"][..], &["list"], &["mint", "ci"]] {
        let run = sandbox.program(&keyward, arguments);
        let refused = run.through(stranger.split(' ')).cwd("/").exit(2);
        assert!(refused.stderr.contains("HOME is not set"), "{}", refused.stderr);
        assert!(refused.stderr.contains("hint: "), "{}", refused.stderr);
    }
}

#[test]
fn without_a_home_the_store_is_where_a_variable_or_an_option_says() {
    let sandbox = Sandbox::new();
    let data = sandbox.home().join("data");
    let run = |home: &[&str]| sandbox.keyward(["mint", "ci"]).through(home.iter().copied());
    for (at, home) in [&["env", "-u", "HOME"][..], &["env", "HOME="]].into_iter().enumerate() {
        let error = run(home).refused(2, "usage");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("HOME is not set")));
        run(home).env("XDG_DATA_HOME", "relative").refused(2, "usage");
        let folder = data.join(at.to_string());
        run(home).env("XDG_DATA_HOME", &folder).ok();
        assert!(folder.join("keyward/keyward.db").exists());
        let named = sandbox.home().join(format!("{at}.db"));
        run(home).env("KEYWARD_STORE", &named).ok();
        assert!(named.exists());
    }
    let error = run(&["env", "HOME=relative"]).refused(2, "usage");
    let said = error["message"].as_str().unwrap_or_default();
    assert!(said.contains("HOME is not an absolute path"), "{said}");
    assert!(!sandbox.store_path().exists());
}
