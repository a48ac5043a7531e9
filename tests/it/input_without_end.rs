//! Stdin without an end or measure: every command comes to its answer, soon, and with little memory.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::input::READERS;
use crate::support::stream::Stream;
use crate::support::unheard::{Unheard, peak_memory};
use crate::support::{KEYWARD, Sandbox, is_thorough, skipped, token};

/// The most memory that any input may take beside the program itself, in KiB.
const MOST: u64 = 8 * 1024;

/// What is prompt: a machine that has much else to do must not fail it.
const PROMPT: Duration = Duration::from_secs(10);

/// How many bytes are much.
fn much() -> u64 {
    if is_thorough() { 1 << 30 } else { 64 << 20 }
}

/// Prints a figure of the long form.
fn report(figure: &str) {
    if is_thorough() {
        writeln!(std::io::stderr(), "{figure}").expect("stderr can be written");
    }
}

/// Whether a process can be looked at.
fn can_look() -> bool {
    let can_look = cfg!(target_os = "linux");
    if !can_look {
        skipped("there is no /proc to look into");
    }
    can_look
}

/// A pipe that has these bytes again and again, until so many have come or nobody reads on.
fn repeated(bytes: &[u8], count: u64) -> File {
    let (reader, mut writer) = std::io::pipe().expect("a pipe can be made");
    let chunk = bytes.repeat(65_536 / bytes.len());
    thread::spawn(move || {
        let mut left = count;
        while left > 0 && writer.write_all(&chunk).is_ok() {
            left = left.saturating_sub(chunk.len() as u64);
        }
    });
    File::from(OwnedFd::from(reader))
}

fn zeros() -> File {
    File::open("/dev/zero").expect("there is a source of zeros")
}

/// Runs it on this input and asserts that it answers so, soon, and with little memory, which it returns.
fn assert_small(
    sandbox: &Sandbox,
    arguments: &[&str],
    what: &str,
    stdin: Option<File>,
    expected: (i32, &str),
) -> u64 {
    let begun = Instant::now();
    let run = Unheard::start(sandbox, arguments, stdin);
    let (waited, peak) = (begun.elapsed(), peak_memory(run.process()));
    let (status, code) = run.heard();
    assert_eq!((status, code.as_str()), (expected.0, Some(expected.1)), "{arguments:?} of {what}");
    assert!(waited < PROMPT, "{arguments:?} of {what} took {waited:?}");
    assert!(peak < MOST, "{arguments:?} of {what} took {peak} KiB of memory");
    peak
}

#[test]
fn input_without_an_end_is_answered_soon_and_in_little_memory() {
    if !can_look() {
        return;
    }
    let (sandbox, secret) = Sandbox::with_key("ci");
    let sparse = sandbox.file("sparse", "");
    let file = File::options().write(true).open(&sparse);
    file.and_then(|file| file.set_len(much())).expect("a file can have a hole");
    let mut peaks = Vec::new();
    let texts: [&[&str]; 2] = [&["workspace", "create", "new", "--policy", "-"], &["apply", "-"]];
    let readers = READERS.map(|reader| (reader, (10, "malformed")));
    // A text's longest is told as a usage of its own, before anything is made of what stands in it.
    let texts = texts.map(|text| (text, (2, "usage")));
    for (arguments, expected) in readers.into_iter().chain(texts) {
        for (what, stdin) in [
            ("endless zeros", zeros()),
            ("a file of zeros", File::open(&sparse).expect("it is there")),
            ("one long line", repeated(b"k", much())),
            ("empty lines", repeated(b"\n", much())),
            ("a secret on each line", repeated(format!("{secret}\n").as_bytes(), much())),
        ] {
            peaks.push(assert_small(&sandbox, arguments, what, Some(stdin), expected));
        }
    }
    for (arguments, expected) in [
        (&["verify", "--file", "/dev/zero"][..], (10, "malformed")),
        (&["activate", "--file", "/dev/zero"], (10, "malformed")),
        (&["list", "--as", "/dev/zero"], (10, "malformed")),
        (&["apply", "/dev/zero"], (2, "usage")),
        (&["workspace", "create", "new", "--policy", "/dev/zero"], (2, "usage")),
    ] {
        peaks.push(assert_small(&sandbox, arguments, "a file", None, expected));
    }
    let most = peaks.iter().max().copied().unwrap_or_default();
    report(&format!(
        "input without an end: {} runs of up to {} MiB, none with more than {most} KiB of memory",
        peaks.len(),
        much() >> 20
    ));
}

