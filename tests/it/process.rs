//! A process that holds a secret, or has held one: what it leaves when it is struck down, who can look into it, when it
//! is closed, what it says in a panic, and what its memory still has when it has answered.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::secrecy::assert_in_no_file;
use crate::support::disturb::can_disturb;
use crate::support::files::names_in;
use crate::support::held::Held;
use crate::support::ordinary::Ordinary;
use crate::support::unheard::Unheard;
use crate::support::{KEYWARD, Output, Sandbox, skipped, token, tool};

/// Runs what follows with no limit on the size of a core.
const UNLIMITED: [&str; 3] = ["sh", "-c", "ulimit -c unlimited && exec \"$0\" \"$@\""];

/// The signals that leave a core.
const FATAL: [Signal; 8] = [
    Signal::ABORT,
    Signal::SEGV,
    Signal::BUS,
    Signal::ILL,
    Signal::FPE,
    Signal::TRAP,
    Signal::SYS,
    Signal::QUIT,
];

/// Whether a process that dies here leaves a core in its folder, unless it has forbidden it.
fn leaves_cores() -> bool {
    let sandbox = Sandbox::new();
    let run = sandbox.program("sh", ["-c", "kill -ABRT $$"]);
    let died = run.through(UNLIMITED).run().status == 128 + Signal::ABORT.as_raw();
    let leaves = died && !cores(&sandbox).is_empty();
    if !leaves {
        skipped("no process leaves a core in its folder here");
    }
    leaves
}

fn cores(sandbox: &Sandbox) -> Vec<String> {
    let mut names = names_in(sandbox.home());
    names.retain(|name| name.contains("core"));
    names
}

#[test]
fn a_delivery_that_is_struck_down_leaves_no_core_and_no_live_key() {
    if !leaves_cores() {
        return;
    }
    for signal in FATAL {
        let sandbox = Sandbox::new();
        let run = sandbox.keyward(["mint", "ci"]).through(UNLIMITED);
        let held = Held::start(sandbox.home(), run);
        let secret = held.secret.clone();
        let output = held.ended_by(signal);
        assert_eq!(output.status, 128 + signal.as_raw(), "{signal:?}");
        assert_eq!(cores(&sandbox), Vec::<String>::new(), "{signal:?}");
        assert_unsaid(&output, &secret);
        assert_in_no_file(&sandbox, &[&secret]);
        assert_eq!(sandbox.show("ci")["status"], "pending", "{signal:?}");
        sandbox.verdict(&secret, &[], 13, "pending");
        sandbox.assert_whole();
    }
}

/// Asserts that a run's messages hold no part of a secret that matters.
#[track_caller]
fn assert_unsaid(output: &Output, secret: &str) {
    let random = token::random_part(secret).expect("a token of the default policy");
    let hidden = &random[12..28];
    assert!(!output.stderr.contains(hidden), "{}", output.stderr);
}

#[test]
fn a_reader_of_secrets_that_is_struck_down_leaves_no_core() {
    if !leaves_cores() {
        return;
    }
    let (sandbox, secret) = Sandbox::with_key("ci");
    let half = &secret[..40];
    for (arguments, input) in [
        (&["verify"][..], half.to_owned()),
        (&["activate"], half.to_owned()),
        (&["whoami", "--as", "-"], half.to_owned()),
        (&["verify", "--stream"], format!("{secret}\n{half}")),
    ] {
        for signal in [Signal::ABORT, Signal::SEGV] {
            let mut child = Command::new(UNLIMITED[0])
                .args(&UNLIMITED[1..])
                .arg(KEYWARD)
                .args(arguments)
                .env_clear()
                .envs(sandbox.variables())
                .current_dir(sandbox.home())
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .expect("sh can be started");
            let mut stdin = child.stdin.take().expect("stdin is a pipe");
            stdin.write_all(input.as_bytes()).expect("it is read");
            // It has read what there is, and waits for the rest.
            while rustix::io::ioctl_fionread(&stdin).expect("a pipe can be asked") > 0 {
                thread::sleep(Duration::from_millis(2));
            }
            while child.try_wait().expect("it can be asked after").is_none() {
                kill_process(Pid::from_child(&child), signal).expect("it is not reaped");
                thread::sleep(Duration::from_millis(2));
            }
            let status = child.wait().expect("it has ended");
            assert_eq!(status.signal(), Some(signal.as_raw()), "{arguments:?}");
            assert!(!status.core_dumped(), "{arguments:?}");
            assert_eq!(cores(&sandbox), Vec::<String>::new(), "{arguments:?}");
        }
    }
    assert_in_no_file(&sandbox, &[&secret]);
}

