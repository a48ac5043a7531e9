//! Signals that arrive while a secret is on its way: noted, so that the key can be voided before the process ends.
//!
//! This module never ends the process while a watch lives; after the last one it lets signals end it as usual.

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use signal_hook::consts::SIGTERM;
use signal_hook::consts::{SIGHUP, SIGINT};
use signal_hook::{flag, low_level};

use crate::error::{Error, Kind, Result};

/// The signals that ask a process to end.
const WATCHED: [i32; 3] = [SIGTERM, SIGHUP, SIGINT];

/// Whether a watched signal has its default effect. The handlers stay installed after the first watch, because removing
/// a handler leaves the signal ignored.
static DEFAULT_EFFECT: AtomicBool = AtomicBool::new(true);
/// The watched signal that has come last; 0 before any.
static NOTED: AtomicUsize = AtomicUsize::new(0);
/// What nothing is noted in.
static NOTHING: AtomicUsize = AtomicUsize::new(0);

static WATCHES: Mutex<Watches> = Mutex::new(Watches { living: 0, handled: None });

struct Watches {
    living: usize,
    /// The signals that have handlers.
    handled: Option<Vec<i32>>,
}

fn watches() -> MutexGuard<'static, Watches> {
    WATCHES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refused(error: std::io::Error) -> Error {
    Error::new(Kind::Internal, "cannot watch for signals").because(error)
}

/// Notes SIGINT, SIGTERM and SIGHUP for as long as it lives, in place of their killing the process.
///
/// A signal that was ignored when the process started (`nohup`) stays ignored.
#[derive(Debug)]
pub struct Interrupts {
    noted: &'static AtomicUsize,
    is_watching: bool,
}

impl Interrupts {
    pub fn watch() -> Result<Self> {
        let mut watches = watches();
        if watches.handled.is_none() {
            let ignored = ignored_signals();
            let is_ignored = |signal: &i32| ignored >> (signal - 1) & 1 != 0;
            let mut handled = WATCHED.to_vec();
            handled.retain(|signal| !is_ignored(signal));
            for &signal in &handled {
                flag::register_conditional_default(signal, &DEFAULT_EFFECT).map_err(refused)?;
                flag::register_usize(signal, &NOTED, signal.unsigned_abs() as usize)
                    .map_err(refused)?;
            }
            watches.handled = Some(handled);
        }
        // Only now: a signal in the moment before still kills, rather than going unnoticed.
        watches.living += 1;
        DEFAULT_EFFECT.store(false, Ordering::SeqCst);
        Ok(Self { noted: &NOTED, is_watching: true })
    }

    /// A watch that notes nothing, for what must be done even after a signal.
    pub fn none() -> Self {
        Self { noted: &NOTHING, is_watching: false }
    }

    /// Something to wait for beside other input: it can be read from as soon as a signal has come.
    pub fn wake(&self) -> Result<UnixStream> {
        let (woken, waker) = UnixStream::pair().map_err(refused)?;
        for signal in watches().handled.iter().flatten() {
            let waker = waker.try_clone().map_err(refused)?;
            low_level::pipe::register(*signal, waker).map_err(refused)?;
        }
        Ok(woken)
    }

    /// Whether a signal has asked the process to end.
    pub fn received(&self) -> bool {
        self.signal().is_some()
    }

    /// The number of the signal that has asked the process to end.
    pub fn signal(&self) -> Option<i32> {
        let noted = i32::try_from(self.noted.load(Ordering::SeqCst));
        noted.ok().filter(|signal| *signal > 0)
    }

    /// Fails once a signal has asked the process to end, naming it.
    pub fn heed(&self) -> Result<()> {
        match self.signal() {
            None => Ok(()),
            Some(signal) => {
                let name = low_level::signal_name(signal).unwrap_or("a signal");
                let message = format!("interrupted by {name}");
                Err(Error::new(Kind::Interrupted, message))
            }
        }
    }

    /// A watch that notes no real signal, so that tests beside each other cannot interrupt one another.
    #[cfg(test)]
    pub(crate) fn simulated(received: bool) -> Self {
        static RECEIVED: AtomicUsize = AtomicUsize::new(SIGTERM.unsigned_abs() as usize);
        Self { noted: if received { &RECEIVED } else { &NOTHING }, is_watching: false }
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        if self.is_watching {
            let mut watches = watches();
            watches.living -= 1;
            if watches.living == 0 {
                DEFAULT_EFFECT.store(true, Ordering::SeqCst);
            }
        }
    }
}

/// The signals this process ignores, bit N-1 for signal N: the `SigIgn` line of proc(5)'s `status`.
///
/// Without that file (outside Linux) none counts as ignored; asking the system otherwise takes unsafe code.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored_in(&status)
}

fn ignored_in(status: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_ignored_at_the_start_is_recognised() {
        let ignored = ignored_in("SigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n");
        assert_eq!(ignored >> (SIGHUP - 1) & 1, 1);
        assert_eq!(ignored >> (SIGTERM - 1) & 1, 0);
        assert_eq!(ignored_in(""), 0);
    }

    #[test]
    fn a_received_signal_is_an_error_that_names_it() {
        assert!(Interrupts::simulated(false).heed().is_ok());
        let error = Interrupts::simulated(true).heed().expect_err("received");
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (Kind::Interrupted, "interrupted by SIGTERM")
        );
    }

    #[test]
    fn the_end_of_one_watch_leaves_another_in_force() {
        let (first, second) =
            (Interrupts::watch().expect("handlers"), Interrupts::watch().expect("handlers"));
        drop(first);
        assert!(!DEFAULT_EFFECT.load(Ordering::SeqCst));
        assert!(!second.received());
    }
}
