//! Replacing the current tables with a backup's, in one transaction.
//!
//! This module never decides what a key keeps, and never removes a row of the audit trail: what the backup changes is
//! added at its end.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rusqlite::Connection;

use super::Database;
use super::failure::failure;
use super::salvage::{Extent, Trace, traces};
use crate::domain::audit::{About, Action, Head};
use crate::domain::record::RecordDigest;
use crate::domain::secret::SecretHash;
use crate::domain::{Key, KeyId, KeySeq, State, Timestamp};
use crate::error::Result;
use crate::store::Writer;
use crate::store::key_row::{BARE, SEQ, from_row};
use crate::store::session::Session as AnySession;
use crate::store::value::{Value, values};

/// The revoked records of the current store, and the workspaces that the backup has too.
const REMEMBER_THE_DEAD: &str = "
    CREATE TEMP TABLE buried AS SELECT * FROM main.key WHERE state = 'revoked' ORDER BY seq;
    CREATE TEMP TABLE same_workspace AS SELECT workspace_id FROM main.workspace AS ours
        JOIN source.workspace AS theirs USING (workspace_id) WHERE ours.created_at = theirs.created_at;
    INSERT OR IGNORE INTO main.ended SELECT hash FROM source.ended;";

/// What was counted of a key since the backup is kept, for keys that are in both.
const REMEMBER_THE_COUNTS: &str = "
    CREATE TEMP TABLE same AS SELECT ours.seq FROM main.key AS ours
        JOIN source.key AS theirs ON theirs.seq = ours.seq AND theirs.id = ours.id;
    CREATE TEMP TABLE kept_usage AS SELECT * FROM main.usage
        WHERE slot & ((1 << 40) - 1) IN (SELECT seq FROM temp.same);
    CREATE TEMP TABLE kept_refusal AS SELECT * FROM main.refusal
        WHERE slot & ((1 << 40) - 1) IN (SELECT seq FROM temp.same);
    CREATE TEMP TABLE kept_meter AS SELECT * FROM main.meter WHERE key_seq IN (SELECT seq FROM temp.same);
    CREATE TEMP TABLE kept_allowance AS SELECT ours.* FROM main.allowance AS ours
        JOIN main.workspace AS mine USING (workspace_id)
        JOIN source.workspace AS theirs USING (workspace_id) WHERE mine.created_at = theirs.created_at;";

/// The keys with a rate that the backup does not have.
const LOST: &str = "SELECT ours.seq FROM main.meter JOIN main.key AS ours ON ours.seq = meter.key_seq
    WHERE meter.rate IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM source.key AS theirs WHERE theirs.seq = ours.seq AND theirs.id = ours.id)";

const REPLACE: &str = "
    PRAGMA defer_foreign_keys = ON;
    DELETE FROM main.claim; DELETE FROM main.revision; DELETE FROM main.idempotency; DELETE FROM main.meter; DELETE FROM main.allowance;
    DELETE FROM main.usage; DELETE FROM main.refusal; DELETE FROM main.setting; DELETE FROM main.key;
    DELETE FROM main.workspace;
    INSERT INTO main.workspace SELECT * FROM source.workspace;
    INSERT INTO main.key SELECT * FROM source.key;
    INSERT INTO main.meter SELECT * FROM source.meter;
    INSERT INTO main.usage SELECT * FROM source.usage;
    INSERT INTO main.refusal SELECT * FROM source.refusal;
    INSERT INTO main.allowance SELECT * FROM source.allowance;
    INSERT INTO main.setting SELECT * FROM source.setting WHERE name <> 'is_backup';
    INSERT INTO main.claim SELECT * FROM source.claim;
    INSERT OR IGNORE INTO main.token_format SELECT * FROM source.token_format;
    INSERT INTO main.idempotency SELECT * FROM source.idempotency;
    INSERT OR REPLACE INTO main.usage SELECT * FROM temp.kept_usage;
    INSERT OR REPLACE INTO main.refusal SELECT * FROM temp.kept_refusal;
    INSERT OR REPLACE INTO main.meter SELECT * FROM temp.kept_meter;
    INSERT OR REPLACE INTO main.allowance SELECT * FROM temp.kept_allowance;
    UPDATE main.clock SET seen = max(seen, (SELECT seen FROM source.clock)),
        furthest = max(furthest, (SELECT furthest FROM source.clock)),
        commits = max(commits, (SELECT commits FROM source.clock));";