/// What a process of the same user may ask of another that is open to it, as a script with the other's number for `$1`.
const LOOKS: [&str; 9] = [
    "cat /proc/$1/environ",
    "exec 3</proc/$1/mem",
    "head -n 1 /proc/$1/maps",
    "head -n 1 /proc/$1/smaps",
    "cat /proc/$1/auxv >/dev/null",
    "readlink -v /proc/$1/cwd",
    "readlink -v /proc/$1/exe",
    "ls /proc/$1/fd/",
    "exec 3</proc/$1/task/$1/mem",
];

#[test]
fn a_process_that_holds_a_secret_is_closed_to_its_own_user() {
    if !cfg!(target_os = "linux") {
        skipped("there is no /proc to look into");
        return;
    }
    let Some(user) = Ordinary::new() else { return };
    let held = Held::start(user.sandbox.home(), user.keyward(["mint", "ci"]));
    let owner = |process: i32| {
        let file = fs::metadata(format!("/proc/{process}/environ"));
        file.expect("it is running").uid()
    };
    let home = fs::metadata(user.sandbox.home()).expect("it exists");
    assert_eq!(owner(held.command), home.uid(), "the command is closed too");
    assert_eq!(owner(held.keyward), 0, "keyward's files are its user's");
    let looks = |look: &str, process: i32| {
        let process = process.to_string();
        let arguments = ["-c", look, "look", &process];
        let run = user.sandbox.program("sh", arguments);
        run.through(user.wrapper).run()
    };
    let tracing = "timeout 1 strace -qq -o /dev/null -e trace=none -p $1";
    let mut looked = 0;
    for look in LOOKS.iter().chain(tool("strace").then_some(&tracing)) {
        // A test of the test: the command is a process of the same user that is open.
        let open = looks(look, held.command);
        if open.status != 0 && open.stderr.contains("ermi") {
            skipped(&format!("nobody may do this here: {look}"));
            continue;
        }
        looked += 1;
        let closed = looks(look, held.keyward);
        assert_ne!(closed.status, 0, "{look}: {}", closed.stdout);
        let denied = ["Permission denied", "Operation not permitted"];
        let is_denied = denied.iter().any(|words| closed.stderr.contains(words));
        assert!(is_denied, "{look}: {}", closed.transcript());
    }
    assert!(looked >= 5, "{looked} looks are permitted at all");
    assert_eq!(held.release().status, 0);
}

