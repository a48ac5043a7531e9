//! What the commands and their context share of the command line: the global options, and how a KEY is named.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use crate::domain::{Lifetime, Timestamp, When};
use crate::error::{Error, Result};
use crate::ops::select::Selector;
use crate::output::ui::Format;

/// The options of every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Use this store: a file, or a PostgreSQL URI [env: KEYWARD_STORE]
    #[arg(long, global = true, value_name = "PATH|URL", value_hint = clap::ValueHint::FilePath)]
    pub store: Option<PathBuf>,

    /// Use this workspace [env: KEYWARD_WORKSPACE]
    #[arg(short, long, global = true, value_name = "NAME")]
    pub workspace: Option<String>,

    /// Write answers in this format
    #[arg(
        short,
        long,
        global = true,
        value_parser = FormatParser,
        default_value = "table",
        hide_default_value = true
    )]
    pub output: Format,

    /// With --output tsv: name the columns in the first line
    #[arg(long, global = true)]
    pub header: bool,

    /// Write answers as one JSON document
    #[arg(long, global = true)]
    pub json: bool,

    /// Leave out status messages and hints
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Answer yes to every question
    #[arg(short, long, global = true)]
    pub yes: bool,

    /// Never ask (also when CI is set)
    #[arg(long, global = true)]
    pub no_input: bool,

    /// When to use colour (also NO_COLOR)
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        hide_default_value = true,
        value_name = "WHEN"
    )]
    pub color: Colour,

    /// Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]
    #[arg(long = "as", global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub caller: Option<PathBuf>,

    /// As root, use another user's store as that user
    #[arg(long, global = true)]
    pub as_owner: bool,

    /// How long to wait for a busy store [default: 10s]
    #[arg(long, global = true, value_name = "DURATION")]
    pub wait: Option<Lifetime>,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Colour {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Reads a format: one of its words, or `value=FIELD`.
#[derive(Clone)]
struct FormatParser;

impl TypedValueParser for FormatParser {
    type Value = Format;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Format, clap::Error> {
        let field = value.to_str().and_then(|text| text.strip_prefix("value="));
        if let Some(field) = field {
            return Ok(Format::Value(field.to_owned()));
        }
        let words = PossibleValuesParser::new(self.possible_values().into_iter().flatten());
        let word = words.parse_ref(command, argument, value)?;
        Ok(Format::from_str(&word, false).expect("clap lets no other word through"))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let field =
            PossibleValue::new("value=FIELD").help("One field of each record, one per line");
        let words = Format::value_variants().iter();
        let words = words.filter_map(ValueEnum::to_possible_value);
        Some(Box::new(words.chain([field])))
    }
}

/// Reads one of these words. Each has its help, which may be empty, and its meaning.
pub fn one_of<T: Copy + Send + Sync + 'static>(
    words: &'static [(&'static str, &'static str, T)],
) -> impl TypedValueParser<Value = T> {
    let possible = words.iter().map(|(word, about, _)| {
        let possible = PossibleValue::new(*word);
        match *about {
            "" => possible,
            about => possible.help(about),
        }
    });
    PossibleValuesParser::new(possible).map(|word| {
        let meant = words.iter().find(|(one, ..)| *one == word);
        meant.expect("clap lets no other word through").2
    })
}

/// The point in time for an option that looks back: a duration means that long ago.
pub fn look_back(option: &str, when: &When, now: Timestamp) -> Result<Timestamp> {
    match when {
        When::At(moment) => Ok(*moment),
        When::After(before) => Ok(now.plus_millis(-before.millis_from(now)?)),
        When::Never => Err(Error::usage(format!("{option} takes a day, not never"))
            .hinted("write a date such as 2026-01-31, or a duration before now such as 7d")),
    }
}

/// Every workspace instead of a single one.
#[derive(Debug, Clone, Copy, Args)]
pub struct Everywhere {
    /// Include every workspace
    #[arg(short = 'A', long)]
    pub all_workspaces: bool,
}

/// One KEY.
#[derive(Debug, Clone, Args)]
pub struct KeyArgument {
    /// The key: its id or the beginning of it, its prefix, or its name
    #[arg(value_name = "KEY")]
    key: String,

    /// The environment, where two environments share the name
    #[arg(short, long, value_name = "ENV")]
    environment: Option<String>,
}

impl KeyArgument {
    /// The selector, as typed.
    pub fn selector(&self) -> Selector {
        Selector { text: self.key.clone(), environment: self.environment.clone() }
    }
}
