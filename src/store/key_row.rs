//! A row of the `key` table as a record, and back. `domain::key` has the list of the columns.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::de::DeserializeOwned;

use super::damage::damaged;
use super::session::{Row, places};
use super::value::Value;
use crate::domain::record::RecordDigest;
use crate::domain::secret::SecretHash;
use crate::domain::stored::{Field, Source, Stored};
use crate::domain::{Key, Network, State};
use crate::error::{Error, Result};

/// The columns that [`from_row`] reads. The workspace's name is its present one.
pub(super) static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    select(
        "(SELECT workspace.name FROM workspace WHERE workspace.workspace_id = key.workspace_id)",
        "(SELECT usage.last_used_at FROM meter JOIN usage ON usage.slot = (meter.last_day << 40) + meter.key_seq
            WHERE meter.key_seq = key.seq)",
    )
});

/// The same without columns of other tables, for callers that have these already.
pub(super) static BARE: LazyLock<String> = LazyLock::new(|| bare(|_| true));

/// The same of a table of an older schema, which may lack columns: as records were before there were any.
pub(super) fn bare(has: impl Fn(&str) -> bool) -> String {
    let column = |name: &str| match name {
        _ if has(name) => format!("key.{name}"),
        "revision" => "1".to_owned(),
        _ => "NULL".to_owned(),
    };
    format!("SELECT key.seq, '', NULL, {}", NAMES.map(column).join(", "))
}

/// The same without the workspace's name, for many rows of one workspace; wants [`LAST_USES`] after it. A join opens its
/// tables once, the subqueries of [`COLUMNS`] open them for each row.
pub(super) static MANY: LazyLock<String> = LazyLock::new(|| select("''", "usage.last_used_at"));

/// Each key's last use, if it has one.
pub(super) const LAST_USES: &str = "LEFT JOIN meter ON meter.key_seq = key.seq
    LEFT JOIN usage ON usage.slot = (meter.last_day << 40) + meter.key_seq";

fn select(workspace: &str, last_used_at: &str) -> String {
    let record = NAMES.join(", key.");
    format!("SELECT key.seq, {workspace}, {last_used_at}, key.{record}")
}

/// The row number, which is not part of the record.
pub(super) const SEQ: usize = 0;
const WORKSPACE: usize = 1;
const LAST_USED_AT: usize = 2;
/// The id, the first column of the record.
pub(super) const ID: usize = 3;
/// The first column of what may follow.
pub(super) const AFTER: usize = ID + Key::FIELDS;

/// The columns of the record.
static NAMES: LazyLock<[&str; Key::FIELDS]> =
    LazyLock::new(|| Key::blank().fields().map(|field| field.column));

/// Where a column stands, to read it even if the rest of the row is not a record.
pub(super) fn place(column: &str) -> usize {
    ID + NAMES.iter().position(|name| *name == column).expect("a column of the record")
}

pub(super) fn from_row(row: &Row<'_>) -> Result<Key> {
    let mut key = Key::load(&mut Record { row, next: ID })?;
    key.workspace = row.text(WORKSPACE)?;
    key.last_used_at = row.get(LAST_USED_AT)?;
    Ok(key)
}

/// The columns of a row's record that were not taken yet.
struct Record<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl Record<'_> {
    fn next(&mut self, column: &str) -> usize {
        debug_assert_eq!(NAMES[self.next - ID], column, "read in the order of the list");
        self.next += 1;
        self.next - 1
    }
}

impl Source for Record<'_> {
    fn maybe(&mut self, column: &'static str) -> Result<Option<String>> {
        self.row.optional_text(self.next(column))
    }

    fn integer(&mut self, column: &'static str) -> Result<i64> {
        self.row.get(self.next(column))
    }

    fn number(&mut self, column: &'static str) -> Result<Option<i64>> {
        self.row.get(self.next(column))
    }

    fn hash(&mut self, column: &'static str) -> Result<SecretHash> {
        self.row.get(self.next(column))
    }

    fn json<T: DeserializeOwned + Default>(
        &mut self,
        column: &'static str,
        empty: &str,
    ) -> Result<T> {
        let text = self.row.bytes(self.next(column))?.unwrap_or_default();
        if text == empty.as_bytes() {
            return Ok(T::default());
        }
        serde_json::from_slice(text)
            .map_err(|error| damaged(format!("a key's scopes or labels: {error}")))
    }

    fn word<T>(
        &mut self,
        column: &'static str,
        fault: &str,
        read: impl FnOnce(Option<&str>) -> Option<T>,
    ) -> Result<T> {
        word(self.row, self.next(column), fault, read)
    }

    fn fault(what: &str) -> Error {
        damaged(what)
    }
}