/// The records of keys that were minted and revoked after the backup are kept, if their workspace exists.
const BURY: &str = "
    UPDATE temp.buried SET seq = NULL;
    INSERT INTO main.key SELECT * FROM temp.buried
        WHERE id NOT IN (SELECT id FROM main.key) AND hash NOT IN (SELECT hash FROM main.key)
            AND workspace_id IN (SELECT workspace_id FROM temp.same_workspace) ORDER BY rowid;
    INSERT INTO main.revision SELECT seq, revision FROM main.key
        WHERE revision > 1 OR (revision = 1 AND state <> 'active');";

/// What the trail will record about a restored key.
#[derive(Debug, Clone, Default)]
pub struct Note {
    /// The event's details.
    pub details: serde_json::Map<String, serde_json::Value>,
    /// Whether it is recorded even if the record matches the trail.
    pub is_due: bool,
}

/// The keys of the backup.
const SOURCE: &str = "source.key AS key";

impl Database {
    /// Lets transactions read the tables of another store, which nobody else uses, as those of `source`.
    pub(in crate::store) fn attach(&mut self, other: &Path) -> Result<()> {
        // The kept rows of the current tables are in memory, not in the system's temporary folder.
        self.connection.execute_batch("PRAGMA temp_store = MEMORY").map_err(failure)?;
        // As bytes, which SQLite uses unchanged as the file's name: not every path is text.
        let path = other.as_os_str().as_bytes();
        self.connection.execute("ATTACH DATABASE ?1 AS source", [path]).map(drop).map_err(failure)
    }

    /// Ends that. Failures are ignored, because the store is about to be closed.
    pub(in crate::store) fn detach(&mut self) {
        let _ = self.connection.execute_batch("DETACH DATABASE source");
    }
}

