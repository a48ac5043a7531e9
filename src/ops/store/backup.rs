//! Copying a store to a file while it is in use.

use std::path::Path;

use crate::domain::Timestamp;
use crate::domain::progress::Reached;
use crate::domain::tilde;
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::store::{Copy, Store};

/// Copies the store as it is at this moment to a file. The closure is told how far that has come.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    target: &Path,
    now: Timestamp,
    mut progress: impl FnMut(Reached),
) -> Result<Copy> {
    store.read(|reader| Access::admit(reader, actor, now)?.require_operator())?;
    tilde::refuse(target)?;
    store.backup(target, |done, of| {
        progress(Reached { verb: "copied", done, of, unit: "pages" });
    })
}
