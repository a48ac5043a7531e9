//! Telling the trail of records that were made before it had digests: what bringing an old store up to date ends with.
//!
//! This module never believes a record that the trail has ended.

use super::damage::damaged;
use super::integrity::{CAME_BACK, unlike_itself};
use super::{Reader, Writer};
use crate::domain::audit::{About, Action, Head};
use crate::domain::key::{Key, State};
use crate::domain::record::RecordDigest;
use crate::domain::sanitize::Safe;
use crate::error::Result;

/// Who brings a store up to date, as the trail names it.
const MIGRATION: &str = "keyward:migration";

impl Reader<'_> {
    /// Refuses a trail that is not whole: what it says of records is not to be relied on.
    fn refuse_broken_trail(&self) -> Result<()> {
        let mut expected = Head::NONE;
        self.for_each_event(i64::MIN, |event| {
            if !event.follows(expected.seq.saturating_add(1), expected.hash) {
                return Err(damaged(format!("its trail is broken at row {}", event.seq)));
            }
            expected = Head {
                seq: event.seq,
                hash: event.hash,
            };
            Ok(())
        })
    }

    /// Whether any event has a digest.
    fn has_digests(&self) -> Result<bool> {
        let sealed = self
            .session
            .first("SELECT details FROM audit", &[], |row| {
                Ok(RecordDigest::at_end(&row.text(0)?).map(drop))
            })?;
        Ok(sealed.is_some())
    }
}

impl Writer<'_> {
    /// Tells the trail of every record as it stands: what a store has that was made before there were digests.
    ///
    /// SECURITY: where the trail has any digest, nothing is told: such a store was only given an older schema's number, and all
    /// that was done to it would be believed.
    pub(super) fn seal_all(&self) -> Result<()> {
        let (time, nothing) = (self.clock()?.seen, serde_json::json!({}));
        if self.has_digests()? {
            return Ok(());
        }
        self.refuse_broken_trail()?;
        for (name, workspace) in self.workspaces_as_they_stand()? {
            let (workspace, policy) = workspace?;
            let digest = RecordDigest::of_workspace(&workspace, &policy);
            self.unaudited(About::Workspace, &name, digest);
            self.audit(time, MIGRATION, Action::WorkspaceSeal, &name, &nothing)?;
        }
        self.for_each_key_as_it_stands(|id, _, key| {
            let is_alive = |key: &Key| key.state != State::Revoked;
            if self.was_ended(&id)? && key.as_ref().is_ok_and(|(key, _)| is_alive(key)) {
                return Err(unlike_itself(&format!(
                    "the record of {} {CAME_BACK}",
                    Safe(&id)
                )));
            }
            self.unaudited(About::Key, &id, RecordDigest::of_key(&key?.0));
            self.audit(time, MIGRATION, Action::KeySeal, &id, &nothing)
        })
    }
}