#[test]
fn a_command_that_asks_nothing_of_stdin_does_not_read_it() {
    if !can_look() {
        return;
    }
    let sandbox = Sandbox::with_keys(&["ci"]);
    for (arguments, status) in [
        (&["list"][..], 0),
        (&["mint", "new", "--out", "new.key"], 0),
        (&["revoke", "ci"], 2),
        (&["workspace", "delete", "default"], 4),
    ] {
        let run = Unheard::start(&sandbox, arguments, Some(zeros()));
        assert!(peak_memory(run.process()) < MOST, "{arguments:?}");
        assert_eq!(run.heard().0, status, "{arguments:?}");
    }
}

/// Asks a stream a great deal and asserts that it then still knows a key, with little memory.
fn assert_stream_small(what: &str, asks: impl FnOnce(&mut Stream)) {
    if !can_look() {
        return;
    }
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut stream = Stream::start(&sandbox, &["--no-record"]);
    let begun = Instant::now();
    asks(&mut stream);
    stream.expect(&secret, "valid");
    let peak = peak_memory(stream.process());
    assert!(peak < MOST, "{what} took {peak} KiB");
    let ended = stream.end();
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    let took = begun.elapsed();
    report(&format!("a stream, {what}: {took:?}, {peak} KiB of memory"));
}

#[test]
fn a_stream_keeps_nothing_of_a_line_that_does_not_end() {
    let mebibytes = much() >> 20;
    assert_stream_small(&format!("a line of {mebibytes} MiB"), |stream| {
        for _ in 0..mebibytes {
            stream.send(vec![0; 1 << 20]);
        }
        stream.expect("", "bad_request");
    });
}

#[test]
fn a_stream_keeps_nothing_of_the_longest_lines() {
    // A quarter: each of them is looked at, and an unoptimised build has to come to the end within a stream's minute.
    let mebibytes = much() >> 22;
    assert_stream_small(&format!("{mebibytes} MiB of the longest lines"), |stream| {
        let longest = format!("{}\n", "k".repeat(64 * 1024));
        for _ in 0..mebibytes {
            // Not more at once than their answers have room for.
            stream.send(longest.repeat(16));
            for _ in 0..16 {
                assert_eq!(stream.answer()["code"], "malformed");
            }
        }
    });
}

#[test]
fn a_stream_keeps_nothing_of_tokens_that_nobody_has() {
    let hundreds = if is_thorough() { 1_000 } else { 50 };
    assert_stream_small(&format!("{hundreds}00 unknown tokens"), |stream| {
        for hundred in 0..hundreds {
            let token = |number: u32| {
                let body = format!("kw_live_0123456789ab{:032}", hundred * 100 + number);
                format!("{body}{}\n", token::checksum(&body, token::BASE62))
            };
            stream.send((0..100).map(token).collect::<String>());
            for _ in 0..100 {
                assert_eq!(stream.answer()["code"], "not_found");
            }
        }
    });
}

#[test]
fn a_stream_of_endless_zeros_still_hears_that_it_is_to_end() {
    if !can_look() {
        return;
    }
    let sandbox = Sandbox::with_keys(&["ci"]);
    let mut child = Command::new(KEYWARD)
        .args(["verify", "--stream"])
        .env_clear()
        .envs(sandbox.variables())
        .stdin(zeros())
        .stdout(Stdio::piped())
        .spawn()
        .expect("keyward can be started");
    thread::sleep(Duration::from_millis(500));
    let peak = peak_memory(child.id());
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it is still reading");
    let begun = Instant::now();
    while child.try_wait().expect("it can be asked after").is_none() {
        if begun.elapsed() > PROMPT {
            let _ = child.kill();
        }
        thread::sleep(Duration::from_millis(10));
    }
    let status = child.wait().expect("it has ended").code();
    assert_eq!(status, Some(0), "it did not end by itself");
    assert!(peak < MOST, "{peak} KiB");
}
