//! The hash table that a verifier looks things up in.
//!
//! This module never holds what an outsider can choose freely: SHA-256 of secrets, seeded by each verifier, and row numbers.

/// A table that is only looked up in, never shown: its order, which changes from run to run, is never visible.
#[expect(
    clippy::disallowed_types,
    reason = "a million keys are looked up three times as fast as in a BTreeMap, and their order is not shown"
)]
pub(super) type Table<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
