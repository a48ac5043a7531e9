//! A row of the `key` table as a record, and back.

use std::sync::LazyLock;

use super::damage::damaged;
use super::session::Row;
use super::value::Value;
use crate::domain::form::HashForm;
use crate::domain::key::Rotation;
use crate::domain::record::RecordDigest;
use crate::domain::secret::SecretHash;
use crate::domain::{Key, KeyId, Network, State, Timestamp};
use crate::error::Result;

macro_rules! columns {
    ($workspace:literal, $last_used_at:literal) => {
        concat!(
            "SELECT key.id, key.workspace_id, ", $workspace, ", key.name, key.environment, key.scopes, key.prefix,
                key.short, key.hint, key.hash, key.state, key.created_at, key.created_by, key.expires_at, ",
            $last_used_at, ", key.revoked_at, key.revoked_reason, key.revoked_message, key.replaces, key.grace,
                key.previous_expires_at, key.replaced_by, key.allow, key.owner, key.labels, key.seq,
                key.algorithm, key.revision, key.plan, key.form"
        )
    };
}

/// The columns, in the order [`from_row`] reads them. The workspace's name is its present one.
pub(super) const COLUMNS: &str = columns!(
    "(SELECT workspace.name FROM workspace WHERE workspace.workspace_id = key.workspace_id)",
    "(SELECT usage.last_used_at FROM meter JOIN usage ON usage.slot = (meter.last_day << 40) + meter.key_seq
        WHERE meter.key_seq = key.seq)"
);

/// The same without columns of other tables, for callers that have these already.
pub(super) const BARE: &str = columns!("''", "NULL");

/// The same without the workspace's name, for many rows of one workspace; wants [`LAST_USES`] after it. A join opens its
/// tables once, the subqueries of [`COLUMNS`] open them for each row.
pub(super) const MANY: &str = columns!("''", "usage.last_used_at");

/// Each key's last use, if it has one.
pub(super) const LAST_USES: &str = "LEFT JOIN meter ON meter.key_seq = key.seq
    LEFT JOIN usage ON usage.slot = (meter.last_day << 40) + meter.key_seq";

/// Columns that are read even if the rest of a row is not a record.
pub(super) const HASH: usize = 9;
pub(super) const STATE: usize = 10;
pub(super) const EXPIRES_AT: usize = 13;
pub(super) const REVOKED_AT: usize = 15;
/// The column of the row number, which is not part of the record.
pub(super) const SEQ: usize = 25;
/// The column of the hash's algorithm, of which there is one.
const ALGORITHM: usize = 26;
/// The column of the revision.
const REVISION: usize = 27;
/// The first column of what may follow.
pub(super) const AFTER: usize = 30;

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
        form: form(row)?,
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
        plan: row.optional_text(REVISION + 1)?,
        revision: row.get(REVISION)?,
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

fn form(row: &Row<'_>) -> Result<Option<HashForm>> {
    let Some(word) = row.optional_text(REVISION + 2)? else {
        return Ok(None);
    };
    let form = HashForm::of(&word);
    form.map(Some).ok_or_else(|| damaged("its hash is of an unknown form"))
}

fn networks(row: &Row<'_>, column: usize) -> Result<Vec<Network>> {
    let texts: Vec<String> = json(row, column, "[]")?;
    texts
        .iter()
        .map(|text| text.parse().map_err(|_| damaged("a key's allow-list cannot be read")))
        .collect()
}

pub(super) fn state(row: &Row<'_>, column: usize) -> Result<State> {
    let word = row.bytes(column)?.unwrap_or_default();
    let state = std::str::from_utf8(word).ok().and_then(State::of);
    state.ok_or_else(|| damaged("a key has an unknown state"))
}

/// What is written once.
const FIXED: [&str; 13] = [
    "id",
    "workspace_id",
    "environment",
    "prefix",
    "short",
    "hint",
    "algorithm",
    "hash",
    "form",
    "created_at",
    "created_by",
    "replaces",
    "grace",
];
/// What changes later.
const CHANGING: [&str; 15] = [
    "name",
    "scopes",
    "state",
    "expires_at",
    "revoked_at",
    "revoked_reason",
    "revoked_message",
    "previous_expires_at",
    "replaced_by",
    "allow",
    "owner",
    "labels",
    "plan",
    "revision",
    "seal",
];

/// Adds a record of these values: the fixed ones, then those that change.
pub(super) static INSERT: LazyLock<String> = LazyLock::new(|| {
    let columns = [&FIXED[..], &CHANGING].concat();
    let places: Vec<String> = (1..=columns.len()).map(|nth| format!("?{nth}")).collect();
    format!("INSERT INTO key ({}) VALUES ({})", columns.join(", "), places.join(", "))
});
/// Writes what changes; the first value is the id.
pub(super) static UPDATE: LazyLock<String> = LazyLock::new(|| update(&CHANGING));
/// Writes everything; the first value is the id.
pub(super) static REISSUE: LazyLock<String> =
    LazyLock::new(|| update(&[&FIXED[1..], &CHANGING].concat()));

fn update(columns: &[&str]) -> String {
    let set: Vec<String> =
        (2..).zip(columns).map(|(nth, column)| format!("{column} = ?{nth}")).collect();
    format!("UPDATE key SET {} WHERE id = ?1", set.join(", "))
}

/// A record on its way into its row.
pub(super) struct Written {
    key: Key,
    scopes: String,
    allow: String,
    labels: String,
    pub seal: RecordDigest,
}

impl Written {
    /// The record as this revision.
    pub(super) fn new(key: &Key, revision: i64) -> Self {
        let networks: Vec<String> = key.allow.iter().map(Network::to_string).collect();
        let text = |json: serde_json::Result<String>| json.expect("texts are JSON");
        let key = Key { revision, ..key.clone() };
        Self {
            scopes: text(serde_json::to_string(&key.scopes)),
            allow: text(serde_json::to_string(&networks)),
            labels: text(serde_json::to_string(&key.labels)),
            seal: RecordDigest::of_key(&key),
            key,
        }
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// The values of [`FIXED`].
    pub(super) fn fixed(&self) -> [Value<'_>; FIXED.len()] {
        let key = &self.key;
        let rotation = key.rotation.as_ref();
        [
            (&key.id).into(),
            key.workspace_id.into(),
            (&key.environment).into(),
            (&key.prefix).into(),
            (&key.short).into(),
            (&key.hint).into(),
            SecretHash::ALGORITHM.into(),
            (&key.hash).into(),
            key.form.map(HashForm::word).into(),
            key.created_at.into(),
            (&key.created_by).into(),
            rotation.map(|rotation| &rotation.replaces).into(),
            rotation.map(|rotation| rotation.grace_millis).into(),
        ]
    }

    /// The values of [`CHANGING`].
    pub(super) fn changing(&self) -> [Value<'_>; CHANGING.len()] {
        let key = &self.key;
        [
            (&key.name).into(),
            (&self.scopes).into(),
            key.state.word().into(),
            key.expires_at.into(),
            key.revoked_at.into(),
            key.revoked_reason.as_ref().into(),
            key.revoked_message.as_ref().into(),
            key.previous_expires_at().into(),
            key.replaced_by.as_ref().into(),
            (&self.allow).into(),
            key.owner.as_ref().into(),
            (&self.labels).into(),
            key.plan.as_ref().into(),
            self.key.revision.into(),
            self.seal.as_bytes().into(),
        ]
    }
}
