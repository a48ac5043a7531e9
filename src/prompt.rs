//! Questions to the person at the terminal, each answered by a line, which the terminal lets them edit.
//!
//! This module never decides what is dangerous.

use std::io::{self, Write};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read};
use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::domain::secret::Secret;
use crate::error::{Error, Kind, Result};
use crate::signals::Interrupts;

/// How long an answer is waited for before signals are looked at again.
const ATTENTION: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};
/// The longest line that a terminal hands over at once, in bytes (termios(3), canonical mode).
const LONGEST_LINE: usize = 4096;

/// Asks, if somebody may be asked.
#[derive(Debug, Clone, Copy)]
pub struct Prompter {
    /// Whether standard input and standard error are terminals and neither `--no-input` nor `CI` forbids prompts.
    pub allowed: bool,
}

impl Prompter {
    /// Asks a yes/no question on standard error, and fails with anything but a line `y` or `yes`. The question is printed as
    /// it is; where nobody may be asked, `otherwise` says what to do.
    pub fn confirm(&self, question: &str, otherwise: &str) -> Result<()> {
        if !self.allowed {
            return Err(
                Error::usage("confirmation required, but this is not a terminal").hinted(otherwise),
            );
        }
        let answer = ask(&format!("{question} [y/N] "), false)?;
        match answer.trim_ascii().to_ascii_lowercase().as_slice() {
            b"y" | b"yes" => Ok(()),
            _ => Err(declined()),
        }
    }

    /// Reads a secret with echo off. What is no text is an empty secret, as is an empty line.
    pub fn secret(&self, label: &str) -> Result<Secret> {
        if !self.allowed {
            return Err(
                Error::usage("a secret is needed, but this is not a terminal")
                    .hinted("send it on standard input"),
            );
        }
        let line = ask(&format!("{label}: "), true)?;
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = std::str::from_utf8(line).unwrap_or_default();
        Ok(Secret::new(text.to_owned()))
    }
}

fn declined() -> Error {
    Error::new(Kind::Interrupted, "cancelled: nothing was changed")
}

fn failed(error: impl Into<io::Error>) -> Error {
    Error::new(Kind::Io, "cannot ask on the terminal").because(error.into())
}

/// Asks and waits for a line. A signal that asks the process to end is an answer too: to do nothing.
fn ask(question: &str, is_hidden: bool) -> Result<Zeroizing<Vec<u8>>> {
    let interrupts = Interrupts::watch()?;
    let _echo = is_hidden.then(Echo::hide).transpose().map_err(failed)?;
    let mut stderr = io::stderr().lock();
    let asked = stderr.write_all(question.as_bytes());
    asked.and_then(|()| stderr.flush()).map_err(failed)?;
    // SECURITY: the line may be a secret; one buffer of its final size, wiped when dropped.
    let mut line = Zeroizing::new(vec![0; LONGEST_LINE]);
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
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    line.truncate(filled);
    Ok(line)
}

/// The terminal's settings before what is typed was hidden, which it gets back.
struct Echo(Termios);

impl Echo {
    /// Shows of what is typed the end of the line alone.
    fn hide() -> rustix::io::Result<Self> {
        let before = tcgetattr(stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(stdin(), OptionalActions::Now, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // A terminal that has gone away (SIGHUP) cannot be restored, and need not be.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
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
