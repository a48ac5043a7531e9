//! The process's exit status when a command has given its answer.

/// An exit status.
pub type Exit = u8;

/// That of a gate that found something, and of a check that changes are pending.
pub const FINDINGS: Exit = 18;
