//! Putting a backup's tables in the place of the present ones, in one transaction, and what must not come back with them.
//!
//! This module never brings a revoked, expired or pruned key back to life, and never takes a row from the audit trail: what the backup
//! changes is told at its end.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::failure::failure;
use super::{Salvaged, Store, Writer};
use crate::domain::audit::{About, Action, Head};
use crate::domain::key::KeyId;
use crate::domain::record::RecordDigest;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;

/// The dead of the present store: revoked ones, those that the trail knows to be revoked whatever their row says, and expired
/// ones. A key that was replaced at once was revoked by that, and only a dead one was ever deleted.
const REMEMBER_THE_DEAD: &str = "
    INSERT OR REPLACE INTO temp.dead
        SELECT id, 1, revoked_at, revoked_reason, revoked_message FROM main.key WHERE state = 'revoked';
    INSERT OR IGNORE INTO temp.dead
        SELECT subject, 1, time, json_extract(details, '$.reason'), json_extract(details, '$.message')
        FROM main.audit WHERE action = 'key.revoke' AND json_valid(details);
    INSERT OR IGNORE INTO temp.dead
        SELECT subject, 1, time, 'superseded', NULL
        FROM main.audit WHERE action = 'key.rotate' AND json_valid(details) AND json_extract(details, '$.revoked');
    INSERT OR IGNORE INTO temp.dead
        SELECT subject, 1, time, 'unspecified', NULL FROM main.audit WHERE action = 'key.prune';
    INSERT OR IGNORE INTO temp.dead
        SELECT id, 0, expires_at, NULL, NULL FROM main.key WHERE expires_at <= (SELECT latest FROM temp.moment);
    INSERT OR IGNORE INTO main.ended SELECT hash FROM main.key
        WHERE id IN (SELECT id FROM temp.dead WHERE is_revoked) UNION ALL SELECT hash FROM source.ended;
    CREATE TEMP TABLE buried AS SELECT * FROM main.key WHERE state = 'revoked';";

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

const REPLACE: &str = "
    PRAGMA defer_foreign_keys = ON;
    DELETE FROM main.claim; DELETE FROM main.idempotency; DELETE FROM main.meter; DELETE FROM main.allowance;
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
    INSERT INTO main.idempotency SELECT * FROM source.idempotency;
    INSERT OR REPLACE INTO main.usage SELECT * FROM temp.kept_usage;
    INSERT OR REPLACE INTO main.refusal SELECT * FROM temp.kept_refusal;
    INSERT OR REPLACE INTO main.meter SELECT * FROM temp.kept_meter;
    INSERT OR REPLACE INTO main.allowance SELECT * FROM temp.kept_allowance;
    UPDATE main.clock SET seen = max(seen, (SELECT seen FROM source.clock)),
        commits = max(commits, (SELECT commits FROM source.clock));";

/// What makes the restored records of dead keys revoked, whichever of them are not: those that died under the same id; secrets that
/// were revoked under another id; and secrets whose record is gone, so that nothing tells when and why any more.
const REVOKE: [&str; 3] = [
    "UPDATE main.key SET state = 'revoked', revoked_at = dead.at, revoked_reason = coalesce(dead.reason, 'unspecified'),
        revoked_message = dead.message FROM temp.dead
     WHERE key.id = dead.id AND dead.is_revoked AND key.state <> 'revoked' RETURNING key.id",
    "UPDATE main.key SET state = 'revoked', revoked_at = buried.revoked_at, revoked_reason = buried.revoked_reason,
        revoked_message = buried.revoked_message FROM temp.buried
     WHERE key.hash = buried.hash AND key.state <> 'revoked' RETURNING key.id",
    "UPDATE main.key SET state = 'revoked', revoked_at = (SELECT latest FROM temp.moment), revoked_reason = 'unspecified'
     WHERE hash IN (SELECT hash FROM main.ended) AND state <> 'revoked' RETURNING id",
];

/// The records of keys that were minted and revoked after the backup come along, where their workspace is.
const BURY: &str = "
    INSERT INTO main.key SELECT NULL, id, workspace_id, name, environment, scopes, prefix, short, hint, algorithm, hash, state,
            created_at, created_by, expires_at, revoked_at, revoked_reason, revoked_message, replaces, grace,
            previous_expires_at, replaced_by, allow, owner, labels
        FROM temp.buried WHERE id NOT IN (SELECT id FROM main.key) AND hash NOT IN (SELECT hash FROM main.key)
            AND workspace_id IN (SELECT workspace_id FROM temp.same_workspace) ORDER BY seq;";

impl Store {
    /// Changes the store in one transaction that also reads the tables of another store, which nobody else uses.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_beside<T>(
        &mut self,
        other: &Path,
        body: impl FnOnce(&Writer<'_>) -> Result<T>,
    ) -> Result<T> {
        // What is remembered of the present tables is in memory, not in a file of the system's temporary folder.
        self.connection
            .execute_batch("PRAGMA temp_store = MEMORY")
            .map_err(failure)?;
        // As bytes, which SQLite takes for the file's name as they are: not every path is text.
        let path = other.as_os_str().as_bytes();
        self.connection
            .execute("ATTACH DATABASE ?1 AS source", [path])
            .map_err(failure)?;
        let outcome = self.write(body);
        // A store that is about to be closed does not need it either.
        let _ = self.connection.execute_batch("DETACH DATABASE source");
        outcome
    }
}

