//! keyward
pub mod domain;
pub mod error;
pub mod ops;
pub mod output;
pub mod store;
