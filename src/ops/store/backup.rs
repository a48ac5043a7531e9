//! Copying a store to a file while it is in use.
//!
//! This module never makes a backup that could not be restored.

use std::path::Path;

use crate::domain::Timestamp;
use crate::domain::flaw::Flaw;
use crate::domain::tilde;
use crate::domain::words::Reached;
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::store::check;
use crate::store::{Copy, Store};

/// Copies the store's current state to a file. The closure gets the progress.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    target: &Path,
    now: Timestamp,
    mut progress: impl FnMut(Reached),
) -> Result<Copy> {
    store.read(|reader| Access::admit(reader, actor, now)?.require_operator())?;
    tilde::refuse(target)?;
    let found = check::damage(store, actor, now, &mut progress)?;
    if let Some(flaw) = found.flaws.into_iter().find(Flaw::is_in_the_content) {
        let message = format!(
            "the store is damaged, so no backup was made: {} ({})",
            flaw.problem, flaw.subject
        );
        return Err(Error::new(Kind::Damaged, message)
            .hinted("`keyward store check` lists the damage, and what to do about it"));
    }
    store.backup(target, |done, of| {
        progress(Reached { verb: "copied", done, of, unit: "pages" });
    })
}
