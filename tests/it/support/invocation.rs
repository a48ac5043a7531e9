//! One run of keyward: what goes in, what came out, and the assertions nearly every test makes of it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// No command takes this long; one that does hangs, and is killed so that the test can say so.
const PATIENCE: Duration = Duration::from_secs(60);

/// A prepared run of keyward in an environment that holds PATH, HOME and TERM=dumb alone, with no terminal.
#[must_use = "an invocation does nothing until it is run"]
pub struct Invocation {
    home: PathBuf,
    wrapper: Vec<OsString>,
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: PathBuf,
    stdin: Option<Vec<u8>>,
    stdout: Option<File>,
}

impl Invocation {
    pub(super) fn new<I, S>(home: &Path, program: &OsStr, arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let invocation = Self {
            home: home.to_owned(),
            wrapper: Vec::new(),
            program: program.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: home.to_owned(),
            stdin: None,
            stdout: None,
        };
        invocation.args(arguments)
    }

    /// Adds arguments at the end.
    pub fn args<I, S>(mut self, arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Starts it through another program, whose command line these words begin.
    pub fn through<I, S>(mut self, words: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.wrapper = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Gives these bytes on stdin, as they are; without this, stdin is empty.
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = Some(bytes.as_ref().to_owned());
        self
    }

    /// Runs in this folder; without this, in HOME.
    pub fn cwd(mut self, folder: impl AsRef<Path>) -> Self {
        folder.as_ref().clone_into(&mut self.folder);
        self
    }

    /// Sends stdout to this file instead of the test.
    pub fn stdout(mut self, file: File) -> Self {
        self.stdout = Some(file);
        self
    }

    /// Runs it, whatever comes of it.
    #[must_use = "assert something of the output"]
    pub fn run(self) -> Output {
        let mut line = self.wrapper.iter().chain([&self.program]);
        let mut command = Command::new(line.next().expect("there is at least the program"));
        command
            .args(line)
            .args(&self.arguments)
            .env_clear()
            .env("PATH", super::variable("PATH").unwrap_or_default())
            .env("HOME", &self.home)
            .env("TERM", "dumb")
            .envs(self.environment)
            .current_dir(&self.folder)
            .stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(self.stdout.map_or_else(Stdio::piped, Stdio::from))
            .stderr(Stdio::piped());
        let words: Vec<_> =
            self.arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let name = PathBuf::from(Path::new(&self.program).file_name().unwrap_or_default());
        let mut child = command.spawn().expect("the program can be started");
        let watch = kill_when_it_hangs(&child);
        // A thread of its own: keyward may answer before it has read everything, and both pipes are finite.
        let writer = child.stdin.take().map(|mut pipe| {
            let bytes = self.stdin.unwrap_or_default();
            thread::spawn(move || {
                // A reader that needs no more closes its end, which is allowed.
                let _ = pipe.write_all(&bytes);
            })
        });
        let output = child.wait_with_output().expect("the output of keyward can be collected");
        drop(watch);
        if let Some(writer) = writer {
            writer.join().expect("the writer of stdin does not panic");
        }
        let status =
            output.status.code().or_else(|| output.status.signal().map(|signal| 128 + signal));
        Output {
            command: format!("{} {}", name.display(), words.join(" ")),
            home: self.home.display().to_string(),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            status: status.expect("a process ends by a status or a signal"),
        }
    }

    /// Runs it and asserts that it succeeds.
    pub fn ok(self) -> Output {
        self.exit(0)
    }

    /// Runs it and asserts its exit status.
    pub fn exit(self, status: i32) -> Output {
        let output = self.run();
        assert_eq!(
            output.status,
            status,
            "unexpected exit status of {}\n{}",
            output.command,
            output.transcript()
        );
        output
    }

    /// Runs it with `--json`, asserts that it succeeds, and returns the one document on stdout.
    pub fn answer(self) -> Value {
        self.with_json().ok().json()
    }

    /// Runs it with `--json`, asserts this exit status and code word, and returns the error object.
    pub fn refused(self, status: i32, code: &str) -> Value {
        let output = self.with_json().exit(status);
        let error = output.error();
        assert_eq!(
            error["code"],
            code,
            "unexpected code of {}\n{}",
            output.command,
            output.transcript()
        );
        assert_eq!(
            error["exit"], status,
            "the error names another exit status than the process\n{error:#}"
        );
        error
    }

    // In front of the command, so that it holds for `mint … -- CMD` as well.
    fn with_json(mut self) -> Self {
        self.arguments.insert(0, "--json".into());
        self
    }
}

/// Kills the child when it has not ended in time; dropping what this returns calls that off.
fn kill_when_it_hangs(child: &Child) -> mpsc::Sender<()> {
    let pid = Pid::from_child(child);
    let (called_off, signal) = mpsc::channel();
    thread::spawn(move || {
        if signal.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            // It may have ended this very moment; then there is nothing to kill.
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    called_off
}

/// What a run of keyward left: both streams and the exit status (128 + N when signal N ended it).
pub struct Output {
    command: String,
    /// HOME, which a transcript calls `~`.
    home: String,
    /// Everything on stdout.
    pub stdout: String,
    /// Everything on stderr, with anything that is not UTF-8 replaced.
    pub stderr: String,
    /// The exit status.
    pub status: i32,
}

impl Output {
    /// Parses stdout as one JSON document, which must be pure ASCII.
    pub fn json(&self) -> Value {
        assert!(
            self.stdout.is_ascii(),
            "stdout of {} is not pure ASCII\n{}",
            self.command,
            self.stdout
        );
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!(
                "stdout of {} is not one JSON document: {error}\n{}",
                self.command,
                self.transcript()
            )
        })
    }

    /// Parses each line of stdout as one JSON document.
    #[must_use]
    pub fn json_lines(&self) -> Vec<Value> {
        let lines = self.stdout.lines().map(serde_json::from_str);
        lines.map(|line| line.expect("a line is one document")).collect()
    }

    /// The error object: stdout must be empty, and stderr one JSON document.
    pub fn error(&self) -> Value {
        assert_eq!(self.stdout, "", "stdout of the failing {} is not empty", self.command);
        assert!(
            self.stderr.is_ascii(),
            "stderr of {} is not pure ASCII\n{}",
            self.command,
            self.stderr
        );
        let document: Value = serde_json::from_str(&self.stderr).unwrap_or_else(|error| {
            panic!("stderr of {} is not one JSON document: {error}\n{}", self.command, self.stderr)
        });
        assert!(document["error"].is_object(), "no error object in {document:#}");
        document["error"].clone()
    }

    /// The only line on stdout, without its LF.
    #[must_use]
    pub fn line(&self) -> String {
        let line = self.stdout.strip_suffix('\n');
        let line = line.unwrap_or_else(|| {
            panic!("stdout of {} does not end in LF: {:?}", self.command, self.stdout)
        });
        assert!(!line.contains('\n'), "stdout of {} is more than one line: {line:?}", self.command);
        line.to_owned()
    }

    /// Both streams and the exit status as one text, with what differs from run to run replaced by its name.
    #[must_use]
    pub fn transcript(&self) -> String {
        super::transcript::transcript(self, &self.home)
    }
}
