//! Runs of keyward in which the operating system fails at a chosen call: kills the process, or gives an error.

use std::fmt;
use std::fs;

use super::scene::Scene;
use crate::support::{Output, Sandbox};

/// The system calls by which a run changes the world or begins with a file. Not every machine has every one; those it may
/// lack have a question mark.
pub const CALLS: [&str; 12] = [
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "?rename",
    "?renameat",
    "?renameat2",
    "?unlink",
    "?unlinkat",
    "ftruncate",
    "openat",
    "?open",
];

/// What happens at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed before the call does anything.
    Kill,
    /// The call does nothing and gives this error, and so does each after it when it goes on.
    Error { name: &'static str, goes_on: bool },
}

/// Every fault, in the order of the table. A call that is always interrupted is a fault of no machine: whoever tries
/// again would never end.
pub const FAULTS: [Fault; 6] = [
    Fault::Kill,
    error("EIO", false),
    error("EIO", true),
    error("ENOSPC", false),
    error("ENOSPC", true),
    error("EINTR", false),
];

/// A call that fails once, or from then on.
pub const fn error(name: &'static str, goes_on: bool) -> Fault {
    Fault::Error { name, goes_on }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill => formatter.write_str("KILL"),
            Self::Error { name, goes_on } => {
                write!(formatter, "{name}{}", if *goes_on { "+" } else { "" })
            }
        }
    }
}

/// One point: this fault at the call of this number, counted in each process by itself.
#[derive(Debug, Clone, Copy)]
pub struct Injection {
    pub fault: Fault,
    pub call: &'static str,
    pub place: u32,
}

impl fmt::Display for Injection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, place, .. } = self;
        match self.fault {
            Fault::Kill => write!(formatter, "{call}:signal=KILL:when={place}"),
            Fault::Error { name, goes_on } => {
                let on = if goes_on { "+" } else { "" };
                write!(formatter, "{call}:error={name}:when={place}{on}")
            }
        }
    }
}

/// A run with a fault in it.
pub struct Disturbed {
    /// What came of it.
    pub output: Output,
    /// Whether the fault has happened; if not, there is no such call.
    pub was_hit: bool,
}

/// The file in HOME that strace writes to.
pub const TRACE: &str = "trace";

impl Injection {
    /// The words in front of keyward's own.
    fn wrapper(&self, scene: &Scene) -> Vec<String> {
        let mut words = vec!["strace".to_owned()];
        // Without it the programs that keyward starts are left alone, and not counted.
        if scene.follows {
            words.push("-f".to_owned());
        }
        let rest = [
            "-q",
            "-o",
            TRACE,
            "-e",
            &format!("trace={}", self.call),
            "-e",
            &format!("inject={self}"),
        ];
        words.extend(rest.map(str::to_owned));
        words
    }

    /// The whole line, to be typed in the scene's place.
    pub fn line(&self, scene: &Scene) -> String {
        let environment = scene.environment.iter();
        let environment: String =
            environment.map(|(name, value)| format!("{name}={value} ")).collect();
        let (wrapper, command) = (self.wrapper(scene).join(" "), scene.command.join(" "));
        format!("{environment}{wrapper} keyward {command}")
    }

    /// Runs the scene's command with this fault. Whatever it has started has ended when this returns, because it holds
    /// the run's stderr.
    pub fn run(&self, scene: &Scene, sandbox: &Sandbox) -> Disturbed {
        let run = scene.run(sandbox).through(self.wrapper(scene));
        let output = run.run();
        let was_hit = output.status == 137 || {
            let trace = sandbox.text(TRACE);
            trace.contains("(INJECTED)") || trace.contains("killed by SIGKILL")
        };
        Disturbed { output, was_hit }
    }
}

/// How often the scene's command makes each of the calls when nobody disturbs it.
pub fn counted(scene: &Scene, sandbox: &Sandbox) -> Vec<(&'static str, u32)> {
    let filter = format!("trace={}", CALLS.join(","));
    let words = ["strace", "-f", "-q", "-o", TRACE, "-e", &filter];
    let _ = scene.run(sandbox).through(words).run();
    let trace = sandbox.text(TRACE);
    let _ = fs::remove_file(sandbox.home().join(TRACE));
    let mut process = None;
    let mut counts: Vec<_> = CALLS.map(|call| (call, 0)).into();
    for line in trace.lines() {
        let mut words = line.split_whitespace();
        let (Some(id), Some(word)) = (words.next(), words.next()) else {
            continue;
        };
        // The first is keyward itself; a call of another one has its own number.
        if *process.get_or_insert(id) != id {
            continue;
        }
        let name = word.split('(').next().unwrap_or_default();
        let counted = counts.iter_mut().find(|(call, _)| call.trim_start_matches('?') == name);
        if let Some((_, count)) = counted {
            *count += 1;
        }
    }
    counts
}
