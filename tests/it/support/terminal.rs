//! A program on a pseudo-terminal: what it shows, and what is typed.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtyPair, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

use super::{KEYWARD, Sandbox, variable};

/// The longest that anything on a terminal may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Bits of a terminal's local modes, as Linux and the BSDs have them.
pub const ECHO: u32 = 0o10;
pub const ICANON: u32 = if cfg!(target_os = "linux") { 0o2 } else { 0x100 };

/// A program on a pseudo-terminal, of 80 columns unless said otherwise.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    /// Held so that the terminal's modes can be looked at after the program has ended.
    _pair: Box<dyn portable_pty::SlavePty + Send>,
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    seen: Vec<u8>,
    /// The local modes it had before the program started.
    pub first_modes: u32,
}

impl Terminal {
    /// Starts keyward on a terminal, in an environment like [`Sandbox::keyward`]'s but with a TERM that can do things.
    pub fn keyward(sandbox: &Sandbox, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start(sandbox, KEYWARD, arguments, environment)
    }

    /// Starts a program on a terminal.
    pub fn start(
        sandbox: &Sandbox,
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        Self::of_width(80, sandbox, program, arguments, environment)
    }

    /// Starts a program on a terminal of so many columns.
    pub fn of_width(
        cols: u16,
        sandbox: &Sandbox,
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let size = PtySize { rows: 24, cols, pixel_width: 0, pixel_height: 0 };
        let PtyPair { slave, master } =
            native_pty_system().openpty(size).expect("a pseudo-terminal can be made");
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        command.env("PATH", variable("PATH").unwrap_or_default());
        for (name, value) in sandbox.variables() {
            command.env(name, value);
        }
        command.env("TERM", "xterm");
        for (name, value) in environment {
            command.env(name, value);
        }
        command.cwd(sandbox.home());
        let first_modes = local_modes(&*master);
        let child = slave.spawn_command(command).expect("it can be started");
        let mut reader = master.try_clone_reader().expect("a terminal can be read");
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // On Linux the end of a terminal is an error rather than an end of file.
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let writer = master.take_writer().expect("a terminal can be written");
        Self { master, _pair: slave, child, writer, output, seen: Vec::new(), first_modes }
    }

    /// Everything the terminal has shown.
    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Waits until the terminal shows this text.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.seen().contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.seen.extend(bytes),
                Err(_) => panic!("the terminal never shows {text:?}, but\n{}", self.seen()),
            }
        }
    }

    /// Waits for a prompt that shows nothing of what is typed; it may stand there a moment before the echo is off.
    #[track_caller]
    pub fn wait_until_hidden(&mut self) {
        self.wait_for(":");
        let begun = Instant::now();
        while self.modes() & ECHO != 0 {
            assert!(begun.elapsed() < PATIENCE, "the echo stays on");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types on the keyboard.
    pub fn types(&mut self, keys: &str) {
        self.writer
            .write_all(keys.as_bytes())
            .and_then(|()| self.writer.flush())
            .expect("a terminal can be written");
    }

    /// Sends the program a signal.
    pub fn signals(&self, signal: Signal) {
        let pid = self.child.process_id().expect("it is running");
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), signal).expect("it is running");
    }

    /// The terminal's local modes.
    pub fn modes(&self) -> u32 {
        local_modes(&*self.master)
    }

    /// Waits for the program's end; returns its exit status (128 + N when signal N ended it) and all that was shown.
    pub fn end(&mut self) -> (i32, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match self.output.recv_timeout(Duration::from_millis(20)) {
                Ok(bytes) => self.seen.extend(bytes),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                break status;
            }
            if Instant::now() > deadline {
                let _ = self.child.kill();
                panic!("it does not end; the terminal shows\n{}", self.seen());
            }
        };
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(50)) {
            self.seen.extend(bytes);
        }
        let code = match status.signal() {
            // The word for a signal is the system's; only one is expected here.
            Some(_) => 130,
            None => i32::try_from(status.exit_code()).expect("an exit status is a byte"),
        };
        (code, self.seen())
    }
}

/// A terminal's local modes.
fn local_modes(master: &dyn MasterPty) -> u32 {
    let modes = master.get_termios().expect("a terminal has modes");
    modes.local_flags.bits()
}
