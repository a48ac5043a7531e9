//! The `key` table.
//!
//! This module never computes a status: it loads and saves records, and `domain::key` says what they mean.

use std::collections::BTreeMap;

use super::damage::damaged;
use super::key_row::{BARE, COLUMNS, INSERT, REISSUE, UPDATE, Written};
use super::session::{PAGE, pages, places};
use super::value::{Value, values};
use super::{Reader, Writer};
use crate::domain::audit::About;
use crate::domain::form::HashForm;
use crate::domain::name::spellings;
use crate::domain::record::RecordDigest;
use crate::domain::secret::SecretHash;
use crate::domain::{Key, KeyId, KeySeq, State, WorkspaceId};
use crate::error::Result;

/// How many hashes are looked up at once: about as many as one argument has parts.
const HASHES: usize = 16;

impl Reader<'_> {
    /// The key whose secret has this hash.
    pub fn key_by_hash(&self, hash: &SecretHash) -> Result<Option<Key>> {
        self.one_key("WHERE key.hash = ?1", hash.into())
    }

    /// Whether any key's secret has one of these hashes, whatever else its record says.
    pub fn has_any_hash(&self, hashes: &[SecretHash]) -> Result<bool> {
        let sql = format!("SELECT 1 FROM key WHERE hash IN ({})", places(HASHES));
        let hashes: Vec<&SecretHash> = hashes.iter().collect();
        for page in pages(&hashes, HASHES) {
            if self.session.exists(&sql, &page)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The key of this hash with its row number, under which its uses are counted, and without its workspace's name and
    /// its last use, which are in other tables.
    pub fn bare_key_by_hash(&self, hash: &SecretHash) -> Result<Option<(KeySeq, Key)>> {
        self.one(&BARE, "WHERE key.hash = ?1", hash.into())
    }

    /// The forms of the hashes that other systems' keys have here.
    pub fn forms(&self) -> Result<Vec<HashForm>> {
        let has = |nth| format!("EXISTS (SELECT 1 FROM key WHERE form = ?{nth})");
        let columns: Vec<String> = (1..=HashForm::ALL.len()).map(has).collect();
        let words: Vec<Value<'_>> = HashForm::ALL.iter().map(|form| form.word().into()).collect();
        let mut forms = Vec::new();
        self.session.each(&format!("SELECT {}", columns.join(", ")), &words, |row| {
            for (column, form) in HashForm::ALL.iter().enumerate() {
                if row.get(column)? {
                    forms.push(*form);
                }
            }
            Ok(())
        })?;
        Ok(forms)
    }

    /// Calls the closure with what every key of another system is known by, and the form of that.
    pub fn for_each_foreign_hash(&self, mut body: impl FnMut(HashForm, &SecretHash)) -> Result<()> {
        for form in self.forms()? {
            let sql = "SELECT hash FROM key WHERE form = ?1";
            self.session.each(sql, values![form.word()], |row| {
                body(form, &row.get(0)?);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// The row number of the key of this id.
    pub fn seq_of(&self, id: &KeyId) -> Result<KeySeq> {
        let gone = || damaged(format!("{id} has no row"));
        self.find_seq(id)?.ok_or_else(gone)
    }

    /// The row number of the key of this id, if it exists.
    pub fn find_seq(&self, id: &KeyId) -> Result<Option<KeySeq>> {
        let sql = "SELECT seq FROM key WHERE id = ?1";
        self.session.one(sql, values![id], |row| row.get(0))
    }

    /// The key of this row number.
    pub fn key_by_seq(&self, seq: KeySeq) -> Result<Option<Key>> {
        self.one_key("WHERE key.seq = ?1", seq.into())
    }

    /// The keys of these row numbers, in their order; those that are gone are left out.
    pub fn keys_by_seq(&self, seqs: &[KeySeq]) -> Result<Vec<Key>> {
        let filter = format!("WHERE key.seq IN ({})", places(PAGE as usize));
        let mut found = BTreeMap::new();
        for page in pages(seqs, PAGE as usize) {
            found.extend(self.verified_keys((&COLUMNS, "", &filter), &page)?);
        }
        Ok(seqs.iter().filter_map(|seq| found.remove(seq)).collect())
    }

    /// The keys of these hashes, as [`Reader::bare_key_by_hash`] has each.
    pub fn bare_keys_by_hash(&self, hashes: &[SecretHash]) -> Result<Vec<(KeySeq, Key)>> {
        let values: Vec<Value<'_>> = hashes.iter().map(Value::from).collect();
        let filter = format!("WHERE key.hash IN ({})", places(hashes.len()));
        self.verified_keys((&BARE, "", &filter), &values)
    }

    /// The key of this id.
    pub fn key_by_id(&self, id: &str) -> Result<Option<Key>> {
        self.one_key("WHERE key.id = ?1", id.into())
    }

    /// Up to `limit` keys whose id begins so, of one workspace or of all.
    pub fn keys_by_id_start(
        &self,
        workspace: Option<WorkspaceId>,
        start: &str,
        limit: u32,
    ) -> Result<Vec<Key>> {
        // An id is ASCII, so everything that begins with `start` sorts before `start` and a tilde.
        let end = format!("{start}~");
        self.keys(
            "WHERE key.id >= ?1 AND key.id < ?2 AND (CAST(?3 AS BIGINT) IS NULL OR key.workspace_id = ?3) ORDER BY key.id LIMIT ?4",
            values![start, &end, workspace, limit],
        )
    }

    /// A workspace's keys of this name in any of its spellings, revoked and expired ones included, the newest first.
    ///
    /// The index is named because the planner, which has no statistics, would walk all of the workspace's keys instead.
    pub fn keys_named(&self, workspace: WorkspaceId, name: &str) -> Result<Vec<Key>> {
        let spellings = spellings(name);
        let spelling = |nth: usize| spellings.get(nth).unwrap_or(&spellings[0]).as_ref();
        let index = self.session.by_index("key_name");
        let read =
            |filter, values: &[Value<'_>]| self.verified_keys((&COLUMNS, &index, filter), values);
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

    /// The keys whose token has one of these random public parts.
    pub fn keys_with_short(&self, shorts: &[&str]) -> Result<Vec<Key>> {
        let values: Vec<Value<'_>> = shorts.iter().copied().map(Value::from).collect();
        // Hardly a name is one. To look for each costs less than the list below, which a file sorts into a table first.
        let has = |nth| format!("EXISTS (SELECT 1 FROM key WHERE short = ?{nth} AND short <> '')");
        let any = (1..=values.len()).map(has).collect::<Vec<_>>().join(" OR ");
        if !self.is_far() && !self.session.exists(&format!("SELECT 1 WHERE {any}"), &values)? {
            return Ok(Vec::new());
        }
        let shorts = places(shorts.len());
        self.keys(
            &format!("WHERE key.short IN ({shorts}) AND key.short <> '' ORDER BY key.seq"),
            &values,
        )
    }

    /// Whether the key replaced another, or another was minted to replace it: those share limits.
    pub fn has_relatives(&self, key: &Key) -> Result<bool> {
        let sql = "SELECT 1 FROM key WHERE replaces = ?1";
        Ok(key.rotation.is_some() || self.session.exists(sql, values![&key.id])?)
    }

    /// The keys that were minted to replace this one.
    pub fn keys_replacing(&self, id: &KeyId) -> Result<Vec<Key>> {
        self.keys("WHERE key.replaces = ?1 ORDER BY key.seq", values![id])
    }

    fn one_key(&self, filter: &str, value: Value<'_>) -> Result<Option<Key>> {
        Ok(self.one(&COLUMNS, filter, value)?.map(|(_, key)| key))
    }

    fn one(&self, columns: &str, filter: &str, value: Value<'_>) -> Result<Option<(KeySeq, Key)>> {
        Ok(self.verified_keys((columns, "", filter), &[value])?.pop())
    }

    fn keys(&self, filter: &str, values: &[Value<'_>]) -> Result<Vec<Key>> {
        let keys = self.verified_keys((&COLUMNS, "", filter), values)?;
        Ok(keys.into_iter().map(|(_, key)| key).collect())
    }
}

impl Writer<'_> {
    /// Adds a key.
    pub fn insert_key(&self, key: &Key) -> Result<()> {
        let was_known = key.state != State::Pending
            && self.newest_action(About::Key, key.id.as_str())?.is_some();
        let revision = match key.state {
            State::Pending => 0,
            // No number that a record of this id has had is used again; each had an event.
            _ if was_known => self.head()?.seq.saturating_add(1),
            _ => 1,
        };
        let written = self.changed_key(key, revision)?;
        self.session.run(&INSERT, &written.all())?;
        self.begin_row(&key.id)?;
        self.revised(written.key())
    }

    /// Removes what other tables have under a new key's row number. A row that was deleted outside keyward leaves it
    /// behind.
    fn begin_row(&self, id: &KeyId) -> Result<()> {
        if !self.session.gives_numbers_again() {
            return Ok(());
        }
        let sql = "SELECT seq FROM key WHERE id = ?1 AND (EXISTS (SELECT 1 FROM revision WHERE key_seq = key.seq)
             OR EXISTS (SELECT 1 FROM meter WHERE key_seq = key.seq) OR EXISTS (SELECT 1 FROM claim WHERE key_seq = key.seq))";
        let Some(seq) = self.session.one(sql, values![id], |row| row.get(0))? else {
            return Ok(());
        };
        for table in ["revision", "meter", "claim"] {
            let sql = format!("DELETE FROM {table} WHERE key_seq = ?1");
            self.session.run(&sql, values![seq])?;
        }
        self.delete_usage_of(&[seq])
    }

    /// Saves everything about a key that may change.
    pub fn update_key(&self, key: &Key) -> Result<()> {
        self.confirm_in_trail(&key.id)?;
        let written = self.changed_key(key, key.revision.saturating_add(1))?;
        self.update(&written)
    }

    /// The same, with the audit row added later by the caller. Returns the seal.
    pub(super) fn write_key(&self, key: &Key) -> Result<RecordDigest> {
        let written = Written::new(key, key.revision.saturating_add(1));
        self.update(&written)?;
        Ok(written.seal)
    }

    fn update(&self, written: &Written) -> Result<()> {
        self.session.run(&UPDATE, &written.changing())?;
        self.revised(written.key())
    }

    /// Gives a pending record the identity of this key: another secret, and all that was asked for with it.
    pub fn reissue_key(&self, key: &Key) -> Result<()> {
        self.confirm_in_trail(&key.id)?;
        let sql = "SELECT revision FROM key WHERE id = ?1";
        let before: Option<i64> = self.session.one(sql, values![&key.id], |row| row.get(0))?;
        let written = self.changed_key(key, before.unwrap_or_default().saturating_add(1))?;
        self.session.run(&REISSUE, &written.all())?;
        self.revised(written.key())
    }

    /// Records the last revision of a record. The revision with which a key becomes active is the first and needs no
    /// row: putting back the one before it gives a pending key, which nobody can activate again.
    fn revised(&self, key: &Key) -> Result<()> {
        if key.revision == 0 || (key.revision == 1 && key.state == State::Active) {
            return Ok(());
        }
        let sql = "INSERT INTO revision (key_seq, number) SELECT seq, ?2 FROM key WHERE id = ?1
             ON CONFLICT (key_seq) DO UPDATE SET number = excluded.number";
        self.session.run(sql, values![&key.id, key.revision])
    }

    pub(super) fn seal_key(&self, seq: KeySeq, seal: RecordDigest) -> Result<()> {
        let sql = "UPDATE key SET seal = ?2 WHERE seq = ?1";
        self.session.run(sql, values![seq, seal.as_bytes()])
    }

    /// Notes that a record needs an audit row, and keeps the hash of one that has ended.
    fn changed_key(&self, key: &Key, revision: i64) -> Result<Written> {
        let written = Written::new(key, revision);
        self.unaudited(About::Key, key.id.as_str(), written.seal);
        match key.state {
            State::Revoked => self.end(&key.hash)?,
            State::Pending | State::Active | State::Disabled => {}
        }
        Ok(written)
    }

    /// Deletes keys' records with what they were used for. Their hashes stay among those of ended keys.
    pub fn delete_keys(&self, keys: &[KeySeq]) -> Result<()> {
        self.end_all(keys)?;
        self.hand_on_rate_states(keys)?;
        self.delete_usage_of(keys)?;
        for table in ["DELETE FROM key WHERE seq = ?1", "DELETE FROM revision WHERE key_seq = ?1"] {
            let mut delete = self.session.prepare(table)?;
            for key in keys {
                delete.run(values![*key])?;
            }
        }
        Ok(())
    }
}
