//! Running other programs: where they are, and how long they take.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The built keyward.
pub const KEYWARD: &str = env!("CARGO_BIN_EXE_keyward");

/// One way to run a program, again and again.
pub struct Run {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub home: PathBuf,
    /// A file for stdin; without, it is empty.
    pub stdin: Option<PathBuf>,
    /// A file for stdout; without, /dev/null.
    pub stdout: Option<PathBuf>,
}

impl Run {
    pub fn new(program: impl Into<PathBuf>, home: &Path) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            home: home.to_owned(),
            stdin: None,
            stdout: None,
        }
    }

    /// keyward with this store.
    pub fn keyward(home: &Path, store: &Path) -> Self {
        Self::new(KEYWARD, home).arg("--store").arg(store)
    }

    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub fn args<const N: usize>(self, arguments: [&str; N]) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    pub fn stdin(mut self, file: &Path) -> Self {
        self.stdin = Some(file.to_owned());
        self
    }

    pub fn stdout(mut self, file: &Path) -> Self {
        self.stdout = Some(file.to_owned());
        self
    }

    /// The command, in an environment that holds HOME alone. The program is a whole path, so starting it is a vfork: what
    /// this process itself holds in memory does not slow it down.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .env("HOME", &self.home)
            .stdin(self.stdin.as_ref().map_or_else(Stdio::null, |path| {
                File::open(path).expect("the prepared input can be opened").into()
            }))
            .stdout(self.stdout.as_ref().map_or_else(Stdio::null, |path| {
                File::create(path).expect("a file of the temporary folder can be made").into()
            }))
            .stderr(Stdio::null());
        command
    }

    /// How long it takes from start to end; it must succeed.
    pub fn time(&self) -> Duration {
        let mut command = self.command();
        let start = Instant::now();
        let status = command.status().expect("the program can be started");
        let time = start.elapsed();
        assert!(status.success(), "{} failed: {status}", self.program.display());
        time
    }

    /// The most memory it had, in MB, as GNU time sees it; nothing where that is not installed.
    pub fn peak_memory(&self) -> Option<f64> {
        let mut command = Command::new(tool("time")?);
        let output = command
            .args(["-f", "%M"])
            .arg(&self.program)
            .args(&self.arguments)
            .env_clear()
            .env("HOME", &self.home)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output()
            .expect("time can be started");
        let text = String::from_utf8_lossy(&output.stderr);
        let kibibytes: f64 = text.lines().last()?.trim().parse().ok()?;
        Some(kibibytes * 1024.0 / 1e6)
    }
}

/// Runs several ways in turns, one of each a round, and gives the times of each.
pub fn in_turns(runs: &[Run], rounds: usize) -> Vec<Vec<Duration>> {
    let mut times = vec![Vec::with_capacity(rounds); runs.len()];
    for _ in 0..rounds {
        for (run, times) in runs.iter().zip(&mut times) {
            times.push(run.time());
        }
    }
    times
}

/// Where a program is, if it is installed.
#[expect(clippy::disallowed_methods, reason = "only the environment knows where programs are")]
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| {
        let found = file.metadata();
        found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    })
}
