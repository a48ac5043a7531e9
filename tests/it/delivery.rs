//! Sinks that fail, and what becomes of the key.
