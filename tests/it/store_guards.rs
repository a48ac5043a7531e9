//! Stores that are damaged, foreign, newer or busy.
