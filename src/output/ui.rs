//! The two streams: answers on stdout, everything else on stderr.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use serde::Serialize;

use crate::domain::sanitize::harmless;
use crate::error::{Error, Result};
pub use crate::output::listing::Format;
use crate::output::listing::Listing;
use crate::output::progress::{Job, Progress};
use crate::output::table::{self, Cell, Column, Look};
use crate::output::{json, stdout, tsv};

/// The streams and how to write them.
#[derive(Debug, Clone)]
pub struct Ui {
    pub format: Format,
    /// Whether the first line of TSV names the columns.
    pub has_header: bool,
    /// Whether status messages and hints are omitted.
    pub quiet: bool,
    /// The width of the terminal stdout is, in characters, if it is one.
    pub width: Option<u16>,
    pub colour_stdout: bool,
    pub colour_stderr: bool,
    /// Whether stderr is a terminal that can be written over.
    pub stderr_is_terminal: bool,
    /// Warnings that wait for the command's end.
    pub held: Rc<RefCell<Vec<String>>>,
}

impl Ui {
    pub fn is_for_people(&self) -> bool {
        self.format.is_for_people()
    }

    /// Writes the answer in one go and makes sure it is out.
    pub fn data(&self, text: &str) -> Result<()> {
        stdout::answer(text)
    }

    /// Answers with one record: `people` renders it where a table is wanted.
    pub fn record(&self, view: &impl Serialize, people: impl FnOnce() -> String) -> Result<()> {
        match &self.format {
            Format::Table | Format::Wide => self.data(&people()),
            Format::Json | Format::Jsonl => self.data(&(json::to_string(view) + "\n")),
            Format::Tsv if self.has_header => {
                self.data(&format!("{}\n{}\n", tsv::header(view), tsv::line(view)))
            }
            Format::Tsv => self.data(&(tsv::line(view) + "\n")),
            Format::Value(field) => self.data(&(tsv::value(view, field) + "\n")),
        }
    }

    /// Answers with a change: people read of it on stderr, scripts get the record.
    pub fn change(&self, view: &impl Serialize, sentence: &str) -> Result<()> {
        self.status(sentence);
        match self.is_for_people() {
            true => Ok(()),
            false => self.after(sentence, || self.record(view, String::new)),
        }
    }

    /// Answers after a change, which stays saved even if the answer fails. The error then says what was changed.
    pub fn after(&self, change: &str, answer: impl FnOnce() -> Result<()>) -> Result<()> {
        answer().map_err(|error| {
            let error =
                error.told(|why| format!("{change}; only the answer could not be written: {why}"));
            error.hinted("`keyward audit list -A` lists what was changed")
        })
    }

    /// A table of these rows. Only one with every column is wider than the terminal.
    pub fn table(&self, columns: &[Column], rows: Vec<Vec<Cell>>) -> String {
        let is_wide = self.format == Format::Wide;
        let look = Look {
            width: self.width.map(usize::from).filter(|_| !is_wide),
            colour: self.colour_stdout,
            is_wide,
        };
        table::render(columns, rows, look)
    }

    /// Shows how far a job of this many steps has come, where people watch it.
    pub fn progress(&self, total: usize) -> Progress {
        Progress::new(self.is_watched(), total)
    }

    /// Shows what a command is doing and how far it has come, where people watch it.
    pub fn job(&self, doing: &str) -> Job {
        Job::new(self.is_watched(), doing)
    }

    fn is_watched(&self) -> bool {
        self.stderr_is_terminal && !self.quiet && self.is_for_people()
    }

    /// Starts an answer of many records under `name`.
    pub fn list(&self, name: &'static str) -> Result<Listing> {
        Listing::begin(self.format.clone(), self.has_header, name)
    }

