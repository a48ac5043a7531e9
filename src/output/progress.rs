//! A line on stderr that says how far a long job has come, and that is gone when it ends.

use std::io::{self, Write};

use crate::domain::Safe;
use crate::domain::words::Reached;

const WIDTH: usize = 20;
/// How much of a step's name is shown.
const NAME: usize = 40;

#[derive(Debug)]
pub struct Progress {
    is_watched: bool,
    total: usize,
    done: usize,
}

impl Progress {
    pub(super) fn new(is_watched: bool, total: usize) -> Self {
        Self { is_watched, total, done: 0 }
    }

    pub fn is_watched(&self) -> bool {
        self.is_watched
    }

    /// Begins the next step, of this name.
    pub fn step(&mut self, name: &str) {
        if self.is_watched {
            let filled = WIDTH * self.done / self.total.max(1);
            let bar = format!("{}{}", "#".repeat(filled), "-".repeat(WIDTH - filled));
            let name: String = Safe(name).to_string().chars().take(NAME).collect();
            self.write(&format!("[{bar}] {}/{} {name}", self.done, self.total));
        }
        self.done += 1;
    }

    /// Writes over the line.
    fn write(&self, text: &str) {
        let mut stderr = io::stderr().lock();
        // If the terminal is gone, the work continues.
        let _ = write!(stderr, "\r\x1b[K{text}");
        let _ = stderr.flush();
    }
}

/// A job of one command, which says what it is doing and then how far it has come.
#[derive(Debug)]
pub struct Job {
    progress: Progress,
    shown: (&'static str, u64),
}

impl Job {
    /// Begins a job and says so.
    pub(super) fn new(is_watched: bool, doing: &str) -> Self {
        let job = Self { progress: Progress::new(is_watched, 0), shown: ("", 0) };
        job.write(doing);
        job
    }

    /// Shows how far it has come.
    pub fn reach(&mut self, reached: Reached) {
        let Reached { verb, done, of, .. } = reached;
        self.show(verb, 1000 * done / of.max(1), || reached.to_string());
    }

    /// Shows a sentence where it is of another kind, or so many thousandths are done that were not.
    pub fn show(
        &mut self,
        kind: &'static str,
        thousandths: u64,
        sentence: impl FnOnce() -> String,
    ) {
        if self.progress.is_watched && self.shown != (kind, thousandths) {
            self.shown = (kind, thousandths);
            self.write(&sentence());
        }
    }

    fn write(&self, sentence: &str) {
        if self.progress.is_watched {
            self.progress.write(sentence);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_watched {
            self.write("");
        }
    }
}
