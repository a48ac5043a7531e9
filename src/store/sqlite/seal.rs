//! Sealing the records of older schemas, which bringing a store up to date ends with.

use crate::domain::audit::{About, Action, Head};
use crate::domain::record::RecordDigest;
use crate::domain::{Key, KeySeq, Safe, State};
use crate::error::Result;
use crate::store::damage::damaged;
use crate::store::integrity::{CAME_BACK, is_whole_with, unlike_itself};
use crate::store::key_row::{AFTER, BARE, SEQ, from_row};
use crate::store::session::paged;
use crate::store::value::values;
use crate::store::{Reader, Writer};

/// The actor of a migration, in the trail.
const MIGRATION: &str = "keyward:migration";

/// Keys with the newest event about each.
const WITH_EVENTS: &str = ", event.seq, event.time, event.actor, event.action, event.subject, event.details,
        event.previous, event.hash
    FROM key LEFT JOIN audit AS event ON event.seq = (SELECT newest.seq FROM audit AS newest
        WHERE newest.subject = key.id AND substr(newest.action, 1, 4) = 'key.' ORDER BY newest.seq DESC LIMIT 1)
    WHERE key.seq >= ?1 ORDER BY key.seq LIMIT ?2";

impl Reader<'_> {
    /// Refuses a broken trail: its information about records is not reliable.
    fn refuse_broken_trail(&self) -> Result<()> {
        let mut expected = Head::NONE;
        self.for_each_event(i64::MIN, |event| {
            if !event.follows(expected.seq.saturating_add(1), expected.hash) {
                return Err(damaged(format!("its trail is broken at row {}", event.seq)));
            }
            expected = Head { seq: event.seq, hash: event.hash };
            Ok(())
        })
    }

    /// Whether any event has a digest.
    fn has_digests(&self) -> Result<bool> {
        let sealed = self.session.first("SELECT details FROM audit", &[], |row| {
            Ok(RecordDigest::at_end(&row.text(0)?).map(drop))
        })?;
        Ok(sealed.is_some())
    }
}

impl Writer<'_> {
    /// Seals every key's record that matches its newest event, in a store from before there were seals. Any other
    /// record stays without a seal, and is damaged, as before.
    pub(super) fn seal_what_the_trail_has(&self) -> Result<()> {
        let sql = format!("{BARE}{WITH_EVENTS}");
        let read = |next, limit| {
            self.session.all(&sql, values![next, limit], |row| {
                let digest = from_row(row).map(|key| RecordDigest::of_key(&key)).ok();
                let vouched = digest.filter(|digest| is_whole_with(row, AFTER, *digest));
                Ok((row.get(SEQ)?, vouched))
            })
        };
        paged(i64::MIN, read, |seq, vouched| {
            vouched.map_or(Ok(()), |seal| self.seal_key(KeySeq(seq), seal))
        })
    }

    /// Seals every record unchecked and adds it to the trail, in a store from before the trail had digests.
    ///
    /// SECURITY: if the trail has any digest, nothing is sealed: such a store was only given an older schema's number,
    /// and everything that was done to it would be accepted.
    pub(super) fn seal_all(&self) -> Result<()> {
        let (time, nothing) = (self.clock()?.seen, serde_json::json!({}));
        if self.has_digests()? {
            return Ok(());
        }
        self.refuse_broken_trail()?;
        for (name, workspace) in self.workspaces_as_they_stand()? {
            let (workspace, policy, _) = workspace?;
            let digest = RecordDigest::of_workspace(&workspace, &policy);
            self.unaudited(About::Workspace, &name, digest);
            self.audit(time, MIGRATION, Action::WorkspaceSeal, &name, &nothing)?;
        }
        self.for_each_key_as_it_stands(|id, seq, key| {
            let is_alive = |key: &Key| key.state != State::Revoked;
            if self.was_ended(&id)? && key.as_ref().is_ok_and(|(key, _)| is_alive(key)) {
                return Err(unlike_itself(&format!("the record of {} {CAME_BACK}", Safe(&id))));
            }
            let seal = RecordDigest::of_key(&key?.0);
            self.seal_key(seq, seal)?;
            self.unaudited(About::Key, &id, seal);
            self.audit(time, MIGRATION, Action::KeySeal, &id, &nothing)
        })
    }
}
