//! The errors of a damaged store.

use crate::error::{Error, Kind};

const DAMAGED: &str = "the store is damaged: ";
const KEEP_A_COPY: &str = "keep a copy of the file and those beside it, then restore a backup";

/// The error of a damaged store.
pub(super) fn damaged(what: impl std::fmt::Display) -> Error {
    Error::new(Kind::Damaged, format!("{DAMAGED}{what}")).hinted(KEEP_A_COPY)
}

/// The same failure of a file that is not the store itself.
pub(super) fn of_another(error: Error) -> Error {
    error.told(|said| said.strip_prefix(DAMAGED).unwrap_or(said).to_owned())
}

/// The same failure of a backup, which is not the store.
pub fn of_backup(error: Error) -> Error {
    if !matches!(error.kind(), Kind::Damaged | Kind::Foreign) {
        return error;
    }
    let is_about_stores = error.kind() == Kind::Foreign || error.hint() == Some(KEEP_A_COPY);
    let error = of_another(error).told(|said| format!("the backup cannot be restored: {said}"));
    match is_about_stores || error.hint().is_none() {
        true => error.hinted("restore another backup; the store was left as it is"),
        false => error,
    }
}
