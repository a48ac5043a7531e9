//! The `key` table.
//!
//! This module never computes a status: it loads and saves records, and `domain::key` says what they mean.

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Row, ToSql};

use super::failure::{damaged, failure};
use super::{Reader, Writer};
use crate::domain::key::{Key, KeyId, Rotation, State};
use crate::domain::secret::SecretHash;
use crate::domain::timestamp::Timestamp;
use crate::domain::workspace::{Census, WorkspaceId};
use crate::domain::{address::Network, key};
use crate::error::Result;

/// The columns, in the order [`from_row`] reads them. The workspace's name is its present one.
const SELECT: &str = "SELECT key.id, key.workspace_id,
    (SELECT workspace.name FROM workspace WHERE workspace.workspace_id = key.workspace_id), key.name, key.environment, key.scopes,
    key.prefix, key.short, key.hint, key.hash, key.state, key.created_at, key.created_by, key.expires_at,
    key.last_used_at, key.revoked_at, key.revoked_reason, key.revoked_message, key.replaces, key.grace,
    key.previous_expires_at, key.replaced_by, key.allow, key.owner, key.labels
    FROM key";

/// The order of a listing. Equal values follow in the order of minting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As minted.
    Created,
    /// By name.
    Name,
    /// By environment.
    Environment,
    /// By expiry, those that never expire last.
    Expires,
    /// By last use, those never used first.
    LastUsed,
}

impl Order {
    fn clause(self) -> &'static str {
        match self {
            Self::Created => "key.seq",
            Self::Name => "key.name, key.seq",
            Self::Environment => "key.environment, key.seq",
            Self::Expires => "key.expires_at IS NULL, key.expires_at, key.seq",
            Self::LastUsed => "key.last_used_at, key.seq",
        }
    }
}

impl Reader<'_> {
    /// The key whose secret has this hash.
    ///
    /// # Errors
    /// The store's.
    pub fn key_by_hash(&self, hash: &SecretHash) -> Result<Option<Key>> {
        self.one_key("WHERE key.hash = ?1", hash.as_bytes())
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

    /// A workspace's keys of this name, dead ones included, the newest first.
    ///
    /// The index is named because the planner, which has no statistics, would walk all of the workspace's keys instead.
    ///
    /// # Errors
    /// The store's.
    pub fn keys_named(&self, workspace: WorkspaceId, name: &str) -> Result<Vec<Key>> {
        self.keys(
            "INDEXED BY key_name WHERE key.workspace_id = ?1 AND key.name = ?2 ORDER BY +key.seq DESC",
            &[&workspace.0, &name],
        )
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

    /// Calls the closure with every key of a workspace in this order, holding one at a time.
    ///
    /// # Errors
    /// The closure's, or the store's.
    pub fn for_each_key(
        &self,
        workspace: WorkspaceId,
        order: Order,
        mut body: impl FnMut(Key) -> Result<()>,
    ) -> Result<()> {
        let sql = format!(
            "{SELECT} WHERE key.workspace_id = ?1 ORDER BY {}",
            order.clause()
        );
        let mut statement = self.connection.prepare_cached(&sql).map_err(failure)?;
        let mut rows = statement.query([workspace.0]).map_err(failure)?;
        while let Some(row) = rows.next().map_err(failure)? {
            body(from_row(row)?)?;
        }
        Ok(())
    }

    /// Counts a workspace's keys by what they are at this moment.
    ///
    /// # Errors
    /// The store's.
    pub fn census(&self, workspace: WorkspaceId, now: Timestamp) -> Result<Census> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT state, created_at, expires_at FROM key WHERE workspace_id = ?1 AND state <> 'revoked'",
            )
            .map_err(failure)?;
        let mut rows = statement.query([workspace.0]).map_err(failure)?;
        let mut census = Census::default();
        while let Some(row) = rows.next().map_err(failure)? {
            let state = state(row, 0)?;
            match key::status(state, required_time(row, 1)?, time(row, 2)?, now) {
                key::Status::Active => census.active += 1,
                key::Status::Pending => census.pending += 1,
                key::Status::Disabled => census.disabled += 1,
                key::Status::Expired | key::Status::Revoked => {}
            }
        }
        Ok(census)
    }

    /// How many key records a workspace has, dead ones included.
    ///
    /// # Errors
    /// The store's.
    pub fn count_keys(&self, workspace: WorkspaceId) -> Result<u64> {
        let count: i64 = self
            .connection
            .query_row(
                "SELECT count(*) FROM key WHERE workspace_id = ?1",
                [workspace.0],
                |row| row.get(0),
            )
            .map_err(failure)?;
        Ok(count.unsigned_abs())
    }

    fn one_key(&self, filter: &str, value: impl ToSql) -> Result<Option<Key>> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("{SELECT} {filter}"))
            .map_err(failure)?;
        let key = statement
            .query_row([value], |row| Ok(from_row(row)))
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
            .query_map(values, |row| Ok(from_row(row)))
            .map_err(failure)?;
        rows.map(|row| row.map_err(failure)?).collect()
    }
}

