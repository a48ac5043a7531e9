//! Managing a whole store.
//!
//! This module never decides what a key may do.

pub mod backup;
mod carried;
pub mod check;
pub mod clock;
pub mod export;
pub mod import;
pub mod info;
pub mod restore;
