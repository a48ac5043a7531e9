//! The `key` table.
//!
//! This module never computes a status: it loads and saves records, and `domain::key` says what they mean.

use super::damage::damaged;
use super::key_row::{BARE, COLUMNS, allow_text, labels_text, scopes_text};
use super::value::{Value, values};
use super::{Reader, Writer};
use crate::domain::audit::About;
use crate::domain::key::{Key, KeyId, KeySeq, State};
use crate::domain::name::spellings;
use crate::domain::record::RecordDigest;
use crate::domain::secret::SecretHash;
use crate::domain::workspace::WorkspaceId;
use crate::error::Result;

impl Reader<'_> {
    /// The key whose secret has this hash.
    ///
    /// # Errors
    /// The store's.
    pub fn key_by_hash(&self, hash: &SecretHash) -> Result<Option<Key>> {
        self.one_key("WHERE key.hash = ?1", hash.into())
    }

    /// Whether a key's secret has this hash, whatever else its record says.
    ///
    /// # Errors
    /// The store's.
    pub fn has_hash(&self, hash: &SecretHash) -> Result<bool> {
        self.session
            .exists("SELECT 1 FROM key WHERE hash = ?1", values![hash])
    }

    /// The key of this hash with its row number, by which its uses are counted, and without its workspace's name and its last
    /// use, which stand in other tables.
    ///
    /// # Errors
    /// The store's.
    pub fn bare_key_by_hash(&self, hash: &SecretHash) -> Result<Option<(KeySeq, Key)>> {
        self.one(BARE, "WHERE key.hash = ?1", hash.into())
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
        let sql = "SELECT seq FROM key WHERE id = ?1";
        self.session.one(sql, values![id], |row| row.get(0))
    }

    /// The key of this row number.
    ///
    /// # Errors
    /// The store's.
    pub fn key_by_seq(&self, seq: KeySeq) -> Result<Option<Key>> {
        self.one_key("WHERE key.seq = ?1", seq.into())
    }

    /// The key of this id.
    ///
    /// # Errors
    /// The store's.
    pub fn key_by_id(&self, id: &str) -> Result<Option<Key>> {
        self.one_key("WHERE key.id = ?1", id.into())
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
            values![start, &end, workspace, limit],
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
        let index = self.session.by_index("key_name");
        let read =
            |filter, values: &[Value<'_>]| self.verified_keys((COLUMNS, &index, filter), values);
        let keys = match spellings.len() {
            1 => read(
                "WHERE key.workspace_id = ?1 AND key.name = ?2 ORDER BY +key.seq DESC",
                values![workspace, name],
            ),
            _ => read(
                "WHERE key.workspace_id = ?1 AND key.name IN (?2, ?3, ?4) ORDER BY +key.seq DESC",
                values![workspace, name, spelling(1), spelling(2)],
            ),
        };
        Ok(keys?.into_iter().map(|(_, key)| key).collect())
    }

    /// The keys whose token has this random public part.
    ///
    /// # Errors
    /// The store's.
    pub fn keys_with_short(&self, short: &str) -> Result<Vec<Key>> {
        self.keys(
            "WHERE key.short = ?1 AND key.short <> '' ORDER BY key.seq",
            values![short],
        )
    }

    /// The keys that were minted to replace this one.
    ///
    /// # Errors
    /// The store's.
    pub fn keys_replacing(&self, id: &KeyId) -> Result<Vec<Key>> {
        self.keys("WHERE key.replaces = ?1 ORDER BY key.seq", values![id])
    }

    fn one_key(&self, filter: &str, value: Value<'_>) -> Result<Option<Key>> {
        Ok(self.one(COLUMNS, filter, value)?.map(|(_, key)| key))
    }

    fn one(&self, columns: &str, filter: &str, value: Value<'_>) -> Result<Option<(KeySeq, Key)>> {
        Ok(self.verified_keys((columns, "", filter), &[value])?.pop())
    }

    fn keys(&self, filter: &str, values: &[Value<'_>]) -> Result<Vec<Key>> {
        let keys = self.verified_keys((COLUMNS, "", filter), values)?;
        Ok(keys.into_iter().map(|(_, key)| key).collect())
    }
}

impl Writer<'_> {
    /// Adds a key.
    ///
    /// # Errors
    /// The store's.
    pub fn insert_key(&self, key: &Key) -> Result<()> {
        self.changed_key(key)?;
        let rotation = key.rotation.as_ref();
        self.session
            .run(
                "INSERT INTO key (id, workspace_id, name, environment, scopes, prefix, short, hint, algorithm, hash,
                     state, created_at, created_by, expires_at, replaces, grace, previous_expires_at, allow, owner,
                     labels, revoked_at, revoked_reason, revoked_message, replaced_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                     ?21, ?22, ?23, ?24)",
                values![
                    &key.id,
                    key.workspace_id,
                    &key.name,
                    &key.environment,
                    &scopes_text(key),
                    &key.prefix,
                    &key.short,
                    &key.hint,
                    SecretHash::ALGORITHM,
                    &key.hash,
                    key.state.word(),
                    key.created_at,
                    &key.created_by,
                    key.expires_at,
                    rotation.map(|rotation| &rotation.replaces),
                    rotation.map(|rotation| rotation.grace_millis),
                    key.previous_expires_at(),
                    &allow_text(key),
                    key.owner.as_ref(),
                    &labels_text(key),
                    key.revoked_at,
                    key.revoked_reason.as_ref(),
                    key.revoked_message.as_ref(),
                    key.replaced_by.as_ref(),
                ],
            )
            .map(drop)
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
        self.session
            .run(
                "UPDATE key SET name = ?2, scopes = ?3, state = ?4, expires_at = ?5, revoked_at = ?6,
                     revoked_reason = ?7, revoked_message = ?8, previous_expires_at = ?9, replaced_by = ?10,
                     allow = ?11, owner = ?12, labels = ?13
                 WHERE id = ?1",
                values![
                    &key.id,
                    &key.name,
                    &scopes_text(key),
                    key.state.word(),
                    key.expires_at,
                    key.revoked_at,
                    key.revoked_reason.as_ref(),
                    key.revoked_message.as_ref(),
                    key.previous_expires_at(),
                    key.replaced_by.as_ref(),
                    &allow_text(key),
                    key.owner.as_ref(),
                    &labels_text(key),
                ],
            )
            .map(drop)
    }

    /// Gives a pending record the identity of this key: another secret, and all that was asked for with it.
    ///
    /// # Errors
    /// The store's.
    pub fn reissue_key(&self, key: &Key) -> Result<()> {
        let rotation = key.rotation.as_ref();
        self.session.run(
            "UPDATE key SET prefix = ?2, short = ?3, hint = ?4, algorithm = ?5, hash = ?6, created_at = ?7,
                 created_by = ?8, replaces = ?9, grace = ?10
             WHERE id = ?1",
            values![
                &key.id,
                &key.prefix,
                &key.short,
                &key.hint,
                SecretHash::ALGORITHM,
                &key.hash,
                key.created_at,
                &key.created_by,
                rotation.map(|rotation| &rotation.replaces),
                rotation.map(|rotation| rotation.grace_millis),
            ],
        )?;
        self.update_key(key)
    }

    fn changed_key(&self, key: &Key) -> Result<()> {
        self.unaudited(About::Key, key.id.as_str(), RecordDigest::of_key(key));
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
        let mut delete = self.session.prepare("DELETE FROM key WHERE seq = ?1")?;
        for key in keys {
            delete.run(values![*key])?;
        }
        Ok(())
    }
}