#[test]
fn a_process_is_closed_before_there_is_a_secret_in_it() {
    if !can_disturb() {
        return;
    }
    let (sandbox, secret) = Sandbox::with_key("ci");
    let file = sandbox.file("secret", &secret);
    let file = file.to_str().expect("the path is text");
    let held = sandbox.mint_with("held", &["--hold"]);
    // What was read is quoted in a trace from its first byte on.
    let [read, read_held] = [&secret, &held].map(|secret| format!(", \"{}", &secret[..20]));
    let (read, read_held) = (read.as_str(), read_held.as_str());
    let random = "/dev/urandom";
    for (arguments, stdin, arrivals) in [
        (&["verify"][..], secret.as_str(), [read; 2]),
        (&["verify", "--stream"], &secret, [read; 2]),
        (&["activate"], &held, [read_held; 2]),
        (&["whoami", "--as", "-"], &secret, [read; 2]),
        (&["verify", "--file", file], "", [read; 2]),
        (&["whoami", "--as", file], "", [read; 2]),
        (&["mint", "new"], "", [random, "getrandom("]),
        (&["rotate", "ci"], "", [random, "getrandom("]),
    ] {
        let strace = ["strace", "-f", "-o", "trace"];
        let run = sandbox.keyward(arguments).through(strace);
        run.stdin(stdin).ok();
        let trace = sandbox.text("trace");
        let lines: Vec<&str> = trace.lines().collect();
        let place = |is_it: &dyn Fn(&str) -> bool| lines.iter().position(|line| is_it(line));
        let closed =
            ["RLIMIT_CORE, {rlim_cur=0, rlim_max=0}", "PR_SET_DUMPABLE, SUID_DUMP_DISABLE"].map(
                |call| {
                    let found = place(&|line| line.contains(call) && line.ends_with("= 0"));
                    found.unwrap_or_else(|| panic!("{arguments:?}: no {call}"))
                },
            );
        // The C library draws 8 bytes of its own for its allocator; a secret takes more.
        let arrived = place(&|line| {
            arrivals.iter().any(|arrival| line.contains(*arrival))
                && !line.contains("execve(")
                && !line.contains(", 8, GRND_NONBLOCK")
        });
        let arrived = arrived.unwrap_or_else(|| panic!("{arguments:?}: no {arrivals:?}"));
        assert!(
            closed.iter().all(|place| *place < arrived),
            "{arguments:?} had a secret in line {arrived} and was closed in {closed:?}"
        );
        let calls = ["RLIMIT_CORE", "PR_SET_DUMPABLE"];
        let later =
            lines.iter().filter(|line| calls.iter().any(|call| line.contains(call))).count();
        assert_eq!(later, 2, "{arguments:?} was opened again");
    }
}

/// Runs it with one of its system calls failing, and with as much said of a panic as Rust can say.
fn failing(sandbox: &Sandbox, arguments: &[&str], injection: &[&str]) -> Output {
    let strace = ["strace", "-f", "-qq", "-o", "trace"];
    let run = sandbox.keyward(arguments).env("RUST_BACKTRACE", "full");
    run.through(strace.iter().chain(injection)).run()
}

/// Asserts that a run which did not succeed has said so as the contract has it, and nothing of its code and memory.
fn assert_internal(output: &Output, what: &str) {
    let said = output.transcript();
    assert!([1, 7].contains(&output.status), "{what}: {said}");
    assert_eq!(output.stdout, "", "{what}: {said}");
    for word in ["panicked", "backtrace", "/rustc", "registry", "RUST"] {
        assert!(!output.stderr.contains(word), "{what}: {said}");
    }
    let code = if output.status == 1 { "internal" } else { "io" };
    match output.stderr.starts_with('{') {
        true => assert_eq!(output.error()["code"], code, "{what}"),
        false => assert!(output.stderr.starts_with("error: "), "{what}: {said}"),
    }
}

/// Lets each of the first calls of a kind fail in turn, for people and for programs. `NAME` stands for a new name.
fn assert_internal_at_each(sandbox: &Sandbox, arguments: &[&str], calls: &[&str]) -> usize {
    let mut failed = 0;
    for place in 1..=4 {
        for form in ["table", "json"] {
            let inject = format!("{}:when={place}", calls[calls.len() - 1]);
            let name = format!("{form} {inject}");
            let named = arguments.iter().map(|word| match *word {
                "NAME" => name.as_str(),
                word => word,
            });
            let line: Vec<&str> = ["--output", form].into_iter().chain(named).collect();
            let mut injection = calls[..calls.len() - 1].to_vec();
            injection.extend(["-e", &inject]);
            let output = failing(sandbox, &line, &injection);
            if output.status != 0 {
                failed += 1;
                assert_internal(&output, &format!("{line:?}, {inject}"));
                let left = sandbox.listed(&["--all"]);
                assert!(!left.contains(&name), "{inject} left a key");
            }
        }
    }
    sandbox.assert_whole();
    failed
}

