//! The guard against ending a key that is in use.

use crate::domain::{Day, Key, Lifetime, Safe, Timestamp};
use crate::error::{Error, Kind, Result};
use crate::store::Reader;

/// Refuses a key that was used within this time, and says when it last was and how often.
pub(super) fn refuse_used(
    reader: &Reader<'_>,
    key: &Key,
    idle: Option<&Lifetime>,
    now: Timestamp,
) -> Result<()> {
    let (Some(idle), Some(last_used_at)) = (idle, key.last_used_at) else {
        return Ok(());
    };
    if idle.after(last_used_at)? <= now {
        return Ok(());
    }
    let first = Day::of(now.plus_millis(-idle.millis_from(last_used_at)?));
    let first = first.max(Day::of(key.created_at));
    let count = uses(reader, key, first, Day::of(last_used_at))?;
    let times = if count == 1 { "time" } else { "times" };
    Err(Error::new(
        Kind::InUse,
        format!(
            "{} ({}) is in use: last at {last_used_at}, {count} {times} since {first}",
            Safe(&key.name),
            key.id
        ),
    )
    .hinted("leave out --if-unused-for to do it anyway"))
}

fn uses(reader: &Reader<'_>, key: &Key, first: Day, last: Day) -> Result<u64> {
    let seq = reader.seq_of(&key.id)?;
    let mut count = 0;
    let mut next = first;
    while next <= last {
        reader.for_each_use(next, seq, seq, |_, tally| count += tally.valid)?;
        next = next.next();
    }
    Ok(count)
}
