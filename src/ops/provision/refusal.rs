//! Why a key is not provisioned, and what can be done about it.

use super::held;
use crate::domain::holding::{Holding, Place};
use crate::domain::{Key, Safe, Timestamp, Workspace};
use crate::error::{Error, Kind, Result};
use crate::ops::remedy;
use crate::store::Reader;

/// The sink has the only copy of another live key's secret.
pub(super) fn anothers(place: &Place, held: &Key) -> Error {
    let (sink, name) = (&place.name, Safe(&held.name));
    Error::new(
        Kind::Conflict,
        format!("{sink} contains the secret of another key, {name} ({})", held.id),
    )
    .hinted("deliver each key to its own file, or pass --rotate-if-missing to replace it")
}

/// The key exists, but is neither live nor a leftover of a run.
pub(super) fn not_live(
    reader: &Reader<'_>,
    workspace: &Workspace,
    key: &Key,
    now: Timestamp,
) -> Result<Error> {
    let (name, status) = (Safe(&key.name), key.status(now).word());
    let error = Error::new(Kind::Conflict, format!("{name} ({}) is {status}", key.id));
    Ok(error.hinted(remedy::way_out(reader, workspace, key, now)?))
}

/// The key is live, but its secret is not in its sink.
pub(super) fn missing(
    reader: &Reader<'_>,
    workspace: &Workspace,
    key: &Key,
    place: &Place,
    now: Timestamp,
) -> Result<Error> {
    let instead = match held(reader, place.holding)? {
        Some(held) if held.replaced_by.is_some() => {
            format!(" but that of {}, which is superseded", held.id)
        }
        Some(held) => format!(" but that of {}, which is {}", held.id, held.status(now).word()),
        None if place.holding == Holding::Nothing => ": it does not exist".to_owned(),
        None => " but something else".to_owned(),
    };
    let (sink, name) = (&place.name, Safe(&key.name));
    let place = remedy::place(reader, &workspace.name)?;
    let message = format!("{sink} does not contain the secret of {name} ({}){instead}", key.id);
    Ok(Error::new(Kind::SecretMissing, message).hinted(format!(
        "put it back, or pass --rotate-if-missing to replace it; see `keyward show {}{place}`",
        key.id
    )))
}
