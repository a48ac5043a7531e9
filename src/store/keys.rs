//! The `key` table.
//!
//! This module never computes a status: it loads and saves records, and `domain::key` says what they mean.

use rusqlite::{OptionalExtension, ToSql};

use super::failure::{damaged, failure};
use super::key_row::{SELECT, SELECT_BARE, allow_text, labels_text, scopes_text};
use super::{Reader, Writer};
use crate::domain::audit::About;
use crate::domain::key::{Key, KeyId, KeySeq, State};
use crate::domain::name::spellings;
use crate::domain::record::RecordDigest;
use crate::domain::secret::SecretHash;
use crate::domain::timestamp::Timestamp;
use crate::domain::workspace::WorkspaceId;
use crate::error::Result;

impl Reader<'_> {
    /// The key whose secret has this hash.
    ///
    /// # Errors
    /// The store's.
    pub fn key_by_hash(&self, hash: &SecretHash) -> Result<Option<Key>> {
        self.one_key("WHERE key.hash = ?1", hash.as_bytes())
    }

    /// Whether a key's secret has this hash, whatever else its record says.
    ///
    /// # Errors
    /// The store's.
    pub fn has_hash(&self, hash: &SecretHash) -> Result<bool> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM key WHERE hash = ?1")
            .map_err(failure)?;
        statement.exists([hash.as_bytes()]).map_err(failure)
    }

    /// The key of this hash with its row number, by which its uses are counted, and without its workspace's name and its last
    /// use, which stand in other tables.
    ///
    /// # Errors
    /// The store's.
    pub fn bare_key_by_hash(&self, hash: &SecretHash) -> Result<Option<(KeySeq, Key)>> {
        self.one(SELECT_BARE, "WHERE key.hash = ?1", hash.as_bytes())
    }

    /// The row number of the key of this id.
    ///
    /// # Errors
    /// The store's; `damaged` when it is gone.
    pub fn seq_of(&self, id: &KeyId) -> Result<KeySeq> {
        let gone = || damaged(format!("there is no row of {id}"));
        self.find_seq(id)?.ok_or_else(gone)
    }

    /// The row number of the key of this id, if it is there.
    ///
    /// # Errors
    /// The store's.
    pub fn find_seq(&self, id: &KeyId) -> Result<Option<KeySeq>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT seq FROM key WHERE id = ?1")
            .map_err(failure)?;
        statement
            .query_row([id.as_str()], |row| row.get(0).map(KeySeq))
            .optional()
            .map_err(failure)
    }

    /// The key of this row number.
    ///
    /// # Errors
    /// The store's.
    pub fn key_by_seq(&self, seq: KeySeq) -> Result<Option<Key>> {
        self.one_key("WHERE key.seq = ?1", seq.0)
    }

    /// The key of this id.
    ///
    /// # Errors
    /// The store's.
    pub fn key_by_id(&self, id: &str) -> Result<Option<Key>> {
        self.one_key("WHERE key.id = ?1", id)
    }

    /// Up to `limit` keys whose id begins so, of one workspace or of all.
    ///
    /// # Errors
    /// The store's.
    pub fn keys_by_id_start(
        &self,
        workspace: Option<WorkspaceId>,
        start: &str,
        limit: u32,
    ) -> Result<Vec<Key>> {
        // An id is ASCII, so everything that begins with `start` sorts before `start` and a tilde.
        let end = format!("{start}~");
        self.keys(
            "WHERE key.id >= ?1 AND key.id < ?2 AND (?3 IS NULL OR key.workspace_id = ?3) ORDER BY key.id LIMIT ?4",
            &[&start, &end, &workspace.map(|id| id.0), &limit],
        )
    }

    /// A workspace's keys of this name in any of its spellings, dead ones included, the newest first.
    ///
    /// The index is named because the planner, which has no statistics, would walk all of the workspace's keys instead.
    ///
    /// # Errors
    /// The store's.
    pub fn keys_named(&self, workspace: WorkspaceId, name: &str) -> Result<Vec<Key>> {
        let spellings = spellings(name);
        let spelling = |nth: usize| spellings.get(nth).unwrap_or(&spellings[0]).as_ref();
        match spellings.len() {
            1 => self.keys(
                "INDEXED BY key_name WHERE key.workspace_id = ?1 AND key.name = ?2 ORDER BY +key.seq DESC",
                &[&workspace.0, &name],
            ),
            _ => self.keys(
                "INDEXED BY key_name WHERE key.workspace_id = ?1 AND key.name IN (?2, ?3, ?4) ORDER BY +key.seq DESC",
                &[&workspace.0, &name, &spelling(1), &spelling(2)],
            ),
        }
    }

    /// The keys whose token has this random public part.
    ///
    /// # Errors
    /// The store's.
    pub fn keys_with_short(&self, short: &str) -> Result<Vec<Key>> {
        self.keys(
            "WHERE key.short = ?1 AND key.short <> '' ORDER BY key.seq",
            &[&short],
        )
    }

    /// The keys that were minted to replace this one.
    ///
    /// # Errors
    /// The store's.
    pub fn keys_replacing(&self, id: &KeyId) -> Result<Vec<Key>> {
        self.keys("WHERE key.replaces = ?1 ORDER BY key.seq", &[&id.as_str()])
    }

    fn one_key(&self, filter: &str, value: impl ToSql) -> Result<Option<Key>> {
        Ok(self.one(SELECT, filter, value)?.map(|(_, key)| key))
    }

    fn one(&self, select: &str, filter: &str, value: impl ToSql) -> Result<Option<(KeySeq, Key)>> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("{select} {filter}"))
            .map_err(failure)?;
        let key = statement
            .query_row([value], |row| Ok(self.believed_key(row)))
            .optional()
            .map_err(failure)?;
        key.transpose()
    }

    fn keys(&self, filter: &str, values: &[&dyn ToSql]) -> Result<Vec<Key>> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("{SELECT} {filter}"))
            .map_err(failure)?;
        let rows = statement
            .query_map(values, |row| Ok(self.believed_key(row)))
            .map_err(failure)?;
        rows.map(|row| row.map_err(failure)?.map(|(_, key)| key))
            .collect()
    }
}

