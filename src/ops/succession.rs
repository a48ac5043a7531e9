//! What follows a superseded key, and what it had before it was superseded.

use serde_json::{Value, json};

use crate::domain::audit::Action;
use crate::domain::{Key, KeyId, Status, Timestamp, When};
use crate::error::Result;
use crate::ops::links;
use crate::store::Reader;

/// The field of an event that has the expiry that a key had before it was superseded.
pub(super) const PREVIOUS: &str = "previousExpiresAt";

/// How many keys that replaced one another are followed; records that were imported may go round in a circle.
const LONGEST: usize = 1_000;

/// What can be done if a superseded key should stay valid.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The last of those that followed it is active, and can be rotated.
    Rotate(KeyId),
    /// It is disabled.
    Enable(KeyId),
    /// It is pending: its secret is presented, or the rotation of this key is cancelled.
    Activate(KeyId),
    /// It has ended or is gone. This is the last of them that lives, and cancelling its rotation keeps it.
    Cancel(KeyId),
    /// All of them have ended.
    Nothing,
}

impl Way {
    /// The hint that says what to do; `place` chooses the workspace.
    pub(super) fn hint(&self, place: &str) -> String {
        match self {
            Self::Rotate(key) => format!("keyward rotate {key}{place}"),
            Self::Enable(key) => {
                format!("its successor is disabled: `keyward enable {key}{place}`")
            }
            Self::Activate(key) => format!(
                "present its secret to `keyward activate`, or `keyward rotate {key}{place} --cancel`"
            ),
            Self::Cancel(key) => format!(
                "its successor is gone or has ended: `keyward rotate {key}{place} --cancel` keeps {key}"
            ),
            Self::Nothing => "its successor has ended too: mint a new key".to_owned(),
        }
    }
}

/// How a superseded key can stay valid; nothing for one that is not superseded.
pub(super) fn way_on(reader: &Reader<'_>, key: &Key, now: Timestamp) -> Result<Option<Way>> {
    let mut last = key.clone();
    let mut living = None;
    for _ in 0..LONGEST {
        let Some(successor) = last.replaced_by.clone() else {
            break;
        };
        if last.is_living(now) {
            living = Some(last.id.clone());
        }
        let next = links::successor(reader, &last)?;
        let status = next.as_ref().map(|next| next.standing(now));
        match next {
            Some(next) if next.replaced_by.is_some() => last = next,
            _ => {
                return Ok(Some(match (status, living) {
                    (Some(Status::Active), _) => Way::Rotate(successor),
                    (Some(Status::Disabled), _) => Way::Enable(successor),
                    (Some(Status::Pending), _) => Way::Activate(last.id),
                    (_, Some(living)) => Way::Cancel(living),
                    (_, None) => Way::Nothing,
                }));
            }
        }
    }
    Ok(key.replaced_by.as_ref().map(|_| Way::Nothing))
}

/// The last of the keys that replaced this one, as far as their records are in the store.
pub(super) fn newest(reader: &Reader<'_>, key: &Key) -> Result<Key> {
    let mut newest = key.clone();
    for _ in 0..LONGEST {
        match links::successor(reader, &newest)? {
            Some(next) => newest = next,
            None => break,
        }
    }
    Ok(newest)
}

/// The expiry that a key had before this one superseded it, if the trail has it: recorded when it was superseded or
/// restored, or set since.
pub(super) fn expiry_before(
    reader: &Reader<'_>,
    old: &Key,
    successor: &KeyId,
) -> Result<Option<Option<Timestamp>>> {
    let mut found = None;
    reader.for_each_event_about(old.id.as_str(), |event| {
        let details: Value = serde_json::from_str(&event.details).unwrap_or_default();
        let is = |action: Action| event.action == action.word();
        let previous = match () {
            () if event.link() != event.hash => return Ok(false),
            () if is(Action::KeySet) => details["expiresAt"].get("to"),
            () if is(Action::KeyRotate) || is(Action::KeyRestore) => {
                let is_it = details["replacedBy"].as_str() == Some(successor.as_str());
                details.get(PREVIOUS).filter(|_| is_it)
            }
            () => None,
        };
        found = match previous {
            Some(Value::Null) => Some(None),
            Some(previous) => {
                let time = previous.as_str().and_then(|text| text.parse().ok());
                match time {
                    Some(When::At(at)) => Some(Some(at)),
                    _ => None,
                }
            }
            None => None,
        };
        let is_before = is(Action::KeyRotate) || is(Action::KeyCancel) || is(Action::KeyImport);
        Ok(found.is_none() && !is_before)
    })?;
    Ok(found)
}

/// Whether the trail has this for the expiry that a key had when this one superseded it.
pub(super) fn had_expiry(
    reader: &Reader<'_>,
    old: &Key,
    successor: &KeyId,
    expires_at: Option<Timestamp>,
) -> Result<bool> {
    let mut had = false;
    let expires_at = json!(expires_at.map(|expires_at| expires_at.to_string()));
    reader.for_each_event_about(old.id.as_str(), |event| {
        if event.action != Action::KeyRotate.word() {
            return Ok(true);
        }
        let details: Value = serde_json::from_str(&event.details).unwrap_or_default();
        let is_it = details["replacedBy"].as_str() == Some(successor.as_str());
        had = is_it && details.get(PREVIOUS) == Some(&expires_at);
        Ok(false)
    })?;
    Ok(had)
}
