//! The use cases: a `Request` in, an `Outcome` out, one transaction between.
//!
//! This module never prints, asks, reads a clock or the environment: `now` and the random generator are parameters.

pub mod access;
pub mod activate;
pub mod apply;
pub mod audit;
pub mod cancel;
pub mod change;
pub mod check;
pub mod complete;
mod draft;
pub mod events;
pub mod hand_over;
pub mod idempotent;
pub mod judge;
mod limits;
pub mod lineage;
mod links;
pub mod list;
pub mod mint;
#[cfg(feature = "cli")]
pub mod patterns;
pub mod pause;
pub mod provision;
pub mod prune;
mod remedy;
pub mod rename;
pub mod revoke;
pub mod rotate;
#[cfg(feature = "cli")]
pub mod scan;
pub mod select;
pub mod set;
pub mod show;
pub mod store;
mod succession;
pub mod usage;
pub mod verifier;
pub mod whoami;
pub mod workspace;
