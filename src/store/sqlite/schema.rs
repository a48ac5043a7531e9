//! Whether a store's schema is keyward's own, and what it has beside that.

use std::collections::BTreeSet;

use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::failure::failure;
use super::migrations;
use crate::domain::Safe;
use crate::error::{Error, Result};
use crate::store::damage::damaged;
use crate::store::session::Row;

/// SHA-256 of the newest schema as [`digest`] reads it. A test computes it again, and writes it.
const DIGEST: [u8; 32] = include!("schema.digest");

/// Tables of SQLite itself and of other programs that may be in a store, each exactly as its owner writes it. None has code.
///
/// litestream makes its two when it begins to replicate a file (<https://github.com/benbjohnson/litestream>, `db.go`, `init`), and
/// `sqlite_sequence` cannot be dropped once there was a table that needed it.
const NEIGHBOURS: [(&str, &str); 5] = [
    ("sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"),
    ("sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"),
    ("sqlite_sequence", "CREATE TABLE sqlite_sequence(name,seq)"),
    ("_litestream_seq", "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)"),
    ("_litestream_lock", "CREATE TABLE _litestream_lock (id INTEGER)"),
];

/// A row of the schema: a table, an index, a trigger or a view.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Object {
    kind: String,
    name: String,
    table: String,
    sql: String,
}

/// Refuses a store in which there is anything but keyward's own schema and its neighbours: a trigger or a view would run whatever
/// its author wanted, a missing index would make every verify a scan.
pub(super) fn check(connection: &Connection) -> Result<()> {
    let objects = read(connection)?;
    match digest(&objects) == DIGEST {
        true => Ok(()),
        false => Err(difference(&objects)),
    }
}

/// What the schema defines, in order, without the neighbours.
///
/// Sorted here, not by SQLite: every start of keyward pays for preparing this statement.
pub(super) fn read(connection: &Connection) -> Result<Vec<Object>> {
    let mut statement = connection
        .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema")
        .map_err(failure)?;
    let mut rows = statement.query([]).map_err(failure)?;
    let mut objects = Vec::new();
    while let Some(row) = rows.next().map_err(failure)? {
        let row = Row::Sqlite(row);
        let object = Object {
            kind: row.text(0)?,
            name: row.text(1)?,
            table: row.text(2)?,
            sql: row.text(3)?,
        };
        let is_neighbour = object.kind == "table"
            && object.table == object.name
            && NEIGHBOURS.contains(&(&object.name, &object.sql));
        if !is_neighbour {
            objects.push(Object { sql: closed_up(&object.sql), ..object });
        }
    }
    objects.sort_unstable();
    Ok(objects)
}

