//! Questions to the person at the terminal.
//!
//! This module never decides what is dangerous, and is the only one that knows dialoguer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use dialoguer::{Confirm, Password};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::SIGINT;
use signal_hook::low_level::{emulate_default_handler, exit};

use crate::domain::secret::Secret;
use crate::error::{Error, Kind, Result};
use crate::signals::Interrupts;

/// How often signals are looked for during a prompt.
const ATTENTION: Duration = Duration::from_millis(20);

/// How long a prompt that has noticed a signal by itself may take to return before the process is ended under it.
const GRACE: Duration = Duration::from_millis(100);

/// Asks, if somebody may be asked.
#[derive(Debug, Clone, Copy)]
pub struct Prompter {
    /// Whether standard input and standard error are terminals and neither `--no-input` nor `CI` forbids prompts.
    pub allowed: bool,
}

impl Prompter {
    /// Asks a yes/no question on standard error; no is the default. The question is printed as it is.
    pub fn confirm(&self, question: &str, otherwise: &str) -> Result<()> {
        if !self.allowed {
            return Err(
                Error::usage("this needs a confirmation, and there is nobody to ask")
                    .hinted(otherwise),
            );
        }
        match guarded(|| {
            Confirm::new()
                .with_prompt(question)
                .default(false)
                .interact_opt()
        })? {
            Some(true) => Ok(()),
            Some(false) | None => Err(declined()),
        }
    }

    /// Reads a secret with echo off. Empty input is an empty secret.
    pub fn secret(&self, label: &str) -> Result<Secret> {
        if !self.allowed {
            return Err(
                Error::usage("this needs a secret, and there is nobody to ask for it")
                    .hinted("send it on standard input"),
            );
        }
        guarded(|| {
            Password::new()
                .with_prompt(label)
                .allow_empty_password(true)
                .interact()
        })
        .map(Secret::new)
    }
}

fn declined() -> Error {
    Error::new(Kind::Interrupted, "nothing was changed")
}

/// Runs a prompt so that the terminal is left as it was found, whatever ends the prompt.
///
/// dialoguer leaves a terminal that a signal hits without echo, raw or without a cursor, and will not be changed
/// (dialoguer issues 77 and 92). So signals are watched: ^C at a question ends the prompt by itself; any other
/// ends the process once the terminal is restored.
fn guarded<T>(ask: impl FnOnce() -> dialoguer::Result<T>) -> Result<T> {
    let terminal = Terminal::save()?;
    let interrupts = Interrupts::watch()?;
    let finished = AtomicBool::new(false);
    let answer = thread::scope(|scope| {
        let guard = thread::Builder::new()
            .spawn_scoped(scope, || stand_guard(&terminal, &interrupts, &finished))?;
        let _finish = Finish(&finished, guard.thread());
        ask()
    });
    if answer.is_err() || interrupts.received() {
        terminal.restore();
    }
    match interrupts.signal() {
        Some(SIGINT) => Err(declined()),
        Some(signal) => {
            end(signal);
            Err(declined())
        }
        None => answer.map_err(|dialoguer::Error::IO(error)| match error.kind() {
            std::io::ErrorKind::Interrupted => declined(),
            _ => Error::new(Kind::Io, "cannot ask on the terminal").because(error),
        }),
    }
}

/// Ends the process under a prompt that a signal has not ended.
fn stand_guard(terminal: &Terminal, interrupts: &Interrupts, finished: &AtomicBool) {
    while !finished.load(Ordering::SeqCst) {
        if let Some(signal) = interrupts.signal() {
            thread::park_timeout(GRACE);
            if !finished.load(Ordering::SeqCst) {
                terminal.restore();
                end(signal);
            }
            return;
        }
        thread::park_timeout(ATTENTION);
    }
}

/// Ends the process: with the exit status of an interrupt for SIGINT, else as the signal would have, unwatched.
fn end(signal: i32) {
    if signal == SIGINT {
        exit(i32::from(Kind::Interrupted.exit()));
    }
    // If that cannot be done, the prompt's end reports the interrupt instead.
    let _ = emulate_default_handler(signal);
}

/// Tells the guard that the prompt is over, even if the prompt panics.
struct Finish<'a>(&'a AtomicBool, &'a thread::Thread);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
        self.1.unpark();
    }
}

/// The terminal's settings before a prompt.
struct Terminal(Termios);

impl Terminal {
    fn save() -> Result<Self> {
        tcgetattr(rustix::stdio::stdin())
            .map(Self)
            .map_err(|error| {
                Error::new(Kind::Io, "cannot ask on the terminal")
                    .because(std::io::Error::from(error))
            })
    }

    /// Brings back echo, line editing and the cursor, on a line of its own.
    fn restore(&self) {
        // A terminal that has gone away (SIGHUP) cannot be restored, and need not be.
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.0);
        let _ = rustix::io::write(rustix::stdio::stderr(), b"\x1b[?25h\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_a_question_is_a_usage_error_with_the_way_out() {
        let error = Prompter { allowed: false }
            .confirm("Revoke?", "pass --yes")
            .expect_err("refused");
        assert_eq!(
            (error.kind(), error.hint()),
            (Kind::Usage, Some("pass --yes"))
        );
    }

    #[test]
    fn without_a_terminal_a_secret_is_not_read() {
        let error = Prompter { allowed: false }
            .secret("Secret")
            .expect_err("refused");
        assert_eq!(error.kind(), Kind::Usage);
    }
}
