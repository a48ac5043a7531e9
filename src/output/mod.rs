//! o
pub mod sanitize;
