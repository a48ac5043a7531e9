//! What keys are and the rules they live by: types that cannot hold a wrong value, and pure functions.
//!
//! This module never reads a clock, a file, the environment or a database: time and randomness are parameters.

pub mod address;
pub mod allowance;
pub mod alphabet;
pub mod audit;
pub mod clock;
pub mod code;
pub mod credential;
pub mod difference;
pub mod digest;
pub mod dotenv;
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
pub mod manifest;
pub mod mapping;
pub mod name;
#[cfg(feature = "cli")]
pub mod pattern;
pub mod percent;
pub mod policy;
pub mod preset;
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
pub mod standing;
pub(crate) mod stored;
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
pub use key::{Key, KeyId, KeySeq, State, Status};
pub use lifetime::Lifetime;
pub use name::Name;
pub use policy::{Permission, Policy};
pub use sanitize::{Safe, SafePath};
pub use timestamp::{Day, Timestamp};
pub use when::When;
pub use workspace::{Workspace, WorkspaceId};
