//! What keeps a new or renamed key out: a name that is taken, a cap that is reached.

use crate::domain::life::PENDING_MILLIS;
use crate::domain::words::counted;
use crate::domain::{Key, KeySeq, Safe, Timestamp, Workspace};
use crate::error::{Error, Kind, Result};
use crate::ops::{remedy, select};
use crate::store::Reader;

/// Refuses a name that another key of the environment holds.
pub(super) fn check_name(
    reader: &Reader<'_>,
    workspace: &Workspace,
    environment: &str,
    name: &str,
    now: Timestamp,
) -> Result<()> {
    check_name_beside(reader, workspace, (environment, name), now, |_| false)
}

/// The same of a record that is added. A pending key that replaces it has its name only until it exists, and those beside
/// it have come with it.
pub(super) fn check_name_of(
    reader: &Reader<'_>,
    workspace: &Workspace,
    key: &Key,
    now: Timestamp,
    is_beside: impl Fn(&Key) -> bool,
) -> Result<()> {
    let waits = |holder: &Key| holder.is_pending(now) && holder.may_replace(key);
    let is_no_holder = |holder: &Key| waits(holder) || is_beside(holder);
    let name = (key.environment.as_str(), key.name.as_str());
    check_name_beside(reader, workspace, name, now, is_no_holder)
}

fn check_name_beside(
    reader: &Reader<'_>,
    workspace: &Workspace,
    (environment, name): (&str, &str),
    now: Timestamp,
    is_no_holder: impl Fn(&Key) -> bool,
) -> Result<()> {
    for holder in reader.keys_named(workspace.id, name)? {
        if holder.environment == environment
            && !is_no_holder(&holder)
            && select::holds_its_name(reader, &holder, now)?
        {
            return Err(Error::new(
                Kind::NameTaken,
                format!(
                    "the name \"{}\" belongs to {} in {}/{}",
                    Safe(name),
                    holder.id,
                    Safe(&workspace.name),
                    Safe(environment)
                ),
            )
            .hinted(remedy::of_taken_name(reader, workspace, &holder, now)?));
        }
    }
    Ok(())
}

/// Refuses a name by which something else finds a key: its id or the beginning of it, its prefix or the short part.
pub(super) fn check_no_key_is_called(
    reader: &Reader<'_>,
    workspace: &Workspace,
    name: &str,
) -> Result<()> {
    let Some(what) = select::other_meaning(reader, workspace, name)? else {
        return Ok(());
    };
    Err(Error::new(
        Kind::NameTaken,
        format!("the name \"{}\" would be taken for {what}", Safe(name)),
    )
    .hinted("choose a name that is no part of a key's id or prefix"))
}

/// Refuses an expiry that has passed: the key would be expired from the start.
pub(super) fn check_expiry(
    reader: &Reader<'_>,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    match expires_at {
        Some(expires_at) if expires_at <= now => {
            Err(Error::new(Kind::InvalidExpiry, format!("expiry {expires_at} is in the past"))
                .hinted("say when it expires with --expires 90d"))
        }
        Some(expires_at) => check_end(reader, "the key", expires_at),
        None => Ok(()),
    }
}

/// Refuses to mint where the day that a pending key waits for its holder has passed: its secret would be void on its way.
pub(super) fn check_wait(reader: &Reader<'_>, now: Timestamp) -> Result<()> {
    check_end(reader, "the pending key", now.plus_millis(PENDING_MILLIS))
}

/// Refuses a grace that begins now and has passed: the old key would end before its holder has the new one.
pub(super) fn check_grace(reader: &Reader<'_>, millis: i64, now: Timestamp) -> Result<()> {
    match millis {
        0 => Ok(()),
        _ => check_end(reader, "the old key", now.plus_millis(millis)),
    }
}

/// Every lifetime starts at the machine's clock, and is refused here if the store has recorded a time after its end
/// because the clock went back: expiry is judged by the latest time that was seen.
fn check_end(reader: &Reader<'_>, subject: &str, ends_at: Timestamp) -> Result<()> {
    let seen = reader.clock()?.seen;
    if ends_at > seen {
        return Ok(());
    }
    Err(Error::new(
        Kind::InvalidExpiry,
        format!(
            "{subject} would expire at {ends_at}, before this store's last recorded time ({seen})"
        ),
    )
    .hinted("if the clock is now right, run `keyward store check --reset-clock`"))
}

/// Refuses more keys than the policy's cap, and names the key that has been unused for longest.
pub(super) fn check_cap(
    reader: &Reader<'_>,
    workspace: &Workspace,
    wanted: u64,
    now: Timestamp,
) -> Result<()> {
    let Some(cap) = workspace.policy.active_key_cap else {
        return Ok(());
    };
    let living = reader.census(workspace.id, now)?.living;
    if living + wanted <= u64::from(cap) {
        return Ok(());
    }
    let mut idlest: Option<Key> = None;
    reader.for_each_key_after(workspace, KeySeq(0), u32::MAX, |_, key| {
        let unused_since = |key: &Key| key.last_used_at.unwrap_or(key.created_at);
        let idler = idlest.as_ref().is_none_or(|idlest| unused_since(&key) < unused_since(idlest));
        if key.is_living(now) && idler {
            idlest = Some(key);
        }
        Ok(())
    })?;
    let error = Error::new(
        Kind::LimitReached,
        format!(
            "workspace {} has {}, and its cap is {cap}",
            Safe(&workspace.name),
            counted(living, "live key")
        ),
    );
    Err(match idlest {
        None => error,
        Some(key) => {
            let used = match key.last_used_at {
                None => "never used".to_owned(),
                Some(last_used_at) => format!("last used {last_used_at}"),
            };
            let name = Safe(&key.name);
            let place = remedy::place(reader, &workspace.name)?;
            error.hinted(format!(
                "the longest unused is {name} ({used}): `keyward revoke {}{place}`",
                key.id
            ))
        }
    })
}
