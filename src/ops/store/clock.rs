//! Setting the clock of a store right.

use std::collections::BTreeSet;

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::clock::Clock;
use crate::domain::words::counted;
use crate::domain::{Key, KeyId, KeySeq, Safe, Timestamp, Workspace};
use crate::error::{Error, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::{remedy, select};
use crate::store::{Reader, Store};

/// How many keys are named; the others are named the next time.
const NAMED: usize = 20;

/// Takes the clock's time as the latest time. Returns what the store had recorded before.
pub fn reset(store: &mut Store, actor: &Actor, now: Timestamp) -> Result<Clock> {
    store.write(|writer| {
        let act = Act { writer, access: Access::of_operator(writer, actor, now)?, now };
        // If the recorded time is lost, only the clock is left.
        let before = writer.clock().unwrap_or(Clock::NEW);
        writer.reset_clock(now)?;
        if before.seen > now {
            for workspace in writer.workspaces()? {
                let revived = revived(writer, &workspace, before.seen, now)?;
                refuse_namesakes(writer, &workspace, &revived, now)?;
                refuse_too_many(writer, &workspace, &revived, now)?;
            }
        }
        let details = json!({
            "from": before.seen.to_string(),
            "to": now.to_string(),
        });
        act.note(Action::StoreClock, "store", &details)?;
        Ok(before)
    })
}

/// The keys that had ended by the time that was seen, and by the clock have not.
fn revived(
    reader: &Reader<'_>,
    workspace: &Workspace,
    seen: Timestamp,
    now: Timestamp,
) -> Result<Vec<Key>> {
    let mut revived = Vec::new();
    reader.for_each_key_after(workspace, KeySeq(0), u32::MAX, |_, key| {
        if key.is_living(now) && key.life().ended(now, seen).is_some() {
            revived.push(key);
        }
        Ok(())
    })?;
    Ok(revived)
}

/// Refuses to bring back keys whose names belong to others by now. Of several that would all come back, the newest has the name.
fn refuse_namesakes(
    reader: &Reader<'_>,
    workspace: &Workspace,
    revived: &[Key],
    now: Timestamp,
) -> Result<()> {
    let ids: BTreeSet<&KeyId> = revived.iter().map(|key| &key.id).collect();
    let mut in_the_way = Vec::new();
    for key in revived {
        let mut holders = Vec::new();
        for holder in reader.keys_named(workspace.id, &key.name)? {
            if holder.environment == key.environment
                && select::holds_its_name(reader, &holder, now)?
            {
                holders.push(holder.id);
            }
        }
        let is_one = holders.contains(&key.id);
        let is_first =
            holders.first() == Some(&key.id) && holders.iter().all(|id| ids.contains(id));
        if is_one && !is_first {
            in_the_way.push(key);
        }
    }
    match in_the_way.first() {
        None => Ok(()),
        Some(key) => {
            let message = format!(
                "{} has expired by the last recorded time, and would be live again beside another key named \"{}\" in {}/{}",
                key.id,
                Safe(&key.name),
                Safe(&workspace.name),
                Safe(&key.environment)
            );
            refused(reader, workspace, message, &in_the_way)
        }
    }
}

/// Refuses to bring back more keys than the cap allows.
fn refuse_too_many(
    reader: &Reader<'_>,
    workspace: &Workspace,
    revived: &[Key],
    now: Timestamp,
) -> Result<()> {
    let living = reader.census(workspace.id, now)?.living;
    match workspace.policy.active_key_cap.map(u64::from) {
        Some(cap) if living > cap && !revived.is_empty() => {
            let over = usize::try_from(living - cap).unwrap_or(usize::MAX);
            let message = format!(
                "workspace {} would have {} ({} of them expired by the last recorded time), and its cap is {cap}",
                Safe(&workspace.name),
                counted(living, "live key"),
                revived.len()
            );
            let oldest: Vec<&Key> = revived.iter().take(over).collect();
            refused(reader, workspace, message, &oldest)
        }
        _ => Ok(()),
    }
}

fn refused(
    reader: &Reader<'_>,
    workspace: &Workspace,
    message: String,
    in_the_way: &[&Key],
) -> Result<()> {
    let named = in_the_way.iter().take(NAMED);
    let ids: Vec<&str> = named.map(|key| key.id.as_str()).collect();
    let place = remedy::place(reader, &workspace.name)?;
    Err(Error::conflict(message)
        .hinted(format!("`keyward revoke {}{place}` ends what is in the way", ids.join(" "))))
}
