//! Who else could read or swap the store: the checks before it is opened.

use std::path::Path;

use crate::domain::SafePath;
use crate::error::{Error, Result};
use crate::files::{Entry, Folder, Found, Unreachable, kind_of};

/// The files SQLite keeps beside a store.
pub(super) const SIDECARS: [&str; 3] = ["-wal", "-shm", "-journal"];
/// Those that keyward keeps there.
const OWN: [&str; 2] = [".reserve", ".lock"];

/// Checks the store's file, the files beside it and every folder above it. Says whether the file exists.
pub(super) fn check(store: &Entry) -> Result<bool> {
    let Some(mut found) = look(store)? else {
        return Ok(false);
    };
    if found.names() == 2 && drop_draft_name(store, &found)? {
        found = look(store)?.unwrap_or(found);
    }
    store.check(&found)?;
    for suffix in SIDECARS {
        let beside = store.beside(suffix);
        if let Some(found) = look(&beside)? {
            beside.check(&found)?;
        }
    }
    for suffix in OWN {
        let beside = store.beside(suffix);
        if let Some(found) = look(&beside)? {
            beside.check_own(&found)?;
        }
    }
    store.folder().check_all()?;
    Ok(true)
}

/// Removes the name that the store was made under. Where a file system cannot rename without replacing, it gets its own by a
/// second link, and a process may have been killed before it removed the first. Says whether it was that.
fn drop_draft_name(store: &Entry, found: &Found) -> Result<bool> {
    for suffix in [".new", ".restored"] {
        let draft = store.beside(suffix);
        if look(&draft)?.is_some_and(|draft| draft.identity() == found.identity()) {
            let removed = draft.remove();
            return removed.map_err(|error| draft.refused("remove", error));
        }
    }
    Ok(false)
}

/// The name in its opened folder; nothing where the folder does not exist.
pub(super) fn entry_if_possible(path: &Path) -> Result<Option<Entry>> {
    let absolute = absolute(path)?;
    let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        let shown = SafePath(path);
        return Err(Error::usage(format!("{shown} names no file")));
    };
    match Folder::open(folder, |_| Ok(())) {
        Ok(folder) => Ok(Some(Entry::new(folder, name))),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(unreachable(error)),
    }
}

/// The name in its opened folder.
pub(super) fn entry(path: &Path) -> Result<Entry> {
    entry_if_possible(path)?.ok_or_else(|| {
        let folder = path.parent().unwrap_or(path).to_owned();
        let missing = std::io::ErrorKind::NotFound.into();
        unreachable(Unreachable::Failed(folder, missing))
    })
}

/// Makes the folder of a store, where the folders that are there already are safe.
pub(super) fn make_way(path: &Path) -> Result<()> {
    match absolute(path)?.parent() {
        Some(folder) => {
            let made = Folder::make(folder, Folder::check_all);
            made.map_err(unreachable)?.check_all()
        }
        None => Ok(()),
    }
}

pub(super) fn absolute(path: &Path) -> Result<std::path::PathBuf> {
    std::path::absolute(path)
        .map_err(|error| Error::usage("the store's path cannot be used").because(error))
}

fn unreachable(error: Unreachable) -> Error {
    match error {
        Unreachable::Refused(error) => error,
        Unreachable::Failed(path, error) => {
            let shown = SafePath(&path);
            let message = format!("cannot reach the folder {shown}");
            Error::new(kind_of(&error), message).because(error)
        }
    }
}

/// Looks at a name without following a link there.
pub(super) fn look(entry: &Entry) -> Result<Option<Found>> {
    entry.look().map_err(|error| entry.refused("look at", error))
}

/// How long the file of this name is; nothing where there is none.
pub(super) fn length(entry: &Entry) -> Result<u64> {
    Ok(look(entry)?.map_or(0, |found| found.length()))
}

/// Whether there is anything in the log beside it.
pub(super) fn has_log(store: &Entry) -> Result<bool> {
    Ok(length(&store.beside("-wal"))? > 0)
}
