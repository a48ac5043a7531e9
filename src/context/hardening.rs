//! What the process does to keep its memory to itself, and what it says when it comes upon a fault of its own.
//!
//! This module never repeats what a panic says.

use std::sync::OnceLock;

use crate::error::{Error, Kind};

/// Where an internal error happened.
static PANICKED_AT: OnceLock<String> = OnceLock::new();

/// The error for an internal fault. It says only where it happened.
pub fn fault() -> Error {
    let place = PANICKED_AT.get().map_or("", String::as_str);
    // The paths of libraries at build time are not shown.
    let place = if place.starts_with("src/") { place } else { "a place in a library" };
    Error::new(Kind::Internal, format!("internal error at {place}"))
        .hinted("no partial change was saved; please report this")
}

/// Keeps secrets out of core dumps, out of what a panic says, and away from other processes of the same user, before there are any.
pub fn harden() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // Neither can fail in a way that would make stopping better than going on.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // SECURITY: a panic message may contain anything. `main` reports only where it happened.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let _ = PANICKED_AT.set(place.unwrap_or_default());
    }));
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
