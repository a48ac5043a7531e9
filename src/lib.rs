//! keyward
pub mod cli;
pub mod commands;
pub mod context;
pub mod delivery;
pub mod domain;
pub mod error;
pub mod ops;
pub mod output;
pub mod prompt;
pub mod store;
pub mod usage;
