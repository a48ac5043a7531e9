//! Making pending keys live, or voiding them: the second of the two transactions around a hand-over.
//!
//! This module never revives a key that is void, revoked or expired.

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::key::{SUPERSEDED, UNDELIVERED};
use crate::domain::secret::Secret;
use crate::domain::verdict::Ask;
use crate::domain::{Code, Key, KeyId, State, Status, Timestamp};
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::judge::{self, judge_secret};
use crate::ops::succession::PREVIOUS;
use crate::ops::{limits, lineage, links, remedy, select};
use crate::store::{Reader, Store};

/// A key made live by its holder.
#[derive(Debug)]
pub struct Outcome {
    pub key: Key,
    /// The key it superseded, in its current state.
    pub replaced: Option<Key>,
    /// Those of its lineage that were superseded before and ended with that one, which had no grace.
    pub ended: Vec<KeyId>,
    /// False when it was active before.
    pub changed: bool,
}

/// Makes keys live whose secrets were delivered, all in one transaction. One that its holder has activated meanwhile is
/// live already.
pub fn complete(
    store: &mut Store,
    actor: &Actor,
    delivered: &[Key],
    now: Timestamp,
) -> Result<Vec<Outcome>> {
    store.write(|writer| {
        let act = Act { writer, access: Access::admit(writer, actor, now)?, now };
        delivered
            .iter()
            .map(|delivered| {
                act.ahead(|reader| {
                    record_of(reader, delivered)?;
                    reader.confirm_in_trail(&delivered.id)
                });
                let record = record_of(&act, delivered)?;
                let status = record.as_ref().map(|key| key.standing(now));
                let fate = match (record, status) {
                    (Some(key), Some(Status::Pending | Status::Active)) => {
                        return activate(&act, key);
                    }
                    (_, Some(Status::Expired)) => "expired",
                    _ => "was voided",
                };
                Err(Error::new(
                    Kind::DeliveryFailed,
                    format!("{} {fate} while its secret was delivered", delivered.id),
                ))
            })
            .collect()
    })
}

