//! Restoring a backup without bringing back what was revoked since.
//!
//! This module never accepts an incomplete backup, and never leaves a store that is neither the old one nor the new.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::domain::Timestamp;
use crate::domain::audit::{Action, Head};
use crate::domain::words::Reached;
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::audit;
pub use crate::ops::store::carried::Kept;
use crate::ops::store::carried::{Carried, Origin};
use crate::ops::store::check;
use crate::ops::workspace::set::hold_to_rates;
use crate::store::{
    Backup, Extent, Info, Store, Turn, Writer, beside, fingerprint, look_at_backup, of_backup,
    put_in_place, remains, salvage, write_over,
};

#[derive(Debug)]
pub struct Request {
    pub store: PathBuf,
    pub backup: PathBuf,
    /// A head that the trail must have afterwards.
    pub against: Option<Head>,
    /// How long another process is waited for.
    pub wait: Duration,
}

#[derive(Debug)]
pub struct Outcome {
    /// What the store holds now.
    pub info: Info,
    /// The end of its trail.
    pub head: Head,
    /// The end of the backup's.
    pub backup: Head,
    /// The keys that keep something, in the order of minting.
    pub kept: Vec<Kept>,
    /// What there was to compare the backup with.
    pub compared: Compared,
}

/// Where later changes could be taken from.
#[derive(Debug, PartialEq, Eq)]
pub enum Compared {
    /// The current store, which was intact enough.
    Whole,
    /// A damaged store, as far as it could be read; where it is kept, and whether all of it could be read.
    Salvaged(Option<PathBuf>, bool),
    /// Nothing: no store existed.
    Nothing,
}

/// Refuses a missing file, and one that is not a backup, before anybody is asked.
pub fn look(request: &Request) -> Result<()> {
    look_at_backup(&request.backup, &request.store).map_err(of_backup)
}

/// Restores a backup. The closure gets the progress. If that fails, the store is unchanged.
pub fn run(
    request: &Request,
    actor: &Actor,
    now: Timestamp,
    mut progress: impl FnMut(Reached),
) -> Result<Outcome> {
    let Request { store, wait, .. } = request;
    // A file that must not be replaced is refused before a lock is created beside it.
    if let Err(error) = Store::glance(store, *wait)
        && matches!(error.kind(), Kind::Foreign | Kind::NewerStore | Kind::Usage)
    {
        return Err(error);
    }
    // One restoration at a time, and none while a key is handed over.
    let _turn = Turn::at(store, *wait)?;
    // What a restoration left that was killed.
    beside(store)?;
    let backup = Backup::take(&request.backup, store).map_err(of_backup)?;
    let (total, backup_head) =
        look_through(&backup, actor, now, &mut progress).map_err(of_backup)?;
    let restoration = Restoration { request, actor, now, backup: &backup, backup_head, total };
    let present = match Store::open(store, *wait) {
        Ok(Some(mut present)) => match is_sound(&mut present, actor, now, &mut progress) {
            Ok(true) => Some(present),
            Err(error) if error.kind() != Kind::Damaged => return Err(error),
            _ => None,
        },
        Ok(None) => None,
        Err(error) if error.kind() == Kind::Damaged => None,
        Err(error) => return Err(error),
    };
    if let Some(present) = present {
        // A revocation is permanent, also one in a store that was moved aside before this one existed.
        let lost = remains(store)?;
        let (outcome, _) = restoration.fill(present, true, &lost, &mut progress)?;
        return Ok(outcome);
    }
    loop {
        // Stores that were moved aside earlier count too: a restoration may have been interrupted.
        let lost = remains(store)?;
        let known = fingerprint(store);
        let beside_it = beside(store)?;
        let made = Store::open_or_create(&beside_it, *wait)?;
        let filled = restoration.fill(made, false, &lost, &mut progress);
        let restored = filled.and_then(|(outcome, extent)| {
            let put_aside = match Store::is_at(store)? {
                true => write_over(store, &beside_it, known)?,
                false => {
                    put_in_place(store, &beside_it)?;
                    return Ok(Some((outcome, extent, None)));
                }
            };
            Ok(put_aside.map(|path| (outcome, extent, Some(path))))
        });
        // What cannot be removed is removed by the next attempt.
        let _ = beside(store);
        // Nothing if something became stricter meanwhile: try again with it.
        if let Some((mut outcome, extent, put_aside)) = restored? {
            outcome.compared = match lost.is_empty() {
                true => Compared::Nothing,
                false => Compared::Salvaged(put_aside, extent == Extent::Whole),
            };
            return Ok(outcome);
        }
    }
}

struct Restoration<'a> {
    request: &'a Request,
    actor: &'a Actor,
    now: Timestamp,
    backup: &'a Backup,
    backup_head: Head,
    total: u64,
}