    /// Ends an answer of records, for people with a table of their rows. Says whether there were none.
    pub fn end<C>(&self, mut listing: Listing, columns: &[C]) -> Result<bool>
    where
        C: Copy + Into<Column>,
    {
        let (rows, is_empty) = (std::mem::take(&mut listing.rows), listing.count == 0);
        listing.finish()?;
        if !rows.is_empty() {
            let columns: Vec<Column> = columns.iter().map(|column| (*column).into()).collect();
            self.data(&self.table(&columns, rows))?;
        }
        Ok(is_empty)
    }

    /// Starts an answer of one JSON object a line, whatever the format.
    pub fn lines(&self) -> Result<Listing> {
        Listing::begin(Format::Jsonl, false, "")
    }

    /// Says what happened, only to people.
    pub fn status(&self, sentence: &str) {
        self.signed("", "", sentence);
    }

    /// The same on a line after a sign, which has this colour.
    pub fn signed(&self, sign: &str, colour: &str, sentence: &str) {
        if !self.quiet && self.is_for_people() {
            self.stderr(sign, colour, sentence);
        }
    }

    /// Says what could help, only to people.
    pub fn hint(&self, sentence: &str) {
        self.signed("hint: ", "36", sentence);
    }

    /// Prints a text of several lines on stderr unchanged.
    pub fn notice(&self, text: &str) {
        self.stderr("", "", text.trim_end());
    }

    /// Warns people and programs. A program gets one object on stderr if the command fails, so its warnings wait for the end.
    pub fn warn(&self, sentence: &str) {
        match self.has_objects() {
            true => self.held.borrow_mut().push(sentence.to_owned()),
            false => self.warn_now(sentence),
        }
    }

    /// Warns in the middle of what may go on for long; programs in ASCII, like everything for them.
    pub fn warn_now(&self, sentence: &str) {
        let sentence = if self.has_objects() { ascii(sentence) } else { sentence.to_owned() };
        self.stderr("warning: ", "33", &sentence);
    }

    /// Ends a command: warnings that waited are said, or are part of what is said of its failure.
    pub fn conclude<T>(&self, outcome: Result<T>) -> Result<T> {
        let held = self.held.take();
        match outcome {
            Err(error) if !held.is_empty() => {
                let hint = error.hint().map(str::to_owned);
                let hints: Vec<String> = held.into_iter().chain(hint).collect();
                Err(error.hinted(hints.join("; ")))
            }
            outcome => {
                held.iter().for_each(|sentence| self.warn_now(sentence));
                outcome
            }
        }
    }

    fn has_objects(&self) -> bool {
        matches!(self.format, Format::Json | Format::Jsonl)
    }

    /// Reports a failure: two lines for people, one object for scripts. That a person declined is not an error to them.
    pub fn error(&self, error: &Error) {
        if !self.has_objects() {
            let message = error.to_string();
            let word = if message.starts_with("cancelled: ") { "" } else { "error: " };
            self.stderr(word, "31", &message);
            if let Some(hint) = error.hint() {
                self.stderr("hint: ", "36", hint);
            }
            return;
        }
        let kind = error.kind();
        let body = serde_json::json!({
            "error": {
                "code": kind.code(),
                "message": error.to_string(),
                "hint": error.hint(),
                "exit": kind.exit(),
            }
        });
        self.stderr("", "", &json::to_string(&body));
    }

    fn stderr(&self, word: &str, colour: &str, text: &str) {
        // What has a word in front is one line.
        let text =
            if word.is_empty() { harmless(text) } else { harmless(text).replace('\n', "\\n") };
        let mut stderr = io::stderr().lock();
        // There is nowhere left to report that stderr is gone.
        let _ = if self.colour_stderr && !word.is_empty() {
            writeln!(stderr, "\u{1b}[1;{colour}m{word}\u{1b}[0m{text}")
        } else {
            writeln!(stderr, "{word}{text}")
        };
    }
}

/// The text with every character outside ASCII escaped.
fn ascii(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            escaped.push(character)
        } else {
            escaped.extend(character.escape_unicode())
        }
    }
    escaped
}
