//! Something between keyward and a server that cuts a connection after any message, so that the server has the message or has it not.

use std::io::{BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::thread;

use crate::support::server::Server;
use crate::support::{Output, Sandbox, is_thorough};

/// A command that is cut.
pub struct Cut {
    pub arguments: Vec<String>,
    pub stdin: String,
    pub environment: Vec<(&'static str, PathBuf)>,
}

impl Cut {
    /// One that needs neither input nor variables.
    pub fn of(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&word| word.to_owned()).collect();
        Self { arguments, stdin: String::new(), environment: Vec::new() }
    }
}

/// Something between keyward and a server, through which each connection goes until it is cut.
pub struct Proxy {
    folder: tempfile::TempDir,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// How many messages still go through; fewer than none never end.
    left: AtomicI64,
    /// Whether the last is given to the server, and only its answer is lost.
    is_answer_lost: AtomicBool,
    /// Whether everything that comes later is refused.
    stays_cut: AtomicBool,
    seen: AtomicUsize,
    /// How often something was sent behind an answer.
    ways: AtomicUsize,
    /// Whether the server has answered since something was sent.
    has_answered: AtomicBool,
}

impl Proxy {
    pub fn start(server: &Server) -> Self {
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

    /// How often a command that works has the server answer it, once it is connected.
    pub fn ways(&self, sandbox: &Sandbox, command: &Cut) -> usize {
        let output = self.run(sandbox, command, None);
        assert_eq!(output.status, 0, "{}", output.transcript());
        self.state.ways.load(Ordering::SeqCst)
    }

    /// Runs a command through it, cut after so many messages.
    fn run(&self, sandbox: &Sandbox, command: &Cut, cut: Option<(i64, bool, bool)>) -> Output {
        let (after, is_answer_lost, stays_cut) = cut.unwrap_or((-1, false, false));
        self.state.left.store(after, Ordering::SeqCst);
        self.state.is_answer_lost.store(is_answer_lost, Ordering::SeqCst);
        self.state.stays_cut.store(stays_cut, Ordering::SeqCst);
        self.state.seen.store(0, Ordering::SeqCst);
        self.state.ways.store(0, Ordering::SeqCst);
        let place = sandbox.place().expect("on a server");
        let (_, parameters) = place.split_once("&user").expect("the host comes first");
        let place =
            format!("postgres:///postgres?host={}&user{parameters}", self.folder.path().display());
        let wait = if stays_cut { "300ms" } else { "10s" };
        let run = sandbox.keyward(["--wait", wait]).args(&command.arguments).stdin(&command.stdin);
        let with =
            |run: crate::support::Invocation, (name, value): &(&str, PathBuf)| run.env(name, value);
        command.environment.iter().fold(run, with).env("KEYWARD_STORE", place).run()
    }
}

/// Passes on what comes from a client, message by message, and whatever comes back.
fn pass(client: UnixStream, target: PathBuf, state: &Arc<State>) {
    if state.left.load(Ordering::SeqCst) == 0 && state.stays_cut.load(Ordering::SeqCst) {
        return;
    }
    let Ok(mut server) = UnixStream::connect(target) else { return };
    let (mut answers, mut back) =
        (server.try_clone().expect("a socket"), client.try_clone().expect("a socket"));
    let shared = Arc::clone(state);
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = answers.read(&mut buffer) {
            shared.has_answered.store(true, Ordering::SeqCst);
            if back.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = back.shutdown(std::net::Shutdown::Both);
    });
    let mut is_first = true;
    let mut sent = BufReader::with_capacity(1 << 16, &client);
    let mut begins = true;
    loop {
        begins |= sent.buffer().is_empty();
        // The first message has no type (PostgreSQL's protocol, "Message Formats").
        let mut head = vec![0; if is_first { 4 } else { 5 }];
        if sent.read_exact(&mut head).is_err() {
            break;
        }
        let length = head[head.len() - 4..].try_into().map(u32::from_be_bytes).expect("four bytes");
        let mut rest = vec![0; length as usize - 4];
        if sent.read_exact(&mut rest).is_err() {
            break;
        }
        // Nobody waits for the end of a transaction that changes nothing, nor for that of the connection.
        let is_waited_for = !is_first && head[0] != b'X' && rest != b"ROLLBACK\0";
        if is_waited_for {
            let is_answered = begins && state.has_answered.swap(false, Ordering::SeqCst);
            state.ways.fetch_add(is_answered.into(), Ordering::SeqCst);
            begins = false;
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
pub fn cut_everywhere(
    server: &Server,
    sandbox: &Sandbox,
    command: &dyn Fn(usize) -> Cut,
    judge: &dyn Fn(usize, &Output),
) {
    let proxy = Proxy::start(server);
    let mut number = 0;
    let mut run = |cut| {
        number += 1;
        let output = proxy.run(sandbox, &command(number), cut);
        judge(number, &output);
        (output.status, proxy.state.seen.load(Ordering::SeqCst))
    };
    let (status, messages) = run(None);
    assert_eq!(status, 0);
    assert!(messages > 4, "only {messages} messages");
    let mut unknown = 0;
    // A later run may have some more.
    for after in 1..=messages as i64 + 4 {
        let ways = [(false, false), (true, false), (true, true)];
        // The short form cuts the way to the server at every other message, and the way back at those between.
        let ways = ways.iter().filter(|(is_answer_lost, stays_cut)| {
            is_thorough() || *stays_cut || *is_answer_lost == (after % 2 == 0)
        });
        for &(is_answer_lost, stays_cut) in ways {
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

/// The state of the keys of this name in the tables, without the proxy; the newest first.
pub fn states(sandbox: &Sandbox, name: &str) -> Vec<String> {
    sandbox.rows(&format!("SELECT state FROM key WHERE name = '{name}' ORDER BY seq DESC")).concat()
}