impl Restoration<'_> {
    /// Restores into a store that can be written, in one transaction, and closes it. What is kept is taken from that
    /// store, if it is the current one, and from those that are lost. Says whether all of these could be read.
    fn fill(
        &self,
        mut store: Store,
        is_present: bool,
        lost: &[PathBuf],
        mut progress: impl FnMut(Reached),
    ) -> Result<(Outcome, Extent)> {
        let now = self.now;
        let of = store.info()?.keys;
        let (kept, extent) = store.write_beside(self.backup.path(), |writer| {
            let access = Access::of_operator(writer, self.actor, now)?;
            let act = Act { writer, access, now };
            let (mut carried, extent) = self.gather(writer, is_present, lost, of, &mut progress)?;
            writer.replace_tables()?;
            let latest = writer.clock()?.seen.max(now);
            carried.write(writer, latest)?;
            let details = json!({
                "backup": self.backup_head.to_string(),
                "kept": carried.count(),
            });
            act.note(Action::StoreRestore, "store", &details)?;
            let note_of = |seq| carried.note_of(seq);
            writer.audit_all(now, &act.access.actor, note_of, |done| {
                progress(Reached {
                    verb: "restored",
                    done,
                    of: self.total,
                    unit: "keys",
                });
            })?;
            carried.settle_names(&act)?;
            // The counts of the current store are kept, and the plan may be different.
            for workspace in writer.workspaces()? {
                hold_to_rates(writer, &workspace, latest)?;
            }
            match self.request.against {
                Some(head) if !writer.has_head(head)? => Err(Error::conflict(format!(
                    "neither this store nor the backup contains the audit head {head}, so revocations may be missing"
                ))
                .hinted("use a later backup, or leave out --against to restore this one as it is")),
                _ => Ok((carried.into_kept(writer)?, extent)),
            }
        })?;
        let head = store.read(|reader| reader.head())?;
        let outcome = Outcome {
            info: store.info()?,
            head,
            backup: self.backup_head,
            kept,
            compared: Compared::Whole,
        };
        Ok((outcome, extent))
    }

    /// Gathers what is to stay, and says whether all could be read that might have been. `of` is how many keys the store has.
    fn gather(
        &self,
        writer: &Writer<'_>,
        is_present: bool,
        lost: &[PathBuf],
        of: u64,
        progress: &mut impl FnMut(Reached),
    ) -> Result<(Carried, Extent)> {
        let (mut carried, mut extent) = (Carried::default(), Extent::Whole);
        if is_present {
            let mut done = 0;
            extent = writer.for_each_trace(|trace| {
                done = of.min(done + 1);
                progress(Reached { verb: "compared", done, of, unit: "keys" });
                carried.take(writer, trace, Origin::Present)
            })?;
        }
        let is_there = Store::is_at(&self.request.store).is_ok_and(|is_there| is_there);
        for (nth, path) in lost.iter().enumerate() {
            let from = match nth == 0 && is_there {
                true if is_present => continue,
                true => Origin::Damaged,
                false => Origin::Aside,
            };
            let read = salvage(
                path,
                |id| writer.may_be_ended(id),
                |trace| carried.take(writer, trace, from),
            )?;
            if read == Extent::Partial {
                extent = read;
            }
        }
        Ok((carried, extent))
    }
}

/// Refuses a damaged backup. Returns how many keys it has, and its head.
fn look_through(
    backup: &Backup,
    actor: &Actor,
    now: Timestamp,
    progress: impl FnMut(Reached),
) -> Result<(u64, Head)> {
    let gone = || Error::new(Kind::Io, "the copy of the backup disappeared");
    let mut store = Store::open(backup.path(), Duration::ZERO)?.ok_or_else(gone)?;
    let operator = match actor {
        Actor::Operator(name) => Actor::Operator(name.clone()),
        // The store decides whether a key may do this, not the backup.
        Actor::Caller { .. } => Actor::Operator(String::new()),
    };
    let found = check::damage(&mut store, &operator, now, progress)?;
    if let Some(flaw) = found.flaws.first() {
        return Err(Error::new(Kind::Damaged, format!("{} ({})", flaw.problem, flaw.subject)));
    }
    let head = store.read(|reader| reader.head())?;
    Ok((found.keys, head))
}

/// Whether the current file and its trail can be kept: any damage in them would stay.
fn is_sound(
    store: &mut Store,
    actor: &Actor,
    now: Timestamp,
    progress: impl FnMut(Reached),
) -> Result<bool> {
    if audit::verify(store, actor, None, now, progress)?.first_bad.is_some() {
        return Ok(false);
    }
    store.clock()?;
    let mut faults = 0;
    store.read(|reader| reader.for_each_fault(|_| faults += 1))?;
    Ok(faults == 0)
}
