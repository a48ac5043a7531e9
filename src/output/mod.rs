//! Everything a person or a script is shown.
//!
//! This module never decides anything: it renders what it is given. Its rules:
//!
//!   * stdout carries the answer and nothing else; `Ui::data` is the only way to it.
//!   * stderr carries everything else: status, warnings, hints, errors. `--quiet` silences status and hints.
//!   * A text from outside is shown through `sanitize::Safe`, or as JSON, which is pure ASCII.
//!   * Times are relative in tables and RFC 3339 in data.

pub mod json;
pub mod keys;
pub mod listing;
pub mod man;
pub mod patterns;
pub mod progress;
pub mod relative;
pub mod sarif;
pub mod schema;
pub mod stdout;
pub mod table;
pub mod tsv;
pub mod ui;
pub mod usage;
pub mod view;
