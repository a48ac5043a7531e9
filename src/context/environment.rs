//! The environment variables that decide something, one function each.

use std::ffi::OsString;

use crate::domain::SafePath;
use crate::error::{Error, Result};

pub fn is_ci() -> bool {
    variable("CI").is_some_and(|value| value != "false" && value != "0")
}

/// Whether a secret on bare standard output is forbidden here.
pub fn requires_sink() -> bool {
    variable("KEYWARD_REQUIRE_SINK").is_some_and(|value| value != "false" && value != "0")
}

/// A variable whose value is text.
pub(super) fn text(name: &str) -> Result<Option<String>> {
    let Some(value) = variable(name) else {
        return Ok(None);
    };
    value.into_string().map(Some).map_err(|value| {
        Error::usage(format!("{name} is not UTF-8 text: \"{}\"", SafePath(value.as_ref())))
    })
}

/// A variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(super) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