impl Writer<'_> {
    /// Adds a key.
    ///
    /// # Errors
    /// The store's.
    pub fn insert_key(&self, key: &Key) -> Result<()> {
        self.changed_key(key)?;
        let mut statement = self
            .connection
            .prepare_cached(
                "INSERT INTO key (id, workspace_id, name, environment, scopes, prefix, short, hint, algorithm, hash,
                     state, created_at, created_by, expires_at, replaces, grace, previous_expires_at, allow, owner,
                     labels, revoked_at, revoked_reason, revoked_message, replaced_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                     ?21, ?22, ?23, ?24)",
            )
            .map_err(failure)?;
        let rotation = key.rotation.as_ref();
        statement
            .execute(rusqlite::params![
                key.id.as_str(),
                key.workspace_id.0,
                key.name,
                key.environment,
                scopes_text(key),
                key.prefix,
                key.short,
                key.hint,
                SecretHash::ALGORITHM,
                key.hash.as_bytes(),
                key.state.word(),
                key.created_at.as_millis(),
                key.created_by,
                key.expires_at.map(Timestamp::as_millis),
                rotation.map(|rotation| rotation.replaces.as_str()),
                rotation.map(|rotation| rotation.grace_millis),
                key.previous_expires_at().map(Timestamp::as_millis),
                allow_text(key),
                key.owner,
                labels_text(key),
                key.revoked_at.map(Timestamp::as_millis),
                key.revoked_reason,
                key.revoked_message,
                key.replaced_by.as_ref().map(KeyId::as_str),
            ])
            .map(|_| ())
            .map_err(failure)
    }

    /// Saves everything about a key that may change.
    ///
    /// # Errors
    /// The store's.
    pub fn update_key(&self, key: &Key) -> Result<()> {
        self.changed_key(key)?;
        self.write_key(key)
    }

    /// The same, of which the trail is told later.
    pub(super) fn write_key(&self, key: &Key) -> Result<()> {
        let mut statement = self
            .connection
            .prepare_cached(
                "UPDATE key SET name = ?2, scopes = ?3, state = ?4, expires_at = ?5, revoked_at = ?6,
                     revoked_reason = ?7, revoked_message = ?8, previous_expires_at = ?9, replaced_by = ?10,
                     allow = ?11, owner = ?12, labels = ?13
                 WHERE id = ?1",
            )
            .map_err(failure)?;
        statement
            .execute(rusqlite::params![
                key.id.as_str(),
                key.name,
                scopes_text(key),
                key.state.word(),
                key.expires_at.map(Timestamp::as_millis),
                key.revoked_at.map(Timestamp::as_millis),
                key.revoked_reason,
                key.revoked_message,
                key.previous_expires_at().map(Timestamp::as_millis),
                key.replaced_by.as_ref().map(KeyId::as_str),
                allow_text(key),
                key.owner,
                labels_text(key),
            ])
            .map(|_| ())
            .map_err(failure)
    }

    /// Gives a pending record the identity of this key: another secret, and all that was asked for with it.
    ///
    /// # Errors
    /// The store's.
    pub fn reissue_key(&self, key: &Key) -> Result<()> {
        let mut statement = self
            .connection
            .prepare_cached(
                "UPDATE key SET prefix = ?2, short = ?3, hint = ?4, algorithm = ?5, hash = ?6, created_at = ?7,
                     created_by = ?8, replaces = ?9, grace = ?10
                 WHERE id = ?1",
            )
            .map_err(failure)?;
        let rotation = key.rotation.as_ref();
        statement
            .execute(rusqlite::params![
                key.id.as_str(),
                key.prefix,
                key.short,
                key.hint,
                SecretHash::ALGORITHM,
                key.hash.as_bytes(),
                key.created_at.as_millis(),
                key.created_by,
                rotation.map(|rotation| rotation.replaces.as_str()),
                rotation.map(|rotation| rotation.grace_millis),
            ])
            .map_err(failure)?;
        self.update_key(key)
    }

    fn changed_key(&self, key: &Key) -> Result<()> {
        self.unsealed(About::Key, key.id.as_str(), RecordDigest::of_key(key));
        match key.state {
            State::Revoked => self.end(&key.hash),
            State::Pending | State::Active | State::Disabled => Ok(()),
        }
    }

    /// Deletes keys' records with what they were used for. Their hashes stay among those of ended keys.
    ///
    /// # Errors
    /// The store's.
    pub fn delete_keys(&self, keys: &[KeySeq]) -> Result<()> {
        self.end_all(keys)?;
        self.delete_usage_of(keys)?;
        let mut statement = self
            .connection
            .prepare_cached("DELETE FROM key WHERE seq = ?1")
            .map_err(failure)?;
        for key in keys {
            statement.execute([key.0]).map_err(failure)?;
        }
        Ok(())
    }
}