impl Writer<'_> {
    /// Calls the closure with everything in the current store that restricts what a backup may restore.
    pub fn for_each_trace(&self, body: impl FnMut(Trace) -> Result<()>) -> Result<Extent> {
        traces(connection(self)?, |id| self.may_be_ended(id), body)
    }

    /// Whether the key of this id is live in the backup or in the current store.
    pub fn may_be_ended(&self, id: &str) -> Result<bool> {
        self.session.exists(
            "SELECT 1 FROM source.key WHERE id = ?1 AND state <> 'revoked'
             UNION ALL SELECT 1 FROM main.key WHERE id = ?1 AND state <> 'revoked'",
            values![id],
        )
    }

    /// The backup's key of this id.
    pub fn key_of_backup(&self, id: &KeyId) -> Result<Option<(KeySeq, Key)>> {
        self.one_as_it_stands(SOURCE, "key.id = ?1", id.into())
    }

    /// The backup's key whose secret has this hash.
    pub fn key_of_backup_by_hash(&self, hash: &SecretHash) -> Result<Option<(KeySeq, Key)>> {
        self.one_as_it_stands(SOURCE, "key.hash = ?1", hash.into())
    }

    /// This store's key of this id, which may not be in the trail yet.
    pub fn key_as_it_stands(&self, id: &KeyId) -> Result<Option<(KeySeq, Key)>> {
        self.one_as_it_stands("key", "key.id = ?1", id.into())
    }

    fn one_as_it_stands(
        &self,
        table: &str,
        condition: &str,
        value: Value<'_>,
    ) -> Result<Option<(KeySeq, Key)>> {
        let sql = format!("{} FROM {table} WHERE {condition}", *BARE);
        self.session.one(&sql, &[value], |row| Ok((row.get(SEQ)?, from_row(row)?)))
    }

    /// Keeps the hash of an ended key, so that no record with it is live after a restoration.
    pub fn keep_ended(&self, hash: &SecretHash) -> Result<()> {
        self.end(hash)
    }

    /// Keeps the hash of a current key that has ended, whatever its record says.
    pub fn keep_end_of(&self, id: &KeyId) -> Result<()> {
        let sql = "INSERT OR IGNORE INTO main.ended SELECT hash FROM main.key WHERE id = ?1";
        self.session.run(sql, values![id]).map(drop)
    }

    /// Replaces this store's tables with the backup's, except the trail and the hashes of ended keys; a store without a
    /// trail gets the backup's. Counts since the backup are kept, and so are revoked records that the backup does not
    /// have.
    pub fn replace_tables(&self) -> Result<()> {
        let lost = self.session.all(LOST, &[], |row| row.get(0))?;
        self.hand_on_rate_states(&lost)?;
        let run = |sql: &str| connection(self)?.execute_batch(sql).map_err(failure);
        run(REMEMBER_THE_DEAD)?;
        run(REMEMBER_THE_COUNTS)?;
        if self.head()? == Head::NONE {
            run("INSERT INTO main.audit SELECT * FROM source.audit")?;
        }
        run(REPLACE)?;
        // The backup's time may be the later one, and must not be overwritten with the one that was read before.
        self.clock.set(None);
        run(BURY)
    }

    /// Calls the closure with every live key whose hash is among those of ended keys.
    pub fn for_each_ended_alive(
        &self,
        mut body: impl FnMut(KeySeq, Key) -> Result<()>,
    ) -> Result<()> {
        let sql = format!(
            "{} FROM key WHERE key.hash IN (SELECT hash FROM ended) AND key.state <> 'revoked'",
            *BARE
        );
        let alive = self.session.all(&sql, &[], |row| Ok((row.get(SEQ)?, from_row(row)?)))?;
        alive.into_iter().try_for_each(|(seq, key)| body(seq, key))
    }

    /// Writes the resulting record of a backup's key. [`Self::audit_all`] adds it to the trail.
    pub fn put_back(&self, key: &Key) -> Result<()> {
        if key.state == State::Revoked {
            self.end(&key.hash)?;
        }
        self.write_key(key).map(drop)
    }

    /// Adds to the trail every record that differs from it or has a note, and every record that is gone. The closure
    /// gets the number of keys checked.
    pub fn audit_all(
        &self,
        time: Timestamp,
        actor: &str,
        note_of: impl Fn(KeySeq) -> Note,
        mut progress: impl FnMut(u64),
    ) -> Result<()> {
        let [workspace_action, key_action] = [Action::WorkspaceRestore, Action::KeyRestore];
        let nothing = serde_json::json!({});
        for (name, workspace) in self.workspaces_as_they_stand()? {
            let told = workspace?;
            if self.verify_workspace(&told).is_ok() {
                continue;
            }
            let (workspace, policy, _) = told;
            let digest = RecordDigest::of_workspace(&workspace, &policy);
            self.unaudited(About::Workspace, &name, digest);
            self.audit(time, actor, workspace_action, &name, &nothing)?;
        }
        let mut looked = 0;
        self.for_each_key_as_it_stands(|id, seq, key| {
            let (key, fault) = key?;
            looked += 1;
            progress(looked);
            let mut note = note_of(seq);
            if !note.is_due && fault.is_none() {
                return Ok(());
            }
            // No number that a record of this id has had is used again; each had an event.
            let key = Key { revision: key.revision.max(self.head()?.seq), ..key };
            let seal = self.write_key(&key)?;
            self.unaudited(About::Key, &id, seal);
            let status = key.state.word().into();
            note.details.insert("status".to_owned(), status);
            self.audit(time, actor, key_action, &id, &note.details.into())
        })?;
        let mut gone = Vec::new();
        self.for_each_missing(About::Workspace, "workspace", "name", |name, _| {
            gone.push((workspace_action, name));
        })?;
        self.for_each_missing(About::Key, "key", "id", |id, _| gone.push((key_action, id)))?;
        let details = serde_json::json!({ "gone": true });
        for (action, subject) in gone {
            self.audit(time, actor, action, &subject, &details)?;
        }
        Ok(())
    }

    /// Whether the trail has this head.
    pub fn has_head(&self, head: Head) -> Result<bool> {
        Ok(head == Head::NONE || self.has_event(head)?)
    }
}

/// The connection, for statements of SQLite only.
fn connection<'a>(writer: &Writer<'a>) -> Result<&'a Connection> {
    match &writer.session {
        AnySession::Sqlite(session) => Ok(session.connection()),
        #[cfg(feature = "postgres")]
        AnySession::Postgres(_) => Err(crate::store::place::of_files("a restoration")),
    }
}
