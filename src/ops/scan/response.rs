//! What is done about keys that were found: they are revoked, or the trail is told.

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::{KeyId, Permission, Timestamp};
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::revoke::{self, Reason, Revoked};
use crate::store::Store;

/// Revokes these keys, each with what is said of it, as compromised: all in one transaction, or none. Keys that have ended
/// meanwhile stay as they are, and so do those that the actor may not see.
pub fn revoke(
    store: &mut Store,
    actor: &Actor,
    keys: &[(KeyId, String)],
    now: Timestamp,
) -> Result<Vec<Revoked>> {
    store.write_with_reserve(|writer| {
        let access = Access::admit(writer, actor, now)?;
        access.require(Permission::Revoke)?;
        // A record that somebody has changed is revoked all the same.
        writer.trust_rows();
        let mut revoked = Vec::new();
        for (id, message) in keys {
            if let Some(key) = writer.key_by_id(id.as_str())?.filter(|key| access.reaches(key)) {
                let message = Some(message.clone());
                revoked.push(revoke::end(writer, &access, key, Reason::Compromised, message, now)?);
            }
        }
        Ok(revoked)
    })
}

/// Tells the trail where these keys were found.
pub fn record(
    store: &mut Store,
    actor: &Actor,
    keys: &[(KeyId, String, u64)],
    now: Timestamp,
) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    store.write(|writer| {
        let access = Access::admit(writer, actor, now)?;
        access.require(Permission::List)?;
        writer.trust_rows();
        for (id, place, places) in keys {
            if writer.key_by_id(id.as_str())?.is_some_and(|key| access.reaches(&key)) {
                let details = json!({ "where": place, "places": places });
                writer.audit(now, &access.actor, Action::KeyExpose, id.as_str(), &details)?;
            }
        }
        Ok(())
    })
}
