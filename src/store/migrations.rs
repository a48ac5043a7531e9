//! Bringing a store's schema up to date, one numbered step at a time.
//!
//! This module never edits a released migration, never reorders them and never goes back: a new need is a new file.

use rusqlite::{Connection, TransactionBehavior};
use sha2::{Digest, Sha256};

use super::Writer;
use super::failure::{damaged, failure};
use super::key_row::text;
use crate::error::{Kind, Result};

/// What `application_id` says of a keyward store: "KEYW".
pub(super) const APPLICATION_ID: i32 = 0x4b45_5957;

/// The steps; a store's `user_version` says how many of them it has had.
const MIGRATIONS: [&str; 4] = [
    include_str!("migrations/0001_key_desk.sql"),
    include_str!("migrations/0002_metering.sql"),
    include_str!("migrations/0003_provisioning.sql"),
    include_str!("migrations/0004_integrity.sql"),
];

/// The first schema whose events have the digests of records.
const SEALED: usize = 4;

/// The schema this keyward writes.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// SHA-256 of the newest schema as [`digest`] reads it. A test computes it anew.
const DIGEST: [u8; 32] = [
    0x2b, 0xdd, 0x2b, 0x70, 0xed, 0x63, 0x3a, 0x4f, 0x97, 0x92, 0x28, 0xf5, 0x61, 0x76, 0x12, 0x2a,
    0xdd, 0x25, 0x02, 0xff, 0x7a, 0xbb, 0xf1, 0xfe, 0x35, 0xde, 0x40, 0x4f, 0x35, 0x56, 0x82, 0x83,
];

/// Refuses a store in which there is anything but keyward's own schema: a trigger or a view would run whatever its author
/// wanted, a missing index would make every verify a scan.
///
/// # Errors
/// `damaged`.
pub(super) fn check_schema(connection: &Connection) -> Result<()> {
    match digest(connection)? == DIGEST {
        true => Ok(()),
        false => Err(damaged("its schema is not keyward's")),
    }
}

/// Hashes everything the schema defines, but for the statistics that `ANALYZE` keeps, which hold no code.
///
/// Sorted here, not by SQLite: every start of keyward pays for preparing this statement.
fn digest(connection: &Connection) -> Result<[u8; 32]> {
    let mut statement = connection
        .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema")
        .map_err(failure)?;
    let mut rows = statement.query([]).map_err(failure)?;
    let mut items: Vec<[String; 4]> = Vec::new();
    while let Some(row) = rows.next().map_err(failure)? {
        let item = [text(row, 0)?, text(row, 1)?, text(row, 2)?, text(row, 3)?];
        if !matches!(item[2].as_str(), "sqlite_stat1" | "sqlite_stat4") {
            items.push(item);
        }
    }
    items.sort_unstable();
    let mut hasher = Sha256::new();
    for text in items.iter().flatten() {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text);
    }
    Ok(hasher.finalize().into())
}

/// The pages that the tables `audit` and `clock` begin at, as far as the store has them.
///
/// # Errors
/// Whatever SQLite refuses.
pub(super) fn roots(connection: &Connection) -> Result<Vec<(String, u32)>> {
    let mut statement = connection
        .prepare("SELECT name, rootpage FROM sqlite_schema WHERE name IN ('audit', 'clock')")
        .map_err(failure)?;
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(failure)?;
    rows.map(|row| row.map_err(failure)).collect()
}

/// Takes the steps that are missing, all in one transaction.
///
/// # Errors
/// Whatever SQLite refuses; the store is then as it was.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failure)?;
    // Read again inside the transaction: another process may have been first.
    let version = version(&transaction)?;
    let done = usize::try_from(version).unwrap_or(0);
    for step in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(step).map_err(|error| {
            let error = failure(error);
            match error.kind() {
                // The steps are right, so the schema is not the one whose number it has.
                Kind::Internal => damaged("its schema is not keyward's"),
                _ => error,
            }
        })?;
    }
    if done < SEALED {
        Writer::new(&transaction).seal_all()?;
    }
    if done < MIGRATIONS.len() {
        transaction
            .pragma_update(None, "application_id", APPLICATION_ID)
            .map_err(failure)?;
        transaction
            .pragma_update(None, "user_version", NEWEST)
            .map_err(failure)?;
    }
    transaction.commit().map_err(failure)
}

/// The schema a store has.
///
/// # Errors
/// Whatever SQLite refuses.
pub(super) fn version(connection: &Connection) -> Result<i64> {
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(connection: &Connection) -> Vec<String> {
        let mut statement = connection
            .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
            .expect("valid SQL");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("a text")).collect()
    }

    #[test]
    fn the_migrated_store_is_the_written_schema() {
        let mut migrated = Connection::open_in_memory().expect("memory");
        migrate(&mut migrated).expect("migrations");
        let written = Connection::open_in_memory().expect("memory");
        written
            .execute_batch(include_str!("schema.sql"))
            .expect("schema.sql");
        assert_eq!(schema(&migrated), schema(&written));
    }

    #[test]
    fn the_digest_is_that_of_the_newest_schema() {
        let mut connection = Connection::open_in_memory().expect("memory");
        migrate(&mut connection).expect("migrations");
        assert_eq!(digest(&connection).expect("readable"), DIGEST);
        connection
            .execute_batch("CREATE VIEW planted AS SELECT 1")
            .expect("valid SQL");
        assert!(check_schema(&connection).is_err());
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let mut connection = Connection::open_in_memory().expect("memory");
        migrate(&mut connection).expect("first");
        let before = schema(&connection);
        migrate(&mut connection).expect("second");
        assert_eq!(schema(&connection), before);
        assert_eq!(version(&connection).expect("version"), NEWEST);
    }
}
