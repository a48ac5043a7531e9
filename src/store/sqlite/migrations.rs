//! Bringing a store's schema up to date, one numbered step at a time.
//!
//! This module never edits a released migration, never reorders them and never goes back: a new need is a new file.

use rusqlite::{Connection, TransactionBehavior};

use super::failure::failure;
use super::session::Session;
use crate::error::{Kind, Result};
use crate::store::Writer;
use crate::store::damage::damaged;
use crate::store::session::Session as AnySession;

/// What `application_id` says of a keyward store: "KEYW".
pub(super) const APPLICATION_ID: i32 = 0x4b45_5957;

/// The steps; a store's `user_version` says how many of them it has had.
const MIGRATIONS: [&str; 8] = [
    include_str!("migrations/0001_key_desk.sql"),
    include_str!("migrations/0002_metering.sql"),
    include_str!("migrations/0003_provisioning.sql"),
    include_str!("migrations/0004_integrity.sql"),
    include_str!("migrations/0005_ended.sql"),
    include_str!("migrations/0006_seal.sql"),
    include_str!("migrations/0007_elsewhere.sql"),
    include_str!("migrations/0008_furthest.sql"),
];

/// The first schema with digests of records in its events.
const TOLD: usize = 4;
/// The first with digests in its records too.
const SEALED: usize = 6;
/// The first that keeps every token format.
const FORMATTED: usize = 7;

/// The schema this keyward writes.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// Applies the missing steps in one transaction. If that fails, the store is unchanged.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failure)?;
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
    let writer = Writer::new(AnySession::Sqlite(Session::new(&transaction)), None);
    if done < TOLD {
        writer.seal_all()?;
    } else if done < SEALED {
        writer.seal_what_the_trail_has()?;
    }
    if done < FORMATTED {
        writer.keep_formats_so_far()?;
    }
    if done < MIGRATIONS.len() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failure)?;
        transaction.pragma_update(None, "user_version", NEWEST).map_err(failure)?;
    }
    transaction.commit().map_err(failure)
}

/// The schema a store has.
pub(super) fn version(connection: &Connection) -> Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failure)
}

#[cfg(test)]
mod tests {
    use super::super::schema::{digest, read};
    use super::*;

    fn schema(connection: &Connection) -> [u8; 32] {
        digest(&read(connection).expect("a schema"))
    }

    #[test]
    fn the_migrated_store_is_the_written_schema() {
        let mut migrated = Connection::open_in_memory().expect("memory");
        migrate(&mut migrated).expect("migrations");
        let written = Connection::open_in_memory().expect("memory");
        written.execute_batch(include_str!("schema.sql")).expect("schema.sql");
        assert_eq!(schema(&migrated), schema(&written));
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
