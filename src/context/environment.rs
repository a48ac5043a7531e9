//! The environment variables that decide something, one function each.
//!
//! This module never takes an empty variable for one that is set.

use std::path::PathBuf;

/// Whether this runs in CI.
pub fn is_ci() -> bool {
    variable("CI").is_some_and(|value| value != "false" && value != "0")
}

/// Whether a secret on bare standard output is forbidden here.
pub fn requires_sink() -> bool {
    variable("KEYWARD_REQUIRE_SINK").is_some_and(|value| value != "false" && value != "0")
}

/// The file that a GitHub Actions runner reads a step's environment or outputs from.
pub fn github_file(name: &str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from)
}

/// A variable that is set and not empty.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)
        .map(|value| value.to_string_lossy().into_owned())
        .filter(|value| !value.is_empty())
}
