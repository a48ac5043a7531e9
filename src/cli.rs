//! The command line: global options, the list of commands, and how a KEY is named.
//!
//! This module never does anything: it says what may be typed.

use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};

use crate::commands::Command;
use crate::domain::lifetime::Lifetime;
use crate::ops::select::Selector;
use crate::output::ui::Format;

/// Administer API keys: mint, hand over once, list, rotate, revoke and verify, in one SQLite file
#[derive(Debug, Parser)]
#[command(
    name = "keyward",
    version,
    propagate_version = false,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    infer_subcommands = false,
    max_term_width = 100,
    after_help = "Examples:
  keyward mint ci-pipeline
  keyward list
  keyward verify < secret-file
  keyward rotate ci-pipeline --out new.key
  keyward revoke ci-pipeline --reason retired

A secret is shown once, by mint or rotate, and read from standard input; never pass one as an argument.
Exit status: 0 done, 2 usage, 3 not found, 4 conflict, 5 refused by policy, 10-15 not valid, 16 not delivered."
)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Use this store [env: KEYWARD_STORE]
    #[arg(long, global = true, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub store: Option<PathBuf>,

    /// Work in this workspace [env: KEYWARD_WORKSPACE]
    #[arg(short, long, global = true, value_name = "NAME")]
    pub workspace: Option<String>,

    /// Write answers in this format
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value_t,
        hide_default_value = true
    )]
    pub output: Format,

    /// Write answers as one JSON document
    #[arg(long, global = true, conflicts_with = "output")]
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

    /// Act as the key whose secret is in this file, or - for standard input [env: KEYWARD_AS_FILE]
    #[arg(long = "as", global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub caller: Option<PathBuf>,

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
    /// What was typed.
    pub fn selector(&self) -> Selector {
        Selector {
            text: self.key.clone(),
            environment: self.environment.clone(),
        }
    }
}