impl Writer<'_> {
    /// Adds a key.
    ///
    /// # Errors
    /// The store's.
    pub fn insert_key(&self, key: &Key) -> Result<()> {
        let mut statement = self
            .connection
            .prepare_cached(
                "INSERT INTO key (id, workspace_id, name, environment, scopes, prefix, short, hint, algorithm, hash,
                     state, created_at, created_by, expires_at, replaces, grace, previous_expires_at, allow, owner,
                     labels)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
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
                state_word(key.state),
                key.created_at.as_millis(),
                key.created_by,
                key.expires_at.map(Timestamp::as_millis),
                rotation.map(|rotation| rotation.replaces.as_str()),
                rotation.map(|rotation| rotation.grace_millis),
                rotation
                    .and_then(|rotation| rotation.previous_expires_at)
                    .map(Timestamp::as_millis),
                allow_text(key),
                key.owner,
                labels_text(key),
            ])
            .map(|_| ())
            .map_err(failure)
    }

    /// Saves everything about a key that may change.
    ///
    /// # Errors
    /// The store's.
    pub fn update_key(&self, key: &Key) -> Result<()> {
        let mut statement = self
            .connection
            .prepare_cached(
                "UPDATE key SET name = ?2, scopes = ?3, state = ?4, expires_at = ?5, revoked_at = ?6,
                     revoked_reason = ?7, revoked_message = ?8, previous_expires_at = ?9, replaced_by = ?10,
                     allow = ?11, owner = ?12, labels = ?13
                 WHERE id = ?1",
            )
            .map_err(failure)?;
        let previous = key
            .rotation
            .as_ref()
            .and_then(|rotation| rotation.previous_expires_at);
        statement
            .execute(rusqlite::params![
                key.id.as_str(),
                key.name,
                scopes_text(key),
                state_word(key.state),
                key.expires_at.map(Timestamp::as_millis),
                key.revoked_at.map(Timestamp::as_millis),
                key.revoked_reason,
                key.revoked_message,
                previous.map(Timestamp::as_millis),
                key.replaced_by.as_ref().map(KeyId::as_str),
                allow_text(key),
                key.owner,
                labels_text(key),
            ])
            .map(|_| ())
            .map_err(failure)
    }
}

fn from_row(row: &Row<'_>) -> Result<Key> {
    let rotation = match (
        optional_text(row, 18)?,
        row.get::<_, Option<i64>>(19).map_err(failure)?,
    ) {
        (Some(replaces), Some(grace_millis)) => Some(Rotation {
            replaces: KeyId::from_stored(replaces),
            grace_millis,
            previous_expires_at: time(row, 20)?,
        }),
        _ => None,
    };
    Ok(Key {
        id: KeyId::from_stored(text(row, 0)?),
        workspace_id: WorkspaceId(row.get(1).map_err(failure)?),
        workspace: text(row, 2)?,
        name: text(row, 3)?,
        environment: text(row, 4)?,
        scopes: json(row, 5, "[]")?,
        prefix: text(row, 6)?,
        short: text(row, 7)?,
        hint: text(row, 8)?,
        hash: SecretHash::from_bytes(row.get(9).map_err(failure)?),
        state: state(row, 10)?,
        created_at: required_time(row, 11)?,
        created_by: text(row, 12)?,
        expires_at: time(row, 13)?,
        last_used_at: time(row, 14)?,
        revoked_at: time(row, 15)?,
        revoked_reason: optional_text(row, 16)?,
        revoked_message: optional_text(row, 17)?,
        rotation,
        replaced_by: optional_text(row, 21)?.map(KeyId::from_stored),
        allow: networks(row, 22)?,
        owner: optional_text(row, 23)?,
        labels: json(row, 24, "{}")?,
    })
}

/// Reads a text column whatever bytes it holds: a name planted from outside must not stop the listing.
pub(super) fn text(row: &Row<'_>, column: usize) -> Result<String> {
    Ok(optional_text(row, column)?.unwrap_or_default())
}

fn optional_text(row: &Row<'_>, column: usize) -> Result<Option<String>> {
    match row.get_ref(column).map_err(failure)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(bytes) => Ok(Some(String::from_utf8_lossy(bytes).into_owned())),
        _ => Err(damaged("a text column holds something else")),
    }
}

fn json<T: serde::de::DeserializeOwned + Default>(
    row: &Row<'_>,
    column: usize,
    empty: &str,
) -> Result<T> {
    let text = text(row, column)?;
    if text == empty {
        return Ok(T::default());
    }
    serde_json::from_str(&text)
        .map_err(|error| damaged(format!("a key's scopes or labels: {error}")))
}

fn networks(row: &Row<'_>, column: usize) -> Result<Vec<Network>> {
    let texts: Vec<String> = json(row, column, "[]")?;
    texts
        .iter()
        .map(|text| {
            text.parse()
                .map_err(|_| damaged("a key's allow-list cannot be read"))
        })
        .collect()
}

fn time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    Ok(row
        .get::<_, Option<i64>>(column)
        .map_err(failure)?
        .map(Timestamp::from_millis))
}

fn required_time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis).map_err(failure)
}

fn state(row: &Row<'_>, column: usize) -> Result<State> {
    match text(row, column)?.as_str() {
        "pending" => Ok(State::Pending),
        "active" => Ok(State::Active),
        "disabled" => Ok(State::Disabled),
        "revoked" => Ok(State::Revoked),
        _ => Err(damaged("a key has an unknown state")),
    }
}

fn state_word(state: State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Active => "active",
        State::Disabled => "disabled",
        State::Revoked => "revoked",
    }
}

fn scopes_text(key: &Key) -> String {
    serde_json::to_string(&key.scopes).expect("texts are JSON")
}

fn allow_text(key: &Key) -> String {
    let networks: Vec<String> = key.allow.iter().map(Network::to_string).collect();
    serde_json::to_string(&networks).expect("texts are JSON")
}

fn labels_text(key: &Key) -> String {
    serde_json::to_string(&key.labels).expect("texts are JSON")
}
