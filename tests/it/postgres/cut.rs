//! A connection that is cut after any message of a command, so that the server has the message or has it not.
//!
//! Whatever is told is so: exit status 0 if and only if the change is there, and after 7 and 16 no key lives.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use keyward::{Keyring, MintRequest, Timestamp};

use super::{sandbox, schema};
use crate::support::server::Server;
use crate::support::time::now;
use crate::support::{Output, Sandbox};

/// Something between keyward and a server, through which each connection goes until it is cut.
struct Proxy {
    folder: tempfile::TempDir,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// How many messages still go through; fewer than none never end.
    left: AtomicI64,
    /// Whether the last is given to the server, and only its answer is lost.
    is_answer_lost: std::sync::atomic::AtomicBool,
    /// Whether everything that comes later is refused.
    stays_cut: std::sync::atomic::AtomicBool,
    seen: AtomicUsize,
}

impl Proxy {
    fn start(server: &Server) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let state = Arc::new(State { left: AtomicI64::new(-1), ..State::default() });
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).expect("a socket");
        let (target, shared) = (server.socket().join(".s.PGSQL.5432"), Arc::clone(&state));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (target, state) = (target.clone(), Arc::clone(&shared));
                thread::spawn(move || pass(client, target, &state));
            }
        });
        Self { folder, state }
    }

    /// Runs a command through it, cut after so many messages.
    fn run(&self, sandbox: &Sandbox, arguments: &[&str], cut: Option<(i64, bool, bool)>) -> Output {
        let (after, is_answer_lost, stays_cut) = cut.unwrap_or((-1, false, false));
        self.state.left.store(after, Ordering::SeqCst);
        self.state.is_answer_lost.store(is_answer_lost, Ordering::SeqCst);
        self.state.stays_cut.store(stays_cut, Ordering::SeqCst);
        self.state.seen.store(0, Ordering::SeqCst);
        let place = sandbox.place().expect("on a server");
        let (_, parameters) = place.split_once("&user").expect("the host comes first");
        let place =
            format!("postgres:///postgres?host={}&user{parameters}", self.folder.path().display());
        sandbox.keyward(arguments).args(["--wait", "2s"]).env("KEYWARD_STORE", place).run()
    }
}

/// Passes on what comes from a client, message by message, and whatever comes back.
fn pass(mut client: UnixStream, target: PathBuf, state: &State) {
    if state.left.load(Ordering::SeqCst) == 0 && state.stays_cut.load(Ordering::SeqCst) {
        return;
    }
    let Ok(mut server) = UnixStream::connect(target) else { return };
    let (mut answers, mut back) =
        (server.try_clone().expect("a socket"), client.try_clone().expect("a socket"));
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = answers.read(&mut buffer) {
            if back.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = back.shutdown(std::net::Shutdown::Both);
    });
    let mut is_first = true;
    loop {
        // The first message has no type (PostgreSQL's protocol, "Message Formats").
        let mut head = vec![0; if is_first { 4 } else { 5 }];
        if client.read_exact(&mut head).is_err() {
            break;
        }
        let length = head[head.len() - 4..].try_into().map(u32::from_be_bytes).expect("four bytes");
        let mut rest = vec![0; length as usize - 4];
        if client.read_exact(&mut rest).is_err() {
            break;
        }
        // What the server answers: statements, and the ends of those that are prepared.
        let counts = !is_first && matches!(head[0], b'Q' | b'S');
        is_first = false;
        let is_last = counts && {
            state.seen.fetch_add(1, Ordering::SeqCst);
            let left = state.left.load(Ordering::SeqCst);
            if left > 0 {
                state.left.store(left - 1, Ordering::SeqCst);
            }
            left == 1
        };
        if is_last && !state.is_answer_lost.load(Ordering::SeqCst) {
            break;
        }
        if is_last {
            // Its answer does not get through.
            let _ = client.shutdown(std::net::Shutdown::Both);
        }
        if server.write_all(&[head, rest].concat()).is_err() || is_last {
            break;
        }
    }
    let _ = (client.shutdown(std::net::Shutdown::Both), server.shutdown(std::net::Shutdown::Write));
}

