//! Looking after a store as a whole.
//!
//! This module never decides what a key may do.

mod carried;
pub mod check;
pub mod export;
pub mod import;
pub mod restore;
