//! The records of an import's file: lines, the entries of a JSON array, or the rows of another program's database. Lines are
//! in memory one at a time, and a line says how far the reading has come.
//!
//! This module never reads on in a line that is longer than allowed.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;

use serde_json::value::RawValue;

use super::{Context, input};
use crate::domain::SafePath;
use crate::domain::transfer::LONGEST_LINE;
use crate::domain::words::counted;
use crate::error::{Error, Result};
use crate::ops::store::import::{MOST_LINES, Unit};
use crate::output::progress::Job;
use crate::store::{foreign_kind, foreign_rows};

/// How much of a file shows whether it is a database, in bytes.
const HEADER: u64 = 100;
/// The longest array, in bytes: it is read as a whole.
const LONGEST_ARRAY: u64 = 1024 * 1024 * 1024;

/// A file's records, each as JSON text.
pub struct Records {
    pub unit: Unit,
    records: Box<dyn Iterator<Item = Result<Vec<u8>>>>,
}

impl Context {
    /// Reads a file's records; `-` is standard input. The table is that of a database, where `--from` names one.
    pub fn records(&mut self, path: &Path, table: Option<&str>) -> Result<Records> {
        if path.as_os_str() != "-"
            && let Some(kind) = foreign_kind(&front(path)?)
        {
            let table = table.ok_or_else(|| {
                let path = SafePath(path);
                let what = "is a database: --from must name a system, or a mapping with its table";
                Error::usage(format!("{path} {what}"))
                    .hinted("`keyward store import --help` lists the systems")
            })?;
            return Ok(Records::of(
                Unit::Row,
                foreign_rows(path, table, kind, MOST_LINES, self.patience())?,
            ));
        }
        let mut lines = self.lines(path, "reading lines")?;
        if lines.begins_with(b'[')? {
            return Ok(Records::of(Unit::Entry, lines.entries()?));
        }
        Ok(Records { unit: Unit::Line, records: Box::new(lines) })
    }
}

impl Records {
    pub fn of(unit: Unit, records: Vec<Vec<u8>>) -> Self {
        Self { unit, records: Box::new(records.into_iter().map(Ok)) }
    }
}

impl Iterator for Records {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.records.next()
    }
}

impl Lines {
    /// Whether the first byte that is not a space is this one.
    fn begins_with(&mut self, byte: u8) -> Result<bool> {
        Ok(self.front()?.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&byte))
    }

    /// What comes first of what is not read yet.
    fn front(&mut self) -> Result<&[u8]> {
        self.input.fill_buf().map_err(|error| input::unread(&self.name, error))
    }

    /// The entries of the array that the file is.
    fn entries(&mut self) -> Result<Vec<Vec<u8>>> {
        let mut text = Vec::new();
        let read = self.input.by_ref().take(LONGEST_ARRAY + 1).read_to_end(&mut text);
        read.map_err(|error| input::unread(&self.name, error))?;
        if text.len() as u64 > LONGEST_ARRAY {
            let message = format!("{} is longer than {LONGEST_ARRAY} bytes", self.name);
            return Err(Error::usage(message).hinted("import it in parts"));
        }
        let entries: Vec<Box<RawValue>> = serde_json::from_slice(&text).map_err(|error| {
            let (name, line) = (&self.name, error.line());
            Error::usage(format!("{name} begins as a JSON array and is not one: see line {line}"))
        })?;
        if entries.is_empty() {
            return Err(Error::usage(format!("{} is an empty array", self.name)));
        }
        Ok(entries.iter().map(|entry| entry.get().as_bytes().to_vec()).collect())
    }
}

/// The beginning of a file; nothing of what is read only once.
fn front(path: &Path) -> Result<Vec<u8>> {
    let mut front = Vec::new();
    let file = input::open(path)?;
    if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        let read = file.take(HEADER).read_to_end(&mut front);
        read.map_err(|error| input::unread(&SafePath(path).to_string(), error))?;
    }
    Ok(front)
}

/// How many bytes of standard input are read first: a slow writer must not keep the store locked.
const READ_AHEAD: u64 = 64 * 1024 * 1024;
/// The byte order mark, which Windows programs write before UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

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
            let name = "stdin".to_owned();
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
        let mut lines = Lines { input, name, size, done: 0, number: 0, job };
        if lines.front()?.starts_with(MARK) {
            lines.input.consume(MARK.len());
        }
        Ok(lines)
    }
}

impl Lines {
    /// Says how many lines were read, and how much that is of a file.
    fn advance(&mut self) {
        let lines = counted(self.number, "line");
        let number = self.number;
        match (1000 * self.done).checked_div(self.size) {
            Some(thousandths) => self
                .job
                .show("read", thousandths, || format!("read {lines} ({} %)", thousandths / 10)),
            None => self.job.show("read", number / 100, || format!("read {lines}")),
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
