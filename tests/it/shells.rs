//! Completion scripts in real shells.