impl Writer<'_> {
    /// Puts the tables of the other store in the place of this one's, the trail left as it is; an empty one gets the other's.
    /// Keys that are dead here by `latest`, or by what was salvaged, are dead afterwards. Returns the ids of those that are
    /// revoked here and were not there.
    ///
    /// # Errors
    /// The store's.
    pub fn replace_tables(&self, latest: Timestamp, salvaged: &Salvaged) -> Result<Vec<KeyId>> {
        let run = |sql: &str| self.connection.execute_batch(sql).map_err(failure);
        run("CREATE TEMP TABLE moment (latest INTEGER);
            CREATE TEMP TABLE dead (id TEXT PRIMARY KEY, is_revoked INTEGER, at INTEGER, reason TEXT, message TEXT);")?;
        self.connection
            .execute("INSERT INTO temp.moment VALUES (?1)", [latest.as_millis()])
            .map_err(failure)?;
        for hash in &salvaged.ended {
            self.end(hash)?;
        }
        for death in &salvaged.deaths {
            self.connection
                .prepare_cached("INSERT OR IGNORE INTO temp.dead VALUES (?1, ?2, ?3, ?4, ?5)")
                .and_then(|mut statement| {
                    let (id, at) = (death.key.as_str(), death.at.as_millis());
                    statement.execute((id, death.is_revoked, at, &death.reason, &death.message))
                })
                .map_err(failure)?;
        }
        run(REMEMBER_THE_DEAD)?;
        run("CREATE TEMP TABLE same_workspace AS SELECT workspace_id FROM main.workspace AS ours
            JOIN source.workspace AS theirs USING (workspace_id) WHERE ours.created_at = theirs.created_at;")?;
        run(REMEMBER_THE_COUNTS)?;
        if self.head()?.0 == 0 {
            run("INSERT INTO main.audit SELECT * FROM source.audit")?;
        }
        run(REPLACE)?;
        let mut revoked = Vec::new();
        for revoke in REVOKE {
            let mut statement = self.connection.prepare(revoke).map_err(failure)?;
            let mut rows = statement.query([]).map_err(failure)?;
            while let Some(row) = rows.next().map_err(failure)? {
                revoked.push(KeyId::from_stored(row.get(0).map_err(failure)?));
            }
        }
        run("INSERT OR IGNORE INTO main.ended SELECT hash FROM main.key WHERE state = 'revoked'")?;
        run("UPDATE main.key SET expires_at = dead.at FROM temp.dead
                WHERE key.id = dead.id AND NOT dead.is_revoked AND (key.expires_at IS NULL OR key.expires_at > dead.at);")?;
        run(BURY)?;
        Ok(revoked)
    }

    /// Tells the trail of every record that it does not know as it is now, and of every one that is gone. The closure is told
    /// how many keys were looked at. Returns how many events that took.
    ///
    /// # Errors
    /// The store's.
    pub fn tell_of_everything(
        &self,
        time: Timestamp,
        actor: &str,
        actions: [Action; 2],
        mut progress: impl FnMut(u64),
    ) -> Result<u64> {
        let [workspace_action, key_action] = actions;
        let nothing = serde_json::json!({});
        let mut told = 0;
        self.for_each_workspace_as_it_stands(|name, workspace| {
            let (workspace, policy) = workspace?;
            if self.believe_workspace(&workspace, &policy).is_ok() {
                return Ok(());
            }
            told += 1;
            let digest = RecordDigest::of_workspace(&workspace, &policy);
            self.unsealed(About::Workspace, &name, digest);
            self.audit(time, actor, workspace_action, &name, &nothing)
        })?;
        let mut looked = 0;
        self.for_each_key_as_it_stands(|id, _, key| {
            let key = key?;
            looked += 1;
            progress(looked);
            if self.agrees_on_key(&key)? {
                return Ok(());
            }
            told += 1;
            self.unsealed(About::Key, &id, RecordDigest::of_key(&key));
            let details = serde_json::json!({ "status": key.state.word() });
            self.audit(time, actor, key_action, &id, &details)
        })?;
        let mut gone = Vec::new();
        self.for_each_missing(About::Workspace, "workspace", "name", |name, _| {
            gone.push((workspace_action, name));
        })?;
        self.for_each_missing(About::Key, "key", "id", |id, _| gone.push((key_action, id)))?;
        let details = serde_json::json!({ "gone": true });
        for (action, subject) in gone {
            told += 1;
            self.audit(time, actor, action, &subject, &details)?;
        }
        Ok(told)
    }

    /// Whether the trail has this head.
    ///
    /// # Errors
    /// The store's.
    pub fn has_head(&self, head: Head) -> Result<bool> {
        Ok(head == Head::NONE || self.has_event((head.seq, head.hash))?)
    }
}
