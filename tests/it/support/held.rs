//! A run of keyward that is held in the middle of its delivery.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Invocation, Output};

/// A run of keyward in the middle of its delivery: its command has read the secret and waits.
pub struct Held {
    folder: PathBuf,
    /// The process of keyward.
    pub keyward: i32,
    /// The process of the command that has the secret.
    pub command: i32,
    /// The secret, as the command got it.
    pub secret: String,
    running: JoinHandle<Output>,
}

/// What the command does: it keeps what it read, says who it is, and waits until it is told to go on. It does not wait
/// permanently, so that a test that fails leaves no process behind.
const HOLDING: &str = "cat >held.secret && echo $PPID $$ >held.partly && mv held.partly held.pids; \
    rounds=0; while ! test -e held.go; do \
    sleep 0.02; rounds=$((rounds + 1)); test $rounds -lt 3000 || exit 1; done";

impl Held {
    /// Starts a mint or rotate, given without its sink, and waits until the secret has reached its command.
    pub fn start(folder: &Path, run: Invocation) -> Self {
        for leftover in ["held.secret", "held.pids", "held.go"] {
            let _ = fs::remove_file(folder.join(leftover));
        }
        let run = run.args(["--", "sh", "-c", HOLDING]).cwd(folder);
        let running = thread::spawn(move || run.run());
        let pids = folder.join("held.pids");
        let begun = Instant::now();
        while !pids.exists() {
            assert!(
                begun.elapsed() < Duration::from_secs(30) && !running.is_finished(),
                "the command did not get the secret: {}",
                match running.is_finished() {
                    true => running.join().expect("a run does not panic").transcript(),
                    false => "it is still waiting".to_owned(),
                }
            );
            thread::sleep(Duration::from_millis(10));
        }
        let pids = fs::read_to_string(pids).expect("the command wrote who it is");
        let pids: Vec<i32> = pids
            .split_whitespace()
            .map(|pid| pid.parse().expect("a process id is a number"))
            .collect();
        let secret = fs::read_to_string(folder.join("held.secret")).expect("the command read it");
        // The copy is the command's own; tests look for the secret in every other file.
        fs::remove_file(folder.join("held.secret")).expect("the copy can be removed");
        Self {
            folder: folder.to_owned(),
            keyward: pids[0],
            command: pids[1],
            secret: secret.trim_end_matches('\n').to_owned(),
            running,
        }
    }

    /// Lets the command end well and returns what keyward made of it.
    pub fn release(self) -> Output {
        let go = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(self.folder.join("held.go"));
        drop(go.expect("the folder is writable"));
        self.running.join().expect("a run does not panic")
    }

    /// Sends keyward, and only it, a signal and returns what it made of it.
    pub fn signalled(self, signal: Signal) -> Output {
        send(self.keyward, signal);
        self.running.join().expect("a run does not panic")
    }

    /// Kills keyward on the spot, and then the command that has outlived it.
    pub fn killed(self) {
        send(self.keyward, Signal::KILL);
        send(self.command, Signal::KILL);
        let output = self.running.join().expect("a run does not panic");
        assert_eq!(output.status, 137, "it was not killed");
    }

    /// Ends keyward by a signal that it does not catch, then kills the command that has outlived it, and returns what
    /// keyward left.
    pub fn ended_by(self, signal: Signal) -> Output {
        let stat = format!("/proc/{}/stat", self.keyward);
        // More than once: of a fault that is not a real one Rust's handler makes nothing the first time. The command stays until
        // then, because its end would be taken for a failed delivery.
        while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            send(self.keyward, signal);
            thread::sleep(Duration::from_millis(2));
        }
        send(self.command, Signal::KILL);
        self.running.join().expect("a run does not panic")
    }
}

fn send(process: i32, signal: Signal) {
    let pid = Pid::from_raw(process).expect("a process id is positive");
    kill_process(pid, signal).expect("the process is running");
}
