//! A file or standard input as lines, one in memory at a time, with a line that says how far it has come.
//!
//! This module never reads on in a line that is longer than allowed.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;

use super::{Context, input};
use crate::domain::SafePath;
use crate::domain::transfer::LONGEST_LINE;
use crate::error::{Error, Result};
use crate::output::progress::Job;

/// How many bytes of standard input are read first: a slow writer must not keep the store locked.
const READ_AHEAD: u64 = 64 * 1024 * 1024;

pub struct Lines {
    pub(super) input: Box<dyn BufRead>,
    /// As messages show it.
    pub(super) name: String,
    /// The input's size, if known, and how much was read.
    size: u64,
    done: u64,
    number: u64,
    job: Job,
}

impl Context {
    /// Reads a file line by line; `-` is standard input.
    pub fn lines(&mut self, path: &Path, doing: &str) -> Result<Lines> {
        let job = self.ui.job(doing);
        let (input, name, size): (Box<dyn BufRead>, _, _) = if path.as_os_str() == "-" {
            self.take_stdin("the caller's secret and lines")?;
            let name = "standard input".to_owned();
            let mut front = Vec::new();
            std::io::stdin()
                .lock()
                .take(READ_AHEAD)
                .read_to_end(&mut front)
                .map_err(|error| input::unread(&name, error))?;
            let input = Cursor::new(front).chain(BufReader::new(std::io::stdin()));
            (Box::new(input), name, 0)
        } else {
            let file: File = input::open(path)?;
            let size = file.metadata().map_or(0, |metadata| metadata.len());
            let name = SafePath(path).to_string();
            (Box::new(BufReader::new(file)), name, size)
        };
        Ok(Lines { input, name, size, done: 0, number: 0, job })
    }
}

impl Lines {
    /// Says how many lines were read, and how much that is of a file.
    fn advance(&mut self) {
        let number = self.number;
        match (1000 * self.done).checked_div(self.size) {
            Some(thousandths) => self.job.show("read", thousandths, || {
                format!("read {number} lines ({} %)", thousandths / 10)
            }),
            None => self.job.show("read", number / 100, || format!("read {number} lines")),
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        let limit = LONGEST_LINE as u64 + 2;
        let read = self.input.by_ref().take(limit).read_until(b'\n', &mut line);
        self.number += 1;
        match read {
            Ok(0) => return None,
            Ok(count) => self.done += count as u64,
            Err(error) => return Some(Err(input::unread(&self.name, error))),
        }
        self.advance();
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if line.len() > LONGEST_LINE {
            return Some(Err(Error::usage(format!(
                "line {} of {} is longer than {LONGEST_LINE} bytes",
                self.number, self.name
            ))));
        }
        Some(Ok(line))
    }
}
