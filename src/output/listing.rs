//! The formats of answers, and an answer of many records, in any format, written as they come.

use std::fs::File;
use std::io::Write;

use serde::Serialize;

use crate::error::Result;
use crate::output::stdout::{stdout, unwritten};
use crate::output::table::Cell;
use crate::output::{json, tsv};

/// How answers are written.
#[derive(Debug, Clone, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// Tables and sentences, for people
    #[default]
    Table,
    /// Tables with every column
    Wide,
    /// One JSON document
    Json,
    /// One JSON object per line
    Jsonl,
    /// One record per line, fields separated by tabs
    Tsv,
    /// This field of each record, one per line
    #[value(skip)]
    Value(String),
}

impl Format {
    pub fn is_for_people(&self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }
}

/// How much of a listing is held back, in bytes. An answer that fits is complete or absent: what goes wrong while its
/// records are gathered leaves stdout empty.
const HELD_BACK: usize = 1024 * 1024;

/// An answer of many records, written as they come. Dropped before [`Listing::finish`], it writes no more.
pub struct Listing {
    format: Format,
    /// Whether the first line of TSV names the columns.
    has_header: bool,
    name: &'static str,
    stdout: File,
    pending: Vec<u8>,
    pub(super) count: u64,
    /// The rows of a table, whose widths need all of them first.
    pub(super) rows: Vec<Vec<Cell>>,
    /// What a JSON document has beside the list.
    more: String,
}

impl Listing {
    /// Begins an answer of records under `name`.
    pub(super) fn begin(format: Format, has_header: bool, name: &'static str) -> Result<Self> {
        Ok(Self {
            format,
            has_header,
            name,
            stdout: stdout()?,
            pending: Vec::new(),
            count: 0,
            rows: Vec::new(),
            more: String::new(),
        })
    }

    /// Adds one record: for scripts its view, for people its row.
    pub fn row<C: Into<Cell>>(
        &mut self,
        view: &impl Serialize,
        row: impl FnOnce() -> Vec<C>,
    ) -> Result<()> {
        self.rows(view, || vec![row().into_iter().map(Into::into).collect()])
    }

    /// Writes one record, for scripts alone.
    pub fn push(&mut self, view: &impl Serialize) -> Result<()> {
        match (&self.format, self.count) {
            (Format::Json, 0) => {
                write!(self.pending, "{{\"{}\":[", self.name).map_err(unwritten)?
            }
            (Format::Json, _) => self.pending.push(b','),
            (Format::Tsv, 0) if self.has_header => {
                writeln!(self.pending, "{}", tsv::header(view)).map_err(unwritten)?
            }
            _ => {}
        }
        self.count += 1;
        match &self.format {
            Format::Table | Format::Wide => return Ok(()),
            Format::Json => json::write(&mut self.pending, view).map_err(unwritten)?,
            Format::Jsonl => {
                json::write(&mut self.pending, view).map_err(unwritten)?;
                self.pending.push(b'\n');
            }
            Format::Tsv => writeln!(self.pending, "{}", tsv::line(view)).map_err(unwritten)?,
            Format::Value(field) => {
                let line = tsv::value(view, field);
                writeln!(self.pending, "{line}").map_err(unwritten)?;
            }
        }
        if self.pending.len() >= HELD_BACK { self.write_out() } else { Ok(()) }
    }

    /// The same with several rows for people.
    pub fn rows(
        &mut self,
        view: &impl Serialize,
        rows: impl FnOnce() -> Vec<Vec<Cell>>,
    ) -> Result<()> {
        if self.format.is_for_people() {
            self.rows.extend(rows());
        }
        self.push(view)
    }

    /// Adds something under another name, which only a JSON document has room for.
    pub fn add(&mut self, name: &str, value: &impl Serialize) {
        self.more += &format!(",\"{name}\":{}", json::to_string(value));
    }

    /// Ends the answer and makes sure it is out.
    pub fn finish(mut self) -> Result<()> {
        match (&self.format, self.count) {
            (Format::Json, 0) => writeln!(self.pending, "{{\"{}\":[]{}}}", self.name, self.more)
                .map_err(unwritten)?,
            (Format::Json, _) => writeln!(self.pending, "]{}}}", self.more).map_err(unwritten)?,
            _ => {}
        }
        self.write_out()
    }

    fn write_out(&mut self) -> Result<()> {
        self.stdout.write_all(&self.pending).map_err(unwritten)?;
        self.pending.clear();
        Ok(())
    }
}
