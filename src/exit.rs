//! The process's exit status when a command has given its answer.
//!
//! This module never knows of failures: those have their own in [`crate::error`].

/// An exit status.
pub type Exit = u8;

/// That of a gate that found something, and of a check that changes are pending.
pub const FINDINGS: Exit = 18;
