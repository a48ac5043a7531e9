//! How far a long job has come.

use std::fmt;

/// So many of so many things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// What was done to them.
    pub verb: &'static str,
    /// How many it was done to.
    pub done: u64,
    /// How many there are.
    pub of: u64,
    /// What they are, in the plural.
    pub unit: &'static str,
}

/// `checked 120000 of 1000000 keys`.
impl fmt::Display for Reached {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, done, of, unit } = self;
        write!(formatter, "{verb} {done} of {of} {unit}")
    }
}
