//! The store's tables, whichever engine has them: what no command shows, and what none can produce.

use std::path::Path;
use std::time::Duration;

use keyward::domain::audit::Action;
use keyward::domain::{KeySeq, Timestamp};
use keyward::store::{Order, Place, Store};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::Sandbox;
use super::time::now;

impl Sandbox {
    /// The rows of a query that both engines read, each column as text; nothing is an empty one. They may be read while keyward writes.
    #[must_use]
    pub fn rows(&self, query: &str) -> Vec<Vec<String>> {
        rows_in(&self.named(), query)
    }

    /// The number that a query has as its only answer.
    #[must_use]
    pub fn number(&self, query: &str) -> i64 {
        let rows = self.rows(query);
        let only = rows.first().and_then(|row| row.first());
        only.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{query}: {rows:?}"))
    }

    /// All that the tables of a store on a server contain; nothing for one in a file.
    pub(super) fn content_on_server(&self) -> Option<Vec<u8>> {
        #[cfg(feature = "postgres")]
        if let Some(place) = self.place() {
            let content = "SELECT schema_to_xml(current_schema(), true, true, '')";
            return Some(super::server::rows_at(place, content).concat().concat().into_bytes());
        }
        None
    }

    /// The store, open. It must exist.
    #[must_use]
    pub fn open(&self) -> Option<Store> {
        let place = Place::find(&self.named(), &|_| None).expect("it is one");
        Store::open_at(&place, Duration::from_secs(10)).expect("the store can be opened")
    }

    /// Has every key's record confirmed as it is now, by an event of its own.
    pub(super) fn confirm_records(&self) {
        let confirmed = self.open().expect("there is a store").write(|writer| {
            writer.trust_rows();
            let numbers: Vec<KeySeq> = writer.keys_in_order(None, Order::Created)?;
            for key in writer.keys_by_seq(&numbers)? {
                writer.update_key(&key)?;
                let (at, id) = (Timestamp::from_millis(now()), key.id.as_str());
                writer.audit(at, "operator:nobody", Action::KeySet, id, &Value::Null)?;
            }
            Ok(())
        });
        confirmed.expect("records can be written");
    }

    /// Changes the tables of a store on a server. Says whether it is on one.
    pub(super) fn tamper_on_server(&self, sql: &str) -> bool {
        #[cfg(feature = "postgres")]
        if let Some(place) = self.place() {
            super::server::rows_at(place, sql);
            return true;
        }
        let _ = sql;
        false
    }
}

/// The rows of a query in the store that a path or a URI names.
#[must_use]
pub fn rows_in(named: &Path, query: &str) -> Vec<Vec<String>> {
    #[cfg(feature = "postgres")]
    if let Some(place) = named.to_str().filter(|name| name.starts_with("postgres://")) {
        return super::server::rows_at(place, query);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let connection = Connection::open_with_flags(named, flags).expect("the store is a SQLite file");
    connection.busy_timeout(Duration::from_secs(10)).expect("a time to wait can be set");
    let mut statement = connection.prepare(query).expect("there are such tables");
    let width = statement.column_count();
    let rows = statement
        .query_map([], |row| (0..width).map(|column| Ok(as_text(row.get_ref(column)?))).collect());
    rows.and_then(Iterator::collect).expect("the tables can be read")
}

fn as_text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => {
            let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
            format!("\\x{}", digits.collect::<String>())
        }
    }
}
