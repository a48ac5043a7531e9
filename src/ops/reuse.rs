//! Use of a revoked key: somebody still has its secret, which belongs in the audit trail.
//!
//! This module never changes a verdict, and never fills the trail: a key has one such event an hour at most.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;

use crate::domain::audit::{About, Action};
use crate::domain::secret::Secret;
use crate::domain::{Key, KeySeq, Status, Timestamp};
use crate::error::Result;
use crate::ops::judge::Forms;
use crate::store::{Reader, Store};

/// How long a key's last such event speaks for further uses, in milliseconds: an hour.
pub const SPEAKS_FOR: i64 = 60 * 60 * 1000;
/// The longest that the event waits for another process; the verdict is known by then.
const WAIT: Duration = Duration::from_secs(1);

/// Adds the event of a revoked key's use, unless one speaks for it or the key is not revoked.
pub fn note(store: &mut Store, key: KeySeq, address: Option<IpAddr>, now: Timestamp) -> Result<()> {
    if store.read(|reader| to_be_noted(reader, key, now))?.is_none() {
        return Ok(());
    }
    store.write_within(WAIT, |writer| {
        let Some(key) = to_be_noted(writer, key, now)? else {
            return Ok(());
        };
        let details = json!({ "address": address.map(|address| address.to_string()) });
        let actor = format!("key:{}", key.id.as_str());
        writer.audit(now, &actor, Action::KeyReuse, key.id.as_str(), &details)
    })
}

/// The same for the key of a secret that was presented to act or to be activated.
pub fn note_secret(store: &mut Store, secret: &Secret, now: Timestamp) -> Result<()> {
    match store.read(|reader| Forms::default().find(reader, secret))? {
        Some((key, _)) => note(store, key, None, now),
        None => Ok(()),
    }
}

fn to_be_noted(reader: &Reader<'_>, key: KeySeq, now: Timestamp) -> Result<Option<Key>> {
    let Some(key) = reader.key_by_seq(key)? else {
        return Ok(None);
    };
    let newest = reader.newest_action(About::Key, key.id.as_str())?;
    let is_spoken_for = newest.is_some_and(|(action, time)| {
        action == Action::KeyReuse.word() && now.since(time).abs() < SPEAKS_FOR
    });
    Ok((key.status(now) == Status::Revoked && !is_spoken_for).then_some(key))
}