/// Whether the store has these keys, still pending, so that presenting their secrets makes them live.
pub fn are_pending(store: &mut Store, delivered: &[Key], now: Timestamp) -> Result<bool> {
    store.read(|reader| {
        for delivered in delivered {
            let key = record_of(reader, delivered)?;
            if !key.is_some_and(|key| key.is_pending(now)) {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// Voids keys whose secrets were not delivered, and releases their names. Says whether all of them are void: one that was
/// activated by presenting its secret meanwhile has a holder, and stays. If that fails, the keys void themselves after a
/// day.
pub fn void(store: &mut Store, actor: &str, undelivered: &[Key], now: Timestamp) -> Result<bool> {
    end(store, actor, undelivered, now, |key| key.state == State::Pending)
}

/// Ends keys that were just made live and never reached their holders. Says whether all of them ended: one that has replaced
/// another does not.
pub fn recall(store: &mut Store, actor: &str, undelivered: &[Key], now: Timestamp) -> Result<bool> {
    let may_end = |key: &Key| key.state == State::Active && key.rotation.is_none();
    end(store, actor, undelivered, now, may_end)
}

/// Ends those of the keys that may end. Says whether all of them have ended.
fn end(
    store: &mut Store,
    actor: &str,
    undelivered: &[Key],
    now: Timestamp,
    may_end: impl Fn(&Key) -> bool,
) -> Result<bool> {
    store.write(|writer| {
        let mut are_void = true;
        for undelivered in undelivered {
            let Some(mut key) = record_of(writer, undelivered)? else {
                continue;
            };
            if may_end(&key) {
                key.revoke(UNDELIVERED, None, now);
                writer.update_key(&key)?;
                writer.unclaim(&key.id)?;
                writer.audit(now, actor, Action::KeyVoid, key.id.as_str(), &json!({}))?;
            }
            are_void &= !key.is_living(now);
        }
        Ok(are_void)
    })
}

/// Notes of keys that stay pending that their holders have their secrets, where a later run would otherwise take the
/// hand-over for one that was cut short.
pub fn hold(store: &mut Store, actor: &Actor, delivered: &[Key], now: Timestamp) -> Result<()> {
    let is_claimed = |delivered: &Key| store.read(|reader| reader.is_claimed(&delivered.id));
    let claimed = delivered.iter().map(is_claimed).collect::<Result<Vec<bool>>>()?;
    if !claimed.contains(&true) {
        return Ok(());
    }
    store.write(|writer| {
        let act = Act { writer, access: Access::admit(writer, actor, now)?, now };
        delivered.iter().try_for_each(|key| set_on_hold(&act, key))
    })
}

/// Notes of a pending key that its holder has its secret.
pub(super) fn set_on_hold(act: &Act<'_, '_>, key: &Key) -> Result<()> {
    act.unclaim(&key.id)?;
    act.note(Action::KeyHold, key.id.as_str(), &json!({}))
}

/// The current record of a key, unless it was given another secret.
fn record_of(reader: &Reader<'_>, key: &Key) -> Result<Option<Key>> {
    let found = reader.key_by_id(key.id.as_str())?;
    Ok(found.filter(|found| found.hash == key.hash))
}

/// Makes the pending key live whose secret is presented.
pub fn present(
    store: &mut Store,
    actor: &Actor,
    workspace: Option<&str>,
    secret: &Secret,
    now: Timestamp,
) -> Result<Outcome> {
    let presented = store.write(|writer| {
        let act = Act { writer, access: Access::admit(writer, actor, now)?, now };
        let within = select::confinement(writer, &act.access, workspace)?;
        let within = within.map(|workspace| workspace.id);
        let (code, key) = judge_secret(writer, secret, within, &Ask::default(), now)?;
        let refused = |code: Code| Err(Error::new(Kind::Refused(code), code.message()));
        let Some(key) = key else { return refused(code) };
        match key.standing(now) {
            Status::Pending | Status::Active => activate(&act, key),
            Status::Disabled => {
                let place = remedy::place(writer, &key.workspace)?;
                let error = Error::conflict(format!("{} is disabled", key.id));
                Err(error.hinted(format!("keyward enable {}{place}", key.id)))
            }
            Status::Expired => refused(Code::Expired),
            Status::Revoked => refused(Code::Revoked),
        }
    });
    if let Err(error) = &presented
        && error.kind() == Kind::Refused(Code::Revoked)
    {
        // The refusal matters more than the note of it.
        let _ = judge::note_secret(store, secret, now);
    }
    presented
}

/// Makes a pending key live; an active one is left alone.
pub(super) fn activate(act: &Act<'_, '_>, mut key: Key) -> Result<Outcome> {
    if key.state == State::Active {
        let replaced = links::predecessor(act, &key)?;
        return Ok(Outcome { key, replaced, ended: Vec::new(), changed: false });
    }
    // SECURITY: a pending key may have been given scopes since it was minted.
    act.access.require_grant(&[], &key.scopes)?;
    key.state = State::Active;
    let (mut replaced, mut ended) = (None, Vec::new());
    if let Some(rotation) = key.rotation.clone() {
        let old = supersede(act, &mut key)?;
        if rotation.grace_millis == 0 {
            ended = end_lineage(act, &key, &old)?;
        }
        replaced = Some(old);
    }
    act.update_key(&key)?;
    act.unclaim(&key.id)?;
    act.note(Action::KeyActivate, key.id.as_str(), &json!({}))?;
    Ok(Outcome { key, replaced, ended, changed: true })
}

/// Lets the key take over from the one it replaces.
fn supersede(act: &Act<'_, '_>, key: &mut Key) -> Result<Key> {
    let (now, place) = (act.now, remedy::place(act, &key.workspace)?);
    // SECURITY: what it replaces is ended, so a link out of its workspace must lead nowhere.
    let Some(mut old) = links::predecessor(act, key)? else {
        return Err(Error::conflict(format!(
            "{} cannot replace its key, which was deleted or replaced, or belongs to another workspace or environment",
            key.id
        ))
        .hinted(format!("keyward revoke {}{place}", key.id)));
    };
    if old.is_paused(now) {
        return Err(Error::conflict(format!(
            "{} would replace {}, which is disabled",
            key.id, old.id
        ))
        .hinted(format!("keyward enable {}{place}", old.id)));
    }
    if old.is_living(now)
        && let Some(rotation) = &key.rotation
    {
        limits::check_grace(act, rotation.grace_millis, now)?;
    }
    key.supersede(&mut old, now);
    act.update_key(&old)?;
    let previous = key.previous_expires_at();
    let details = json!({
        "replacedBy": key.id.as_str(),
        "expiresAt": old.expires_at.map(|expires_at| expires_at.to_string()),
        "revoked": old.state == State::Revoked,
        PREVIOUS: previous.map(|expires_at| expires_at.to_string()),
    });
    act.note(Action::KeyRotate, old.id.as_str(), &details)?;
    Ok(old)
}

/// Ends what was superseded before the old key: without a grace, nothing of the lineage outlives the rotation.
fn end_lineage(act: &Act<'_, '_>, key: &Key, old: &Key) -> Result<Vec<KeyId>> {
    let mut ended = Vec::new();
    for mut other in lineage::others(act, key, act.now)? {
        if other.id == old.id {
            continue;
        }
        other.revoke(SUPERSEDED, None, act.now);
        act.update_key(&other)?;
        let details = json!({ "reason": SUPERSEDED, "endedBy": key.id.as_str() });
        act.note(Action::KeyRevoke, other.id.as_str(), &details)?;
        ended.push(other.id);
    }
    Ok(ended)
}