/// Runs a command that changes something, cut at every message of it, and has each outcome judged.
fn cut_everywhere(
    server: &Server,
    sandbox: &Sandbox,
    command: &dyn Fn(usize) -> Vec<String>,
    judge: &dyn Fn(usize, &Output),
) {
    let proxy = Proxy::start(server);
    let mut number = 0;
    let mut run = |cut| {
        number += 1;
        let arguments = command(number);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = proxy.run(sandbox, &arguments, cut);
        judge(number, &output);
        (output.status, proxy.state.seen.load(Ordering::SeqCst))
    };
    let (status, messages) = run(None);
    assert_eq!(status, 0);
    assert!(messages > 4, "only {messages} messages");
    let mut unknown = 0;
    for after in 1..=messages as i64 {
        for (is_answer_lost, stays_cut) in [(false, false), (true, false), (true, true)] {
            let (status, _) = run(Some((after, is_answer_lost, stays_cut)));
            assert!([0, 7, 16, 17].contains(&status), "{status} after {after} of {messages}");
            unknown += usize::from(status == 17);
            assert!(status != 17 || stays_cut, "what can be looked up is not unknown");
        }
    }
    assert!(
        unknown > 0,
        "a commit without an answer is unknown while the server cannot be reached"
    );
}

/// What the key of this name is, without the proxy.
fn status(sandbox: &Sandbox, name: &str) -> Option<String> {
    let listed = sandbox.keyward(["list", "--all", "--name", name]).answer();
    let keys = listed["keys"].as_array().expect("a list").clone();
    let own = keys.iter().find(|key| key["name"] == name);
    own.map(|key| key["status"].as_str().expect("a word").to_owned())
}

#[test]
fn a_mint_that_is_cut_anywhere_leaves_no_live_key_without_a_holder() {
    let Some(sandbox) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    sandbox.mint("first");
    let command = |number: usize| {
        ["mint", &format!("key-{number:03}"), "--out", &format!("{number}.key")]
            .map(str::to_owned)
            .to_vec()
    };
    cut_everywhere(server, &sandbox, &command, &|number, output| {
        let name = format!("key-{number:03}");
        let status = status(&sandbox, &name);
        let is_active = status.as_deref() == Some("active");
        match output.status {
            0 => {
                assert!(is_active, "{}", output.transcript());
                let secret = fs::read_to_string(sandbox.home().join(format!("{number}.key")));
                sandbox.verdict(
                    secret.expect("delivered").trim_end(),
                    &["--no-record"],
                    0,
                    "valid",
                );
            }
            17 => {}
            _ => assert!(!is_active, "{status:?} after {}", output.transcript()),
        }
    });
    sandbox.keyward(["store", "check"]).ok();
}

#[test]
fn a_revocation_that_is_cut_anywhere_is_told_as_it_is() {
    let Some(sandbox) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    let place = Path::new(sandbox.place().expect("on a server"));
    let clock = || Timestamp::from_millis(now());
    let mut keyring =
        Keyring::open(place, Duration::from_secs(10), clock).expect("there is a store");
    sandbox.mint("first");
    for number in 1..=120 {
        let name = format!("key-{number:03}").parse().expect("a name");
        let minted = keyring.mint(&MintRequest::new(name), |_, _| std::io::Result::Ok(()));
        minted.expect("minted");
    }
    let command = |number: usize| {
        ["revoke", &format!("key-{number:03}"), "--yes"].map(str::to_owned).to_vec()
    };
    cut_everywhere(server, &sandbox, &command, &|number, output| {
        let status = status(&sandbox, &format!("key-{number:03}"));
        match output.status {
            0 => assert_eq!(status.as_deref(), Some("revoked"), "{}", output.transcript()),
            17 => {}
            _ => assert_eq!(status.as_deref(), Some("active"), "{}", output.transcript()),
        }
    });
    // The events of what was done, and of nothing else.
    let revoked =
        format!("SELECT count(*) FROM {0}.audit WHERE action = 'key.revoke'", schema(&sandbox));
    let ended = format!("SELECT count(*) FROM {0}.key WHERE state = 'revoked'", schema(&sandbox));
    assert_eq!(server.psql(&revoked), server.psql(&ended));
}
