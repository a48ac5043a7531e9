//! What keys are and the rules they live by: types that cannot hold a wrong value, and pure functions.
//!
//! This module never reads a clock, a file, the environment or a database: time and randomness are parameters.

pub mod address;
pub mod allowance;
pub mod alphabet;
pub mod audit;
pub mod chain;
pub mod clock;
pub mod code;
pub mod credential;
pub mod day;
pub mod difference;
pub mod digest;
pub mod dotenv;
pub mod ended;
pub mod endings;
pub mod exposure;
pub mod finding;
pub mod flaw;
pub mod form;
pub mod forwarded;
#[cfg(feature = "cli")]
pub mod glob;
pub mod holding;
pub mod idempotency;
pub mod key;
pub mod known_format;
pub mod label;
pub mod life;
pub mod lifetime;
pub mod link;
pub mod manifest;
pub mod mapping;
pub mod misread;
pub mod name;
pub mod nearest;
#[cfg(feature = "cli")]
pub mod pattern;
pub mod percent;
pub mod permission;
pub mod policy;
pub mod policy_changes;
pub mod preset;
pub mod progress;
pub mod provision;
pub mod rate;
pub mod record;
pub mod restoration;
pub mod runner_file;
pub mod sanitize;
#[cfg(feature = "cli")]
pub mod scan;
pub mod secret;
#[cfg(feature = "cli")]
pub mod size;
pub mod template;
pub mod tilde;
pub mod timestamp;
pub mod token;
pub mod transfer;
pub mod usage;
pub mod verdict;
pub mod when;
pub(crate) mod words;
pub mod workspace;

// What the rest of the house speaks of.
pub use address::Network;
pub use alphabet::Alphabet;
pub use code::Code;
pub use day::Day;
pub use key::{Key, KeyId, KeySeq, State, Status};
pub use lifetime::Lifetime;
pub use name::Name;
pub use permission::Permission;
pub use policy::Policy;
pub use sanitize::{Safe, SafePath};
pub use timestamp::Timestamp;
pub use when::When;
pub use workspace::{Workspace, WorkspaceId};
