//! Paths that do not mean what they say: a tilde that no shell has expanded (`--store=~/x` and `KEYWARD_STORE=~/x` in a unit file
//! arrive unchanged), and `-` where a file is about to be made.

use std::path::{Component, Path};

use crate::domain::sanitize::SafePath;
use crate::error::{Error, Result};

pub const HINT: &str = "write $HOME in place of ~, or ./~ for a folder of that name";

/// Whether the path begins with a folder named `~`.
pub fn begins(path: &Path) -> bool {
    let first = path.components().next();
    matches!(first, Some(Component::Normal(name)) if name == "~")
}

/// Refuses such a path for something that is about to be made.
pub fn refuse(path: &Path) -> Result<()> {
    if path.as_os_str() == "-" {
        return Err(Error::usage("\"-\" is not the name of a file here")
            .hinted("write ./- for a file of that name"));
    }
    match begins(path) {
        false => Ok(()),
        true => Err(Error::usage(format!(
            "no shell has replaced the ~ in \"{}\" with your home",
            SafePath(path)
        ))
        .hinted(HINT)),
    }
}
