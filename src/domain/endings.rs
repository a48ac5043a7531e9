//! What ended keys permanently, according to the audit trail.
//!
//! This module never asks what a key's record says: a record that is alive although the trail has ended it is damage.

use std::collections::BTreeMap;

use crate::domain::audit::Action;
use crate::domain::key::{SUPERSEDED, UNDELIVERED, UNSPECIFIED};
use crate::domain::timestamp::Timestamp;

/// The actions of the events that [`Endings::hear`] needs, in the order of the trail.
pub const ACTIONS: [Action; 5] =
    [Action::KeyRevoke, Action::KeyPrune, Action::KeyRotate, Action::KeyVoid, Action::KeyReissue];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub at: Timestamp,
    /// Why: a word. A key that was void by waiting was revoked for none.
    pub reason: Option<String>,
    /// Why: a sentence.
    pub message: Option<String>,
}

impl Ending {
    /// One of which no more is known.
    pub fn unspecified(at: Timestamp) -> Self {
        Self { at, reason: Some(UNSPECIFIED.to_owned()), message: None }
    }
}

/// One event of the trail.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    pub seq: i64,
    pub time: Timestamp,
    /// What: an [`Action`]'s word.
    pub action: &'a str,
    /// Its details, which need not be JSON in a damaged store.
    pub details: &'a str,
}

/// The keys that have ended, each with the place of the event that ended it.
#[derive(Debug, Default)]
pub struct Endings(BTreeMap<String, (i64, Ending)>);

impl Endings {
    /// Takes note of an event about a key.
    ///
    /// Revoking, replacing at once and deleting end a key permanently: only revoked or expired keys are deleted. A
    /// voided key has ended unless it was given another secret.
    pub fn hear(&mut self, subject: &str, told: Told<'_>) {
        let end = |reason: &str, message: Option<&str>| Ending {
            at: told.time,
            reason: Some(reason.to_owned()),
            message: message.map(ToOwned::to_owned),
        };
        let is = |action: Action| told.action == action.word();
        let ending = if is(Action::KeyRevoke) {
            let details: serde_json::Value = serde_json::from_str(told.details).unwrap_or_default();
            let reason = details["reason"].as_str().unwrap_or(UNSPECIFIED);
            end(reason, details["message"].as_str())
        } else if is(Action::KeyPrune) {
            end(UNSPECIFIED, None)
        } else if is(Action::KeyRotate) && told.details.contains("\"revoked\":true") {
            end(SUPERSEDED, None)
        } else if is(Action::KeyVoid) {
            end(UNDELIVERED, None)
        } else {
            let is_void =
                |(_, ending): &(i64, Ending)| ending.reason.as_deref() == Some(UNDELIVERED);
            if is(Action::KeyReissue) && self.0.get(subject).is_some_and(is_void) {
                self.0.remove(subject);
            }
            return;
        };
        self.0.entry(subject.to_owned()).or_insert((told.seq, ending));
    }

    /// Whether this key has ended.
    pub fn contains(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// The ids of the keys, each with the place of the event and how it ended.
    pub fn into_map(self) -> BTreeMap<String, (i64, Ending)> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(events: &[(Action, &str)]) -> Option<(i64, Ending)> {
        let mut endings = Endings::default();
        for (at, (action, details)) in (1..).zip(events) {
            let told =
                Told { seq: at, time: Timestamp::from_millis(at), action: action.word(), details };
            endings.hear("key_1", told);
        }
        assert!(!endings.contains("key_2"));
        endings.into_map().remove("key_1")
    }

    #[test]
    fn the_first_event_that_ends_a_key_says_when_and_why() {
        for (events, expected) in [
            (&[][..], None),
            (&[(Action::KeyRotate, "{\"revoked\":false}")], None),
            (&[(Action::KeyRotate, "{\"revoked\":true}")], Some((1, "superseded", None))),
            (
                &[
                    (Action::KeyMint, "{}"),
                    (Action::KeyRevoke, "{\"message\":\"seen\",\"reason\":\"retired\"}"),
                    (Action::KeyPrune, "{}"),
                ],
                Some((2, "retired", Some("seen"))),
            ),
            (&[(Action::KeyRevoke, "\u{fffd}")], Some((1, "unspecified", None))),
            (&[(Action::KeyPrune, "")], Some((1, "unspecified", None))),
        ] {
            let found = heard(events);
            let found = found.as_ref().map(|(seq, ending)| {
                assert_eq!(ending.at, Timestamp::from_millis(*seq));
                let reason = ending.reason.as_deref().unwrap_or("none");
                (*seq, reason, ending.message.as_deref())
            });
            assert_eq!(found, expected, "{events:?}");
        }
    }

    #[test]
    fn another_secret_undoes_that_a_key_was_voided_and_nothing_else() {
        let (void, reissue) = ((Action::KeyVoid, "{}"), (Action::KeyReissue, "{}"));
        assert!(heard(&[void]).is_some());
        assert!(heard(&[void, reissue]).is_none());
        assert!(heard(&[void, reissue, void]).is_some());
        assert!(heard(&[(Action::KeyRevoke, "{}"), reissue]).is_some());
        assert!(heard(&[void, (Action::KeyPrune, "{}")]).is_some());
    }
}