/// A definition without the space that means nothing: where SQLite puts a column that was added depends on its version.
fn closed_up(sql: &str) -> String {
    let is_mark = |character: char| matches!(character, '(' | ')' | ',');
    let mut text = String::with_capacity(sql.len());
    for word in sql.split_ascii_whitespace() {
        if !text.ends_with(is_mark) && !word.starts_with(is_mark) && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

pub(super) fn digest(objects: &[Object]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for object in objects {
        for text in [&object.kind, &object.name, &object.table, &object.sql] {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        }
    }
    hasher.finalize().into()
}

/// The error that names one thing which is not as it should be: what was added before what is missing or was changed.
fn difference(objects: &[Object]) -> Error {
    let unknown = || damaged("its schema is not keyward's");
    let Ok(own) = Connection::open_in_memory()
        .map_err(failure)
        .and_then(|mut own| migrations::migrate(&mut own).and_then(|()| read(&own)))
    else {
        return unknown();
    };
    let is_in = |objects: &[Object], object: &Object| {
        let mut named = objects.iter();
        named.any(|other| (&other.kind, &other.name) == (&object.kind, &object.name))
    };
    // What SQLite makes for itself goes with its table. Code goes first, and a table last: others may depend on it.
    let rank = |object: &&Object| match object.kind.as_str() {
        "trigger" => 0,
        "view" => 1,
        "index" => 2,
        _ if object.sql.starts_with("CREATE VIRTUAL") => 3,
        _ => 4,
    };
    let added = objects
        .iter()
        .filter(|object| !object.sql.is_empty() && !is_in(&own, object))
        .min_by_key(rank);
    if let Some(Object { kind, name, .. }) = added {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        return damaged(format!("the {} \"{}\" was added to it", Safe(kind), Safe(name))).hinted(
            format!(
                "if nothing needs it, remove it with sqlite3: DROP {} {}",
                Safe(&kind.to_uppercase()),
                Safe(&quoted)
            ),
        );
    }
    let unlike = own.iter().find(|object| !objects.contains(object));
    match unlike {
        Some(object) => damaged(format!(
            "its {} \"{}\" {}",
            object.kind,
            object.name,
            if is_in(objects, object) { "is not as keyward created it" } else { "is missing" }
        )),
        None => unknown(),
    }
}

/// Whether the store has this table.
pub(super) fn has_table(connection: &Connection, name: &str) -> Result<bool> {
    connection
        .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1")
        .and_then(|mut statement| statement.exists([name]))
        .map_err(failure)
}

/// The columns of a table.
pub(super) fn columns(connection: &Connection, table: &str) -> Result<BTreeSet<String>> {
    let mut statement =
        connection.prepare("SELECT name FROM pragma_table_info(?1)").map_err(failure)?;
    let names = statement.query_map([table], |row| row.get(0)).map_err(failure)?;
    names.collect::<rusqlite::Result<_>>().map_err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn store() -> Connection {
        let mut connection = Connection::open_in_memory().expect("memory");
        migrations::migrate(&mut connection).expect("migrations");
        connection
    }

    /// What the check says after these statements, and its hint.
    fn said(statements: &str) -> (String, String) {
        let connection = store();
        connection.execute_batch(statements).expect("valid SQL");
        let error = check(&connection).expect_err(statements);
        assert_eq!(error.kind(), Kind::Damaged);
        (error.to_string(), error.hint().unwrap_or_default().to_owned())
    }

    /// What a store looks like after every migration.
    fn written(store: &Connection) -> String {
        let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name";
        let mut statement = store.prepare(sql).expect("valid SQL");
        let objects = statement.query_map([], |row| row.get(0)).expect("readable");
        let objects: Vec<String> = objects.collect::<Result<_, _>>().expect("readable");
        let head = "-- A store after every migration, which say why it is so; written by KEYWARD_BLESS=1 cargo test.";
        format!("{head}\n\n{};\n", objects.join(";\n\n"))
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "whoever runs the test may ask it to write")]
    fn the_digest_is_that_of_the_newest_schema() {
        let store = store();
        let (digest, written) = (digest(&read(&store).expect("readable")), written(&store));
        if std::env::var_os("KEYWARD_BLESS").is_some_and(|value| value == "1") {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sqlite");
            for (file, text) in [("digest", format!("{digest:?}\n")), ("sql", written)] {
                let file = format!("{folder}/schema.{file}");
                std::fs::write(file, text).expect("the repository is writable");
            }
            return;
        }
        assert_eq!(digest, DIGEST, "`KEYWARD_BLESS=1 cargo test --lib schema` writes it");
        assert_eq!(closed_up(&written), closed_up(include_str!("schema.sql")));
    }

    #[test]
    fn what_was_added_is_named_with_what_removes_it() {
        for (statements, name, removal) in [
            ("CREATE VIEW planted AS SELECT 1", "view \"planted\"", "DROP VIEW \"planted\""),
            (
                "CREATE TABLE a (b UNIQUE); CREATE INDEX c ON a (b); CREATE TRIGGER d INSERT ON a BEGIN SELECT 1; END",
                "trigger \"d\"",
                "DROP TRIGGER \"d\"",
            ),
            ("CREATE INDEX own ON key (owner)", "index \"own\"", "DROP INDEX \"own\""),
            (
                "CREATE TABLE \"a\"\"b\x1b\" (c UNIQUE)",
                "table \"a\"b\\u{1b}\"",
                "DROP TABLE \"a\"\"b\\u{1b}\"",
            ),
        ] {
            let (message, hint) = said(statements);
            assert!(message.contains(name), "{message}");
            assert!(hint.ends_with(removal), "{hint}");
        }
    }

    #[test]
    fn what_is_missing_or_was_changed_is_named() {
        for (statements, said_of_it) in [
            ("DROP INDEX audit_subject", "index \"audit_subject\" is missing"),
            ("DROP TABLE ended", "table \"ended\" is missing"),
            (
                "ALTER TABLE claim ADD COLUMN other TEXT",
                "table \"claim\" is not as keyward created it",
            ),
        ] {
            let (message, _) = said(statements);
            assert!(message.ends_with(said_of_it), "{message}");
        }
    }

    #[test]
    fn a_neighbour_is_let_be_only_as_its_owner_made_it() {
        let neighbours =
            "CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
            CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER);
            ANALYZE;
            CREATE TABLE a (b INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE a";
        let connection = store();
        connection.execute_batch(neighbours).expect("valid SQL");
        check(&connection).expect("nobody else's tables are code");
        for statements in [
            "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER, other)",
            "CREATE TABLE _litestream_lock (id INTEGER); CREATE INDEX i ON _litestream_lock (id)",
            "CREATE TABLE _litestream_lock (id INTEGER);
             CREATE TRIGGER t INSERT ON _litestream_lock BEGIN DELETE FROM ended; END",
            "CREATE TABLE _litestream_other (id INTEGER)",
        ] {
            let _ = said(statements);
        }
    }
}
