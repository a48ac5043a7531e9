//! A running `keyward verify --stream`: lines go in, answers come out, and it lives for as long as a test lets it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Once, mpsc};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use super::{KEYWARD, Sandbox};

/// No test keeps a stream for this long; one that lasts hangs, and is killed so that the test can say so.
const PATIENCE: Duration = Duration::from_secs(60);

/// A stream that is running. It is killed when it is dropped, so that a test that fails leaves no process behind.
pub struct Stream {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
    // Held for its `Drop`, which calls the watch off.
    _watch: mpsc::Sender<()>,
}

/// What a stream left when it ended.
#[must_use = "assert something of how the stream ended"]
pub struct Ended {
    /// The answers that had not been read.
    pub rest: Vec<Value>,
    /// Everything on stderr.
    pub stderr: String,
    /// The exit status (128 + N when signal N ended it).
    pub status: i32,
}

impl Stream {
    /// Starts `keyward verify --stream` with these flags.
    pub fn start(sandbox: &Sandbox, flags: &[&str]) -> Self {
        Self::start_within(sandbox, &[], flags)
    }

    /// The same behind this command line, which starts the rest of its arguments in its own place.
    pub fn start_within(sandbox: &Sandbox, within: &[&str], flags: &[&str]) -> Self {
        let_children_hear_signals();
        let words = [within, &[KEYWARD, "verify", "--stream"]].concat();
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .args(flags)
            .env_clear()
            .envs(sandbox.variables())
            .env("TERM", "dumb")
            .current_dir(sandbox.home())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("keyward can be started");
        let pid = Pid::from_child(&child);
        let (watch, called_off) = mpsc::channel::<()>();
        thread::spawn(move || {
            let patience = if super::is_thorough() { PATIENCE * 30 } else { PATIENCE };
            if called_off.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout) {
                // It may have ended this very moment; then there is nothing to kill.
                let _ = kill_process(pid, Signal::KILL);
            }
        });
        Self {
            input: child.stdin.take(),
            output: child.stdout.take().map(BufReader::new),
            child,
            _watch: watch,
        }
    }

    /// Its number.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Writes bytes as they are. A stream that has ended takes none, which is for the test to notice.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let input = self.input.as_mut().expect("the input is still open");
        let _ = input.write_all(bytes.as_ref());
    }

    /// Reads the next answer as it was written, without its LF.
    pub fn line(&mut self) -> String {
        let output = self.output.as_mut().expect("the output is still open");
        let mut line = String::new();
        output.read_line(&mut line).expect("answers are text");
        let line = line.strip_suffix('\n').map(str::to_owned);
        line.expect("the stream ended where an answer was due")
    }

    /// Reads the next answer.
    pub fn answer(&mut self) -> Value {
        parsed(&self.line())
    }

    /// Writes one line and reads its answer, while the input stays open.
    pub fn ask(&mut self, line: &str) -> Value {
        self.send(format!("{line}\n"));
        self.answer()
    }

    /// Writes one line and asserts the code of its answer.
    #[track_caller]
    pub fn expect(&mut self, line: &str, code: &str) -> Value {
        let verdict = self.ask(line);
        assert_eq!(verdict["code"], code, "{verdict:#}");
        verdict
    }

    /// Closes the end of stdout that answers are read from, and sends a line until the stream has ended for want of a reader.
    /// Returns how often it was sent: a process that another test starts at this moment holds that end too, until it becomes its
    /// own program, so the first answer may still be taken.
    pub fn abandon(&mut self, line: &str) -> i64 {
        self.output = None;
        let mut sent = 0;
        while self.is_running() {
            self.send(format!("{line}\n"));
            sent += 1;
            thread::sleep(Duration::from_millis(20));
        }
        sent
    }

    /// Whether it is still running.
    pub fn is_running(&mut self) -> bool {
        let status = self.child.try_wait().expect("a child can be asked after");
        status.is_none()
    }

    /// Ends its input and waits for it.
    pub fn end(mut self) -> Ended {
        self.input = None;
        self.ended()
    }

    /// Sends it a signal, with its input still open, and waits for it.
    pub fn signalled(mut self, signal: Signal) -> Ended {
        self.signal(signal);
        self.ended()
    }

    /// Sends it a signal and waits for nothing.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a child can be signalled");
    }

    /// Waits until it has ended by itself.
    pub fn ended(&mut self) -> Ended {
        let mut rest = String::new();
        if let Some(mut output) = self.output.take() {
            output.read_to_string(&mut rest).expect("answers are text");
        }
        let mut stderr = Vec::new();
        let mut pipe = self.child.stderr.take().expect("stderr is a pipe");
        pipe.read_to_end(&mut stderr).expect("stderr can be read");
        let status = self.child.wait().expect("a child ends");
        let code = status.code().or(status.signal().map(|signal| 128 + signal));
        Ended {
            rest: rest.lines().map(parsed).collect(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            status: code.expect("a process ends by a status or a signal"),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // It has usually ended; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Undoes that signals are ignored, as a shell has it for what it starts in the background: a child inherits that, and
/// keyward respects it. A signal that is caught is a child's own again; here it has its usual effect.
pub fn let_children_hear_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            flag::register_conditional_default(signal, Arc::new(AtomicBool::new(true)))
                .expect("a signal can be caught");
        }
    });
}

/// An answer, which must be an object in pure ASCII.
#[must_use]
pub fn parsed(line: &str) -> Value {
    assert!(line.is_ascii(), "not pure ASCII: {line}");
    let answer: Value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    assert!(answer.is_object(), "not an object: {line}");
    answer
}

/// Sends all of the input to a stream of its own and returns the answers, in order.
pub fn answers(sandbox: &Sandbox, flags: &[&str], input: impl AsRef<[u8]>) -> Vec<Value> {
    let output = sandbox.keyward(["verify", "--stream"]).args(flags);
    let output = output.stdin(input).ok();
    assert_eq!(output.stderr, "", "a stream that went well says nothing");
    output.stdout.lines().map(parsed).collect()
}

/// A field of each of these answers, as text; `null` where it is not there.
#[must_use]
pub fn each(answers: &[Value], field: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    answers.iter().map(|answer| text(&answer[field])).collect()
}
