//! A server that is killed at any system call by which a key is minted over HTTP: no live key is without a holder, and what
//! was answered is true.
//!
//! At each call by which something is sent, a thread is also held for a moment before the server is killed, so that the others
//! have done by then whatever does not wait for it: what is not sent yet must not be taken for sent.
//!
//! Elsewhere, the short form kills it at every so many calls. The whole one takes some minutes:
//!
//! ```sh
//! KEYWARD_THOROUGH=1 cargo test --locked --test it -- serve::killed --nocapture
//! ```

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::client::{Server, send, socket};
use crate::support::disturb::can_disturb;
use crate::support::{Sandbox, is_thorough, skipped, text};

/// What strace writes to.
const TRACE: &str = "trace";
/// The short form kills at every so many calls.
const EVERY: usize = 17;
/// The calls that send something.
const SENDS: [&str; 4] = ["sendmsg", "sendto", "write", "writev"];
/// How long a thread is held at such a call: longer than it takes to come there and to make a key live.
const HELD: Duration = Duration::from_millis(300);

/// strace, which watches a server that runs.
struct Watch {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Watch {
    /// Watches every thread of a server from now on. Nothing where that is not allowed.
    fn over(server: &Server, sandbox: &Sandbox, filter: &[&str]) -> Option<Self> {
        let mut child = Command::new("strace")
            .args(["-f", "-o", TRACE, "-p", &server.child.id().to_string()])
            .args(filter.iter().flat_map(|filter| ["-e", filter]))
            .current_dir(sandbox.home())
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("it says something");
        if line.contains(" attached") {
            return Some(Self { child, stderr });
        }
        child.wait().expect("it has ended");
        None
    }

    /// Lets go of the server, and waits until that is done.
    fn end(mut self) {
        // It has ended already if the server has.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let begun = Instant::now();
        while self.child.try_wait().expect("a child").is_none() {
            // It may wait for a thread of which it has missed the end.
            if begun.elapsed() > Duration::from_secs(1) {
                self.child.kill().expect("it runs");
            }
            thread::sleep(Duration::from_millis(5));
        }
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).expect("text");
    }
}

/// Mints a key of this name, and returns everything that comes until the connection ends.
fn mint(place: &str, name: &str) -> String {
    let mut got = Vec::new();
    let body = format!("{{\"name\":\"{name}\"}}");
    let request = send("POST", "/v1/keys", "Connection: close\r\n", &body);
    // It may be killed before it has read that, or before anybody comes.
    let path = place.strip_prefix("unix:").expect("a path");
    if let Ok(mut connection) = UnixStream::connect(path) {
        connection.set_read_timeout(Some(Duration::from_secs(20))).expect("possible");
        let _ = connection.write_all(request.as_bytes());
        let _ = connection.read_to_end(&mut got);
    }
    String::from_utf8(got).expect("an answer is text")
}

/// How often a thread makes each system call while a key is minted.
fn counted(server: &Server, sandbox: &Sandbox) -> Option<Vec<(String, u32)>> {
    let watch = Watch::over(server, sandbox, &["trace=all"])?;
    mint(&server.places[0], "counted");
    watch.end();
    let mut counts: BTreeMap<(String, String), u32> = BTreeMap::new();
    for line in sandbox.text(TRACE).lines() {
        let Some((thread, call)) = line.split_once(char::is_whitespace) else { continue };
        let Some((call, _)) = call.trim_start().split_once('(') else { continue };
        // `<... read resumed>)` is the end of one that was counted.
        if call.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            *counts.entry((call.to_owned(), thread.to_owned())).or_default() += 1;
        }
    }
    let mut most: BTreeMap<String, u32> = BTreeMap::new();
    for ((call, _), count) in counts {
        let of_all = most.entry(call).or_default();
        *of_all = count.max(*of_all);
    }
    Some(most.into_iter().collect())
}

