//! A row of the `key` table as a record, and back.
//!
//! This module never runs a statement.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::failure::{damaged, failure};
use crate::domain::address::Network;
use crate::domain::key::{Key, KeyId, Rotation, State};
use crate::domain::secret::SecretHash;
use crate::domain::timestamp::Timestamp;
use crate::domain::workspace::WorkspaceId;
use crate::error::Result;

macro_rules! columns {
    ($workspace:literal, $last_used_at:literal, $table:literal) => {
        concat!(
            "SELECT key.id, key.workspace_id, ", $workspace, ", key.name, key.environment, key.scopes, key.prefix,
                key.short, key.hint, key.hash, key.state, key.created_at, key.created_by, key.expires_at, ",
            $last_used_at, ", key.revoked_at, key.revoked_reason, key.revoked_message, key.replaces, key.grace,
                key.previous_expires_at, key.replaced_by, key.allow, key.owner, key.labels, key.seq,
                key.algorithm
            FROM ",
            $table
        )
    };
}

/// The columns, in the order [`from_row`] reads them. The workspace's name is its present one.
pub(super) const SELECT: &str = columns!(
    "(SELECT workspace.name FROM workspace WHERE workspace.workspace_id = key.workspace_id)",
    "(SELECT usage.last_used_at FROM meter JOIN usage ON usage.slot = (meter.last_day << 40) + meter.key_seq
        WHERE meter.key_seq = key.seq)",
    "key "
);

/// The same without what stands in other tables, for whoever has that already.
pub(super) const SELECT_BARE: &str = columns!("''", "NULL", "key ");

/// The same of a store that is attached as `source`.
pub(super) const SELECT_SOURCE: &str = columns!("''", "NULL", "source.key AS key ");

/// The same without the workspace's name, for many rows of one workspace; wants [`LAST_USES`] after it. A join opens its
/// tables once, the subqueries of [`SELECT`] open them for each row.
pub(super) const SELECT_MANY: &str = columns!("''", "usage.last_used_at", "key ");

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

pub(super) fn from_row(row: &Row<'_>) -> Result<Key> {
    if bytes(row, ALGORITHM)? != Some(SecretHash::ALGORITHM.as_bytes()) {
        return Err(damaged("its hash is of an unknown algorithm"));
    }
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
        seen: Timestamp::EPOCH,
    })
}

/// Reads a text column whatever bytes it holds: a name planted from outside must not stop the listing.
pub(super) fn text(row: &Row<'_>, column: usize) -> Result<String> {
    Ok(optional_text(row, column)?.unwrap_or_default())
}

pub(super) fn optional_text(row: &Row<'_>, column: usize) -> Result<Option<String>> {
    Ok(
        bytes(row, column)?.map(|bytes| match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => String::from_utf8_lossy(bytes).into_owned(),
        }),
    )
}

/// A text column's bytes, without a copy.
fn bytes<'r>(row: &'r Row<'_>, column: usize) -> Result<Option<&'r [u8]>> {
    match row.get_ref(column).map_err(failure)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(bytes) => Ok(Some(bytes)),
        _ => Err(damaged("a text column holds something else")),
    }
}

fn json<T: serde::de::DeserializeOwned + Default>(
    row: &Row<'_>,
    column: usize,
    empty: &str,
) -> Result<T> {
    let text = bytes(row, column)?.unwrap_or_default();
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

pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    Ok(row
        .get::<_, Option<i64>>(column)
        .map_err(failure)?
        .map(Timestamp::from_millis))
}

pub(super) fn required_time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis).map_err(failure)
}

pub(super) fn state(row: &Row<'_>, column: usize) -> Result<State> {
    let word = bytes(row, column)?.unwrap_or_default();
    State::of(word).ok_or_else(|| damaged("a key has an unknown state"))
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
