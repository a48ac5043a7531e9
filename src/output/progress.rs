//! A bar on stderr that says how far a long job has come.

use std::io::{self, Write};

use crate::domain::Safe;

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
        Self {
            is_watched,
            total,
            done: 0,
        }
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
        // A terminal that has gone away is no reason to stop working.
        let _ = write!(stderr, "\r\x1b[K{text}");
        let _ = stderr.flush();
    }
}

/// How much of a job is done, in hundredths.
#[derive(Debug)]
pub struct Percentage {
    progress: Progress,
    name: &'static str,
    reached: usize,
}

impl Percentage {
    pub(super) fn new(is_watched: bool, name: &'static str) -> Self {
        Self {
            progress: Progress::new(is_watched, 100),
            name,
            reached: 0,
        }
    }

    /// Shows that so much is done of a whole.
    pub fn reach(&mut self, done: u64, whole: u64) {
        let reached = (100 * done / whole.max(1)).min(100) as usize;
        if reached > self.reached {
            self.reached = reached;
            self.progress.done = reached;
            self.progress.step(self.name);
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
