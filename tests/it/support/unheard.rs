//! A run whose answer nobody takes yet: it has done its work and waits, so that a test can look at what it holds.

use std::fs;
use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_setfl};
use serde_json::Value;

use super::{KEYWARD, Sandbox};

/// No run takes this long until it answers; one that does hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// For how long a process must have done nothing until it is said to wait.
const QUIET: Duration = Duration::from_millis(60);

/// A keyward with `--json`, both of whose streams lead to a pipe that is full. It is killed when it is dropped.
pub struct Unheard {
    child: Child,
    reader: PipeReader,
    /// What stands in the pipe before anything of keyward's.
    filled: usize,
}

impl Unheard {
    /// Starts keyward with these arguments and this stdin, which is empty where none is given, and waits until it has an
    /// answer.
    pub fn start(sandbox: &Sandbox, arguments: &[&str], stdin: Option<File>) -> Self {
        let (reader, mut writer) = std::io::pipe().expect("a pipe can be made");
        fcntl_setfl(&writer, OFlags::NONBLOCK).expect("a pipe can be told not to wait");
        let mut filled = 0;
        for room in [4096, 1] {
            while let Ok(written) = writer.write(&[b'-'; 4096][..room]) {
                filled += written;
            }
        }
        fcntl_setfl(&writer, OFlags::empty()).expect("a pipe can be told to wait");
        let child = Command::new(KEYWARD)
            .arg("--json")
            .args(arguments)
            .env_clear()
            .envs(sandbox.variables())
            .current_dir(sandbox.home())
            .stdin(stdin.map_or_else(Stdio::null, Stdio::from))
            .stdout(writer.try_clone().expect("a pipe has room for two"))
            .stderr(writer)
            .spawn()
            .expect("keyward can be started");
        let mut unheard = Self { child, reader, filled };
        unheard.wait(arguments);
        unheard
    }

    /// Waits until it sleeps and uses no time any more.
    fn wait(&mut self, arguments: &[&str]) {
        let begun = Instant::now();
        let mut last = (String::new(), begun);
        loop {
            assert!(begun.elapsed() < PATIENCE, "keyward {arguments:?} does not come to an answer");
            let ended = self.child.try_wait().expect("a child can be asked after");
            assert!(ended.is_none(), "keyward {arguments:?} ended without saying anything");
            let used = time_used(self.process());
            if used != last.0 {
                last = (used, Instant::now());
            } else if used.starts_with('S') && last.1.elapsed() >= QUIET {
                return;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Its number.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Takes its answer: the exit status, and the code of the verdict or of the error, or the whole answer where there is
    /// neither.
    pub fn heard(mut self) -> (i32, Value) {
        let mut text = String::new();
        self.reader.read_to_string(&mut text).expect("answers are text");
        let status = self.child.wait().expect("a child ends").code();
        let answer = &text[self.filled..];
        let answer: Value =
            serde_json::from_str(answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
        let codes = [&answer["code"], &answer["error"]["code"]];
        let code = codes.into_iter().find(|code| code.is_string()).cloned();
        (status.expect("it ends by itself"), code.unwrap_or(answer.clone()))
    }
}

impl Drop for Unheard {
    fn drop(&mut self) {
        // It has usually ended; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process's state and the time it has used, as proc(5)'s `stat` has them.
fn time_used(process: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let (_, stat) = stat.rsplit_once(')').unwrap_or_default();
    let fields: Vec<&str> = stat.split_whitespace().collect();
    match fields[..] {
        [state, ..] if fields.len() > 12 => format!("{state} {} {}", fields[11], fields[12]),
        _ => String::new(),
    }
}

/// The most memory that a running process has had at once beside the pages of its program, in KiB.
#[must_use]
pub fn peak_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it is running");
    let figure = |name: &str| -> u64 {
        let figure = status.lines().find_map(|line| line.strip_prefix(name));
        let figure = figure.and_then(|figure| figure.trim().strip_suffix(" kB"));
        let figure = figure.and_then(|figure| figure.parse().ok());
        figure.unwrap_or_else(|| panic!("no {name} in\n{status}"))
    };
    // The pages of the program itself are the fewer the better it was optimised.
    figure("VmHWM:") - figure("RssFile:")
}
