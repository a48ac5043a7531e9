//! Where manual pages go: to the reader that the machine has, to stdout, or into a folder.

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::domain::SafePath;
use crate::error::{Error, Result};
use crate::files;
use crate::output::stdout;
use crate::signals::Interrupts;

/// Shows a page on a terminal as `man` does, with the reader's own pager. Anywhere else, and without `man`, the page is
/// written unformatted.
pub fn show(page: &str) -> Result<()> {
    let is_read = std::io::stdout().is_terminal() && read(page)?;
    match is_read {
        true => Ok(()),
        false => stdout::answer(page),
    }
}

/// Whether `man` has shown the page.
fn read(page: &str) -> Result<bool> {
    // An interrupt is meant for the pager. keyward must not leave the terminal before it.
    let _interrupts = Interrupts::watch()?;
    let reader =
        Command::new("man").args(["-l", "-"]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut reader) = reader else {
        return Ok(false);
    };
    if let Some(mut input) = reader.stdin.take() {
        // A pager that is left early reads no more.
        let _ = input.write_all(page.as_bytes());
    }
    Ok(reader.wait().is_ok_and(|status| status.success()))
}

/// Writes pages into a folder, which is made if it does not exist.
pub fn write(folder: &Path, pages: &[(String, String)]) -> Result<()> {
    let unwritten = |path: &Path, error: std::io::Error| {
        Error::new(files::kind_of(&error), format!("cannot write {}", SafePath(path)))
            .because(error)
    };
    fs::create_dir_all(folder).map_err(|error| unwritten(folder, error))?;
    for (name, page) in pages {
        let path = folder.join(name);
        fs::write(&path, page).map_err(|error| unwritten(&path, error))?;
    }
    Ok(())
}