fn word<T>(
    row: &Row<'_>,
    column: usize,
    fault: &str,
    read: impl FnOnce(Option<&str>) -> Option<T>,
) -> Result<T> {
    let word = row.bytes(column)?.map(std::str::from_utf8).transpose();
    word.ok().and_then(read).ok_or_else(|| damaged(fault))
}

/// A key's state.
pub(super) fn state(row: &Row<'_>, column: usize) -> Result<State> {
    word(row, column, "a key has an unknown state", |word| State::of(word?))
}

/// What is written of a record that changes: its id, by which it is found, and what changes.
fn is_updated(field: &Field<'_>) -> bool {
    field.changes || field.column == "id"
}

/// Adds a record of the values of [`Written::all`].
pub(super) static INSERT: LazyLock<String> = LazyLock::new(|| {
    let places = places(NAMES.len() + 1);
    format!("INSERT INTO key ({}, seal) VALUES ({places})", NAMES.join(", "))
});
/// Writes the values of [`Written::changing`].
pub(super) static UPDATE: LazyLock<String> = LazyLock::new(|| update(is_updated));
/// Writes the values of [`Written::all`].
pub(super) static REISSUE: LazyLock<String> = LazyLock::new(|| update(|_| true));

fn update(wanted: fn(&Field<'_>) -> bool) -> String {
    let record = Key::blank();
    let wanted = record.fields().into_iter().filter(wanted).map(|field| field.column);
    let set = (1..).zip(wanted.chain(["seal"])).map(|(nth, column)| format!("{column} = ?{nth}"));
    format!("UPDATE key SET {} WHERE id = ?1", set.skip(1).collect::<Vec<_>>().join(", "))
}

/// A record on its way into its row.
pub(super) struct Written {
    key: Key,
    /// The columns that are JSON.
    json: BTreeMap<&'static str, String>,
    pub seal: RecordDigest,
}

impl Written {
    /// The record as this revision.
    pub(super) fn new(key: &Key, revision: i64) -> Self {
        let key = Key { revision, ..key.clone() };
        let fields = key.fields().into_iter();
        let json = fields.filter_map(|field| Some((field.column, json(field.value)?))).collect();
        Self { seal: RecordDigest::of_key(&key), json, key }
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// Every value, the id first.
    pub(super) fn all(&self) -> Vec<Value<'_>> {
        self.values(|_| true)
    }

    /// The id, and every value that changes.
    pub(super) fn changing(&self) -> Vec<Value<'_>> {
        self.values(is_updated)
    }

    fn values(&self, wanted: fn(&Field<'_>) -> bool) -> Vec<Value<'_>> {
        let fields = self.key.fields().into_iter().filter(wanted);
        let values = fields.map(|field| match field.value {
            Stored::Text(text) => text.into(),
            Stored::Maybe(text) => text.into(),
            Stored::Number(number) => number.into(),
            Stored::Time(time) => time.into(),
            Stored::Hash(hash) => hash.into(),
            Stored::Texts(_) | Stored::Networks(_) | Stored::Labels(_) => {
                self.json.get(field.column).into()
            }
        });
        values.chain([self.seal.as_bytes().into()]).collect()
    }
}

/// The text of a field that is stored as JSON.
fn json(value: Stored<'_>) -> Option<String> {
    let text = match value {
        Stored::Texts(texts) => serde_json::to_string(texts),
        Stored::Networks(networks) => {
            let networks: Vec<String> = networks.iter().map(Network::to_string).collect();
            serde_json::to_string(&networks)
        }
        Stored::Labels(labels) => serde_json::to_string(labels),
        _ => return None,
    };
    Some(text.expect("texts are JSON"))
}
