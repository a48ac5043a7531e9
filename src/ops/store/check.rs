//! Looking a store through.

use crate::domain::flaw::Flaw;
use crate::domain::words::Reached;
use crate::domain::{Timestamp, WorkspaceId};
use crate::error::{Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::{audit, links, remedy};
use crate::store::{Reader, Store};

#[derive(Debug)]
pub struct Outcome {
    pub workspaces: u64,
    pub keys: u64,
    pub events: u64,
    pub flaws: Vec<Flaw>,
}

/// Checks everything that [`damage`] checks, and the links between keys. Links that no rotation makes are not damage:
/// nothing follows them, and a backup that contains some can be restored.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    now: Timestamp,
    progress: impl FnMut(Reached),
) -> Result<Outcome> {
    let mut outcome = damage(store, actor, now, progress)?;
    store.read(|reader| {
        let mut ending = links::Ending::default();
        let looked = reader.for_each_linked_key(|key| {
            let is_living = key.is_living(now);
            for link in links::faults(reader, &key, &mut ending, now)? {
                let place = remedy::place(reader, &key.workspace)?;
                outcome.flaws.push(Flaw::of_link(&link, is_living, place));
            }
            Ok(())
        });
        match looked {
            // That was found before.
            Err(error) if error.kind() == Kind::Damaged && !outcome.flaws.is_empty() => Ok(()),
            looked => looked,
        }
    })?;
    Ok(outcome)
}

/// Checks everything in one transaction that blocks nobody. The closure gets the number of events and keys checked.
/// Problems are part of the outcome, not an error.
pub fn damage(
    store: &mut Store,
    actor: &Actor,
    now: Timestamp,
    mut progress: impl FnMut(Reached),
) -> Result<Outcome> {
    let total = store.info()?.keys;
    let has_wal_mode = store.has_wal_mode();
    store.read(|reader| {
        Access::admit(reader, actor, now)?.require_operator()?;
        let mut outcome = Outcome { workspaces: 0, keys: 0, events: 0, flaws: Vec::new() };
        let flaws = &mut outcome.flaws;
        reader.for_each_fault(|flaw| flaws.push(flaw))?;
        if !has_wal_mode {
            flaws.push(Flaw::of_journal_mode());
        }
        if let Err(error) = reader.clock() {
            flaws.push(Flaw::of_file(error.to_string()));
        }
        let trail = audit::check(reader, None, &mut progress)?;
        outcome.events = trail.checked;
        flaws.extend(trail.first_bad.map(Flaw::of_trail));
        outcome.workspaces = reader.for_each_flawed_workspace(|flaw| flaws.push(flaw))?;
        let looked = reader.for_each_flawed_key(
            |flaw, workspace| {
                // Where the workspaces cannot be read, that is among the flaws.
                let place = workspace.and_then(|workspace| place_in(reader, workspace).ok());
                let place = place.unwrap_or_default();
                flaws.push(Flaw { place, ..flaw });
            },
            |done| {
                progress(Reached { verb: "checked", done, of: total, unit: "keys" });
                Ok(())
            },
        );
        let looked = looked.and_then(|keys| {
            reader.for_each_forgotten_end(|flaw, _| flaws.push(flaw))?;
            Ok(keys)
        });
        match looked {
            Ok(keys) => outcome.keys = keys,
            // A page that cannot be read ends the look; it is what was looked for.
            Err(error) if error.kind() == Kind::Damaged => {
                flaws.push(Flaw::of_file(error.to_string()))
            }
            Err(error) => return Err(error),
        }
        Ok(outcome)
    })
}

/// The option that finds a key in this workspace, if it needs one.
fn place_in(reader: &Reader<'_>, workspace: WorkspaceId) -> Result<String> {
    let all = reader.workspaces()?;
    let owner = all.iter().find(|owner| owner.id == workspace);
    owner.map_or(Ok(String::new()), |owner| remedy::place(reader, &owner.name))
}