#[test]
fn a_listing_that_can_start_no_thread_says_nothing_of_code_or_memory() {
    if !can_disturb() {
        return;
    }
    let sandbox = Sandbox::with_keys(&["ci"]);
    // Where the standard library cannot start a thread it panics.
    let threads = ["inject=clone,clone3:error=EAGAIN"];
    assert_internal_at_each(&sandbox, &["list"], &threads);
}

#[test]
fn a_mint_whose_tables_have_no_seed_says_nothing_of_code_or_memory() {
    if !can_disturb() {
        return;
    }
    let sandbox = Sandbox::with_keys(&["ci"]);
    // The standard library's tables are seeded at random, and it panics where they cannot be; there is a secret by then.
    let seeds = ["inject=getrandom:error=EIO"];
    assert_internal_at_each(&sandbox, &["mint", "NAME"], &seeds);
}

#[test]
fn a_generator_that_fails_mints_nothing() {
    if !can_disturb() {
        return;
    }
    let sandbox = Sandbox::with_keys(&["ci"]);
    let mut failed = 0;
    for call in ["openat:error=EMFILE", "read:error=EIO", "read:retval=0"] {
        let inject = format!("inject={call}");
        let generator = ["-P", "/dev/urandom", &inject];
        failed += assert_internal_at_each(&sandbox, &["mint", "NAME"], &generator);
    }
    if failed == 0 {
        skipped("the generator is asked in a way that cannot be made to fail");
    }
}

/// Where in the memory of a process these bytes stand.
fn found_in_memory(process: u32, bytes: &[u8]) -> Vec<String> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).expect("root may look");
    let memory = File::open(format!("/proc/{process}/mem")).expect("root may look");
    let mut found = Vec::new();
    for map in maps.lines() {
        let (range, rest) = map.split_once(' ').expect("a map has a range");
        let (from, to) = range.split_once('-').expect("a range has two ends");
        let [from, to] = [from, to].map(|end| u64::from_str_radix(end, 16).expect("hex"));
        let mut content = vec![0; usize::try_from(to - from).expect("a map fits")];
        // What the kernel keeps for itself cannot be read, and holds nothing of ours.
        let is_readable = rest.starts_with('r') && memory.read_exact_at(&mut content, from).is_ok();
        if is_readable && content.windows(bytes.len()).any(|part| part == bytes) {
            found.push(map.to_owned());
        }
    }
    found
}

#[test]
fn a_secret_that_was_judged_is_in_memory_no_more() {
    if !cfg!(target_os = "linux") || !geteuid().is_root() {
        skipped("only root may look into keyward");
        return;
    }
    let (sandbox, secret) = Sandbox::with_key("ci");
    let file = sandbox.file("secret", &secret);
    let file = file.to_str().expect("the path is text");
    for arguments in [&["verify", "--file", file][..], &["verify"]] {
        let (reader, mut writer) = std::io::pipe().expect("a pipe can be made");
        writer.write_all(secret.as_bytes()).expect("there is room");
        drop(writer);
        let stdin = File::from(OwnedFd::from(reader));
        let run = Unheard::start(&sandbox, arguments, Some(stdin));
        // A test of the test: the front of the token is public, and in the answer.
        let front = found_in_memory(run.process(), &secret.as_bytes()[..20]);
        assert!(!front.is_empty(), "{arguments:?}: nothing can be found");
        let left = found_in_memory(run.process(), &secret.as_bytes()[22..40]);
        assert_eq!(left, Vec::<String>::new(), "{arguments:?}: {secret} is left");
        assert_eq!(run.heard().0, 0);
    }
}
