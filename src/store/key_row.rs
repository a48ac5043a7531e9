//! A row of the `key` table as a record, and back.
//!
//! This module never runs a statement.

use super::damage::damaged;
use super::session::Row;
use crate::domain::address::Network;
use crate::domain::key::{Key, KeyId, Rotation, State};
use crate::domain::secret::SecretHash;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;

macro_rules! columns {
    ($workspace:literal, $last_used_at:literal) => {
        concat!(
            "SELECT key.id, key.workspace_id, ", $workspace, ", key.name, key.environment, key.scopes, key.prefix,
                key.short, key.hint, key.hash, key.state, key.created_at, key.created_by, key.expires_at, ",
            $last_used_at, ", key.revoked_at, key.revoked_reason, key.revoked_message, key.replaces, key.grace,
                key.previous_expires_at, key.replaced_by, key.allow, key.owner, key.labels, key.seq,
                key.algorithm"
        )
    };
}

/// The columns, in the order [`from_row`] reads them. The workspace's name is its present one.
pub(super) const COLUMNS: &str = columns!(
    "(SELECT workspace.name FROM workspace WHERE workspace.workspace_id = key.workspace_id)",
    "(SELECT usage.last_used_at FROM meter JOIN usage ON usage.slot = (meter.last_day << 40) + meter.key_seq
        WHERE meter.key_seq = key.seq)"
);

/// The same without what stands in other tables, for whoever has that already.
pub(super) const BARE: &str = columns!("''", "NULL");

/// The same without the workspace's name, for many rows of one workspace; wants [`LAST_USES`] after it. A join opens its
/// tables once, the subqueries of [`COLUMNS`] open them for each row.
pub(super) const MANY: &str = columns!("''", "usage.last_used_at");

/// Each key's last use, if it has one.
pub(super) const LAST_USES: &str = "LEFT JOIN meter ON meter.key_seq = key.seq
    LEFT JOIN usage ON usage.slot = (meter.last_day << 40) + meter.key_seq";

/// Columns that are read also where the rest of a row is no record.
pub(super) const HASH: usize = 9;
pub(super) const STATE: usize = 10;
pub(super) const EXPIRES_AT: usize = 13;
pub(super) const REVOKED_AT: usize = 15;
/// The column of the row number, which is no part of the record.
pub(super) const SEQ: usize = 25;
/// The column of the hash's algorithm, of which there is one.
const ALGORITHM: usize = 26;
/// The first column of what may follow: what vouches for the record.
pub(super) const AFTER: usize = 27;

pub(super) fn from_row(row: &Row<'_>) -> Result<Key> {
    if row.bytes(ALGORITHM)? != Some(SecretHash::ALGORITHM.as_bytes()) {
        return Err(damaged("its hash is of an unknown algorithm"));
    }
    let rotation = match (row.optional_text(18)?, row.get(19)?) {
        (Some(replaces), Some(grace_millis)) => Some(Rotation {
            replaces: KeyId::from_stored(replaces),
            grace_millis,
            previous_expires_at: row.get(20)?,
        }),
        _ => None,
    };
    Ok(Key {
        id: KeyId::from_stored(row.text(0)?),
        workspace_id: row.get(1)?,
        workspace: row.text(2)?,
        name: row.text(3)?,
        environment: row.text(4)?,
        scopes: json(row, 5, "[]")?,
        prefix: row.text(6)?,
        short: row.text(7)?,
        hint: row.text(8)?,
        hash: row.get(9)?,
        state: state(row, 10)?,
        created_at: row.get(11)?,
        created_by: row.text(12)?,
        expires_at: row.get(13)?,
        last_used_at: row.get(14)?,
        revoked_at: row.get(15)?,
        revoked_reason: row.optional_text(16)?,
        revoked_message: row.optional_text(17)?,
        rotation,
        replaced_by: row.optional_text(21)?.map(KeyId::from_stored),
        allow: networks(row, 22)?,
        owner: row.optional_text(23)?,
        labels: json(row, 24, "{}")?,
        seen: Timestamp::EPOCH,
    })
}

fn json<T: serde::de::DeserializeOwned + Default>(
    row: &Row<'_>,
    column: usize,
    empty: &str,
) -> Result<T> {
    let text = row.bytes(column)?.unwrap_or_default();
    if text == empty.as_bytes() {
        return Ok(T::default());
    }
    serde_json::from_slice(text)
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

pub(super) fn state(row: &Row<'_>, column: usize) -> Result<State> {
    let word = row.bytes(column)?.unwrap_or_default();
    let state = std::str::from_utf8(word).ok().and_then(State::of);
    state.ok_or_else(|| damaged("a key has an unknown state"))
}

pub(super) fn scopes_text(key: &Key) -> String {
    serde_json::to_string(&key.scopes).expect("texts are JSON")
}

pub(super) fn allow_text(key: &Key) -> String {
    let networks: Vec<String> = key.allow.iter().map(Network::to_string).collect();
    serde_json::to_string(&networks).expect("texts are JSON")
}

pub(super) fn labels_text(key: &Key) -> String {
    serde_json::to_string(&key.labels).expect("texts are JSON")
}