/// What has become of a key whose server was killed, and that what was answered is true of it.
fn fate(sandbox: &Sandbox, name: &str, got: &str, point: &str) -> String {
    let keys = sandbox.keyward(["list", "--all", "--name", name]).answer();
    let keys = keys["keys"].as_array().expect("an array");
    assert!(keys.len() <= 1, "{point}: {keys:?}");
    let status = keys.first().map_or_else(|| "none".to_owned(), |key| text(key, "status"));
    let body = got.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    if status == "active" {
        // The last byte alone may be lost with the server.
        let body = body.trim_end_matches('}').to_owned() + "}";
        let whole: Value = serde_json::from_str(&body)
            .unwrap_or_else(|_| panic!("{point}: a live key without a holder: {got}"));
        sandbox.verdict(&text(&whole, "key"), &["--no-record"], 0, "valid");
        assert!(got.starts_with("HTTP/1.1 201 "), "{point}: {got}");
    } else {
        assert!(!body.ends_with('}') || got.starts_with("HTTP/1.1 5"), "{point}: {status}: {got}");
    }
    status
}

#[test]
fn killed_at_any_call_of_a_mint_it_leaves_no_live_key_without_a_holder() {
    if !can_disturb() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.mint("web");
    let place = socket(&sandbox, "admin.sock");
    let start = || Server::run(&sandbox, &["--manage", &place, "--workers", "1"]);
    let mut server = start();
    let Some(counts) = counted(&server, &sandbox) else {
        return skipped("strace may not watch a process that runs");
    };
    let points = counts.iter().flat_map(|(call, count)| (1..=*count).map(move |nth| (call, nth)));
    let all: Vec<_> = points.collect();
    let sends = all.iter().filter(|(call, _)| SENDS.contains(&call.as_str()));
    let held = sends.map(|(call, nth)| (*call, *nth, true));
    let step = if is_thorough() { 1 } else { EVERY };
    let points = all.iter().step_by(step).map(|(call, nth)| (*call, *nth, false));
    let points: Vec<_> = points.chain(held).collect();
    let (mut killed, mut fates) = (0, BTreeMap::<String, u32>::new());
    for (nth, (call, place_of, is_held)) in points.iter().enumerate() {
        let what = if *is_held { "delay_enter=60000000" } else { "signal=KILL" };
        let point = format!("{call}:{what}:when={place_of}");
        let inject = format!("inject={point}");
        let filter = [&format!("trace={call}")[..], &inject];
        let watch = Watch::over(&server, &sandbox, &filter).expect("it could before");
        let name = format!("n{nth:04}");
        let place = server.places[0].clone();
        let got = thread::scope(|scope| {
            let minting = scope.spawn(|| mint(&place, &name));
            if *is_held {
                thread::sleep(HELD);
                server.child.kill().expect("it runs");
                // A thread that is held ends with what holds it.
                watch.end();
                return minting.join();
            }
            let got = minting.join();
            watch.end();
            got
        });
        let got = got.expect("it ends");
        let ended = match is_held {
            true => server.child.wait().map(Some),
            false => server.child.try_wait(),
        };
        let ended = ended.expect("a child");
        if let Some(status) = ended {
            assert_eq!(status.signal(), Some(9), "{point}: {status}");
            killed += 1;
            server = start();
        } else {
            // That thread made fewer of these calls this time.
            assert!(got.ends_with('}'), "{point}: {got}");
        }
        *fates.entry(fate(&sandbox, &name, &got, &point)).or_default() += 1;
    }
    let total = points.len();
    writeln!(std::io::stderr(), "{total} calls, killed at {killed}: {fates:?}").expect("stderr");
    assert!(killed * 2 > total, "killed at {killed} of {total} calls");
    assert!(fates.len() > 1, "{fates:?}");
    sandbox.keyward(["store", "check"]).ok();
    sandbox.keyward(["audit", "verify"]).ok();
}
