//! Questions to the person at the terminal, each answered by a line, which the terminal lets them edit.
//!
//! This module never decides what is dangerous.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use dialoguer::Password;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read};
use rustix::stdio::stdin;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::domain::secret::Secret;
use crate::error::{Error, Kind, Result};
use crate::signals::Interrupts;

/// How long an answer is waited for before signals are looked at again.
const ATTENTION: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
/// The longest line that a terminal hands over at once, in bytes (termios(3), canonical mode).
const LONGEST_LINE: usize = 4096;

/// Asks, if somebody may be asked.
#[derive(Debug, Clone, Copy)]
pub struct Prompter {
    /// Why nobody can be asked, if so.
    pub obstacle: Option<&'static str>,
}

impl Prompter {
    /// Whether somebody can be asked.
    pub fn is_allowed(&self) -> bool {
        self.obstacle.is_none()
    }

    /// Asks a yes/no question on standard error, and fails with anything but a line `y` or `yes`. The question is
    /// printed unchanged; if nobody can be asked, `otherwise` says what to do.
    pub fn confirm(&self, question: &str, otherwise: &str) -> Result<()> {
        if let Some(obstacle) = self.obstacle {
            let message = format!("confirmation required, but {obstacle}");
            return Err(Error::usage(message).hinted(otherwise));
        }
        let answer = ask(&format!("{question} [y/N] "))?;
        match answer.trim_ascii().to_ascii_lowercase().as_slice() {
            b"y" | b"yes" => Ok(()),
            _ => Err(declined()),
        }
    }

    /// Reads a secret with echo off. An empty line is an empty secret.
    pub fn secret(&self, label: &str) -> Result<Secret> {
        if let Some(obstacle) = self.obstacle {
            let message = format!("a secret is needed, but {obstacle}");
            return Err(Error::usage(message).hinted("send it on stdin"));
        }
        let before = tcgetattr(stdin()).map_err(failed)?;
        let interrupts = Interrupts::watch()?;
        let is_over = AtomicBool::new(false);
        let answer = thread::scope(|scope| {
            let guard = thread::Builder::new()
                .spawn_scoped(scope, || end_on_signal(&before, &interrupts, &is_over))?;
            let answer = Password::new().with_prompt(label).allow_empty_password(true).interact();
            is_over.store(true, Ordering::SeqCst);
            guard.thread().unpark();
            answer
        });
        answer.map(Secret::new).map_err(|dialoguer::Error::IO(error)| failed(error))
    }
}

/// Ends the process on a signal and restores the terminal: dialoguer continues to read after one, and would leave the
/// terminal without echo (its issues 77 and 92).
fn end_on_signal(before: &Termios, interrupts: &Interrupts, is_over: &AtomicBool) {
    while !is_over.load(Ordering::SeqCst) {
        if interrupts.received() {
            // A terminal that has gone away (SIGHUP) cannot be restored, and need not be.
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
            let _ = io::stderr().write_all(b"\n");
            signal_hook::low_level::exit(i32::from(Kind::Interrupted.exit()));
        }
        thread::park_timeout(Duration::from_millis(20));
    }
}

fn declined() -> Error {
    Error::new(Kind::Interrupted, "cancelled: nothing was changed")
}

fn failed(error: impl Into<io::Error>) -> Error {
    Error::new(Kind::Io, "cannot ask on the terminal").because(error.into())
}

/// Asks and waits for a line. A signal that asks the process to end is an answer too: to do nothing.
fn ask(question: &str) -> Result<Vec<u8>> {
    let interrupts = Interrupts::watch()?;
    let mut stderr = io::stderr().lock();
    let asked = stderr.write_all(question.as_bytes());
    asked.and_then(|()| stderr.flush()).map_err(failed)?;
    let mut line = vec![0; LONGEST_LINE];
    let mut filled = 0;
    while filled < line.len() && !line[..filled].ends_with(b"\n") {
        if interrupts.received() {
            // On a line of its own goes what is said of it. A terminal that has gone away needs none.
            let _ = stderr.write_all(b"\n");
            return Err(declined());
        }
        let mut terminal = [PollFd::from_borrowed_fd(stdin(), PollFlags::IN)];
        match poll(&mut terminal, Some(&ATTENTION)) {
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(failed(error)),
        }
        match read(stdin(), &mut line[filled..]) {
            Ok(0) => {
                // Ctrl-D ends no line.
                let _ = stderr.write_all(b"\n");
                break;
            }
            Ok(count) => filled += count,
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    line.truncate(filled);
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_a_question_is_a_usage_error_with_the_way_out() {
        let error = Prompter { obstacle: Some("this is not a terminal") }
            .confirm("Revoke?", "pass --yes")
            .expect_err("refused");
        assert_eq!((error.kind(), error.hint()), (Kind::Usage, Some("pass --yes")));
    }

    #[test]
    fn without_a_terminal_a_secret_is_not_read() {
        let error = Prompter { obstacle: Some("this is not a terminal") }
            .secret("Secret")
            .expect_err("refused");
        assert_eq!(error.kind(), Kind::Usage);
    }
}
