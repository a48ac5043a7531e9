//! Bringing a store's schema up to date, one numbered step at a time, and sealing the records of older schemas, which ends it.
//!
//! This module never edits a released migration, never reorders them and never goes back: a new need is a new file.

use rusqlite::{Connection, TransactionBehavior};

use super::failure::failure;
use super::session::Session;
use crate::domain::audit::{About, Action, Head};
use crate::domain::record::RecordDigest;
use crate::domain::{Key, KeySeq, Safe, State};
use crate::error::{Kind, Result};
use crate::store::damage::damaged;
use crate::store::integrity::{CAME_BACK, is_whole_with, unlike_itself};
use crate::store::key_row::{AFTER, BARE, SEQ, from_row};
use crate::store::session::{Session as AnySession, paged};
use crate::store::value::values;
use crate::store::{Reader, Writer};

/// What `application_id` says of a keyward store: "KEYW".
pub(super) const APPLICATION_ID: i32 = 0x4b45_5957;

/// The steps; a store's `user_version` says how many of them it has had.
const MIGRATIONS: [&str; 8] = [
    include_str!("migrations/0001_key_desk.sql"),
    include_str!("migrations/0002_metering.sql"),
    include_str!("migrations/0003_provisioning.sql"),
    include_str!("migrations/0004_integrity.sql"),
    include_str!("migrations/0005_ended.sql"),
    include_str!("migrations/0006_seal.sql"),
    include_str!("migrations/0007_elsewhere.sql"),
    include_str!("migrations/0008_furthest.sql"),
];

/// The first schema with digests of records in its events.
const TOLD: usize = 4;
/// The first with digests in its records too.
const SEALED: usize = 6;
/// The first that keeps every token format.
const FORMATTED: usize = 7;

/// The schema this keyward writes.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// Applies the missing steps in one transaction. If that fails, the store is unchanged.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failure)?;
    // Read again inside the transaction: another process may have been first.
    let version = version(&transaction)?;
    let done = usize::try_from(version).unwrap_or(0);
    for step in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(step).map_err(|error| {
            let error = failure(error);
            match error.kind() {
                // The steps are right, so the schema is not the one whose number it has.
                Kind::Internal => damaged("its schema is not keyward's"),
                _ => error,
            }
        })?;
    }
    let writer = Writer::new(AnySession::Sqlite(Session::new(&transaction)), None);
    if done < TOLD {
        writer.seal_all()?;
    } else if done < SEALED {
        writer.seal_what_the_trail_has()?;
    }
    if done < FORMATTED {
        writer.keep_formats_so_far()?;
    }
    if done < MIGRATIONS.len() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failure)?;
        transaction.pragma_update(None, "user_version", NEWEST).map_err(failure)?;
    }
    transaction.commit().map_err(failure)
}

/// The schema a store has.
pub(super) fn version(connection: &Connection) -> Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failure)
}

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
        let sql = format!("{}{WITH_EVENTS}", *BARE);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::schema::{digest, read};

    fn schema(connection: &Connection) -> [u8; 32] {
        digest(&read(connection).expect("a schema"))
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let mut connection = Connection::open_in_memory().expect("memory");
        migrate(&mut connection).expect("first");
        let before = schema(&connection);
        migrate(&mut connection).expect("second");
        assert_eq!(schema(&connection), before);
        assert_eq!(version(&connection).expect("version"), NEWEST);
    }
}
