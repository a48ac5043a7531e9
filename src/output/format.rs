//! The formats of answers.

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
    /// One JSON object a line
    Jsonl,
    /// One record a line, fields between tabs
    Tsv,
    /// This field of each record, a line each
    #[value(skip)]
    Value(String),
}

impl Format {
    /// Whether people read it.
    pub fn is_for_people(&self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }
}
