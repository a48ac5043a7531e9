//! Making a store's tables and bringing them up to date, one numbered step at a time.
//!
//! This module never edits a released migration, and is never run but by whoever asks for it.

use std::time::Duration;

use super::connection::Connection;
use super::schema::in_schema;
use super::server::Server;
use super::{Database, connection};
use crate::domain::Safe;
use crate::error::{Error, Kind, Result};

/// The steps; the schema's comment says how many of them it has had.
const MIGRATIONS: [&str; 2] =
    [include_str!("migrations/0001_store.sql"), include_str!("migrations/0002_furthest.sql")];

/// The schema this keyward writes.
pub(super) const NEWEST: usize = MIGRATIONS.len();
/// What the comment of a store's schema begins with.
const COMMENT: &str = "keyward store ";
/// The advisory lock of whoever makes or changes tables: "KEYM".
const LOCK: i32 = 0x4b45_594d;

/// Refuses a schema that is not a store of this version. The error for a schema without any store has no hint.
pub(super) fn check(comment: Option<&str>, server: &Server) -> Result<()> {
    match version(comment) {
        Some(NEWEST) => Ok(()),
        None => Err(Error::new(Kind::StoreNotFound, "no store")),
        Some(newer) if newer > NEWEST => Err(Error::new(
            Kind::NewerStore,
            format!(
                "{server} was made by a newer keyward (schema {newer}, this one supports {NEWEST})"
            ),
        )
        .hinted("update keyward; the store was not touched")),
        Some(older) => Err(Error::conflict(format!(
            "{server} has an older schema ({older}, this keyward needs {NEWEST})"
        ))
        .hinted("run `keyward store migrate` as the schema's owner")),
    }
}

fn version(comment: Option<&str>) -> Option<usize> {
    comment?.strip_prefix(COMMENT)?.parse().ok()
}

impl Database {
    /// Takes the steps that are missing, all in one transaction. Says whether there were any. If that fails, the database is as it
    /// was.
    pub(in crate::store) fn migrate(server: &Server, wait: Duration, is_new: bool) -> Result<bool> {
        let database = Self::unopened(server, wait);
        database.connection.replace(Some(Connection::open(server, wait, false)?));
        let schema = &server.schema;
        let run = |sql: &str| {
            let line = database.line()?;
            let answered =
                line.wait(wait + super::transaction::SHORT, line.client.simple_query(sql));
            drop(line);
            database.heard(answered)
        };
        // Statements that are sent together are one transaction, so they are read again in it: another may have been first.
        run(&format!(
            "BEGIN; SET LOCAL lock_timeout = {}; SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL synchronous_commit = on;
            SELECT pg_advisory_xact_lock({LOCK})",
            wait.as_millis().max(1)
        ))?;
        let found = run(&format!(
            "SELECT pg_is_in_recovery()::int, oid::int8, obj_description(oid, 'pg_namespace'),
                (SELECT count(*) FROM pg_class WHERE relnamespace = own.oid)
            FROM (SELECT 1) AS one LEFT JOIN pg_namespace AS own ON nspname = '{schema}'"
        ))?;
        let row = connection::rows(found).next();
        let row = row.ok_or_else(|| Error::new(Kind::Internal, "the server says nothing"))?;
        let done = match (version(row.get(2)), is_new) {
            (Some(done), _) if done > NEWEST => return check(row.get(2), server).map(|()| false),
            (Some(done), _) => done,
            (None, false) => return Err(Error::new(Kind::StoreNotFound, "no store")),
            (None, true) if row.get(3).is_some_and(|count| count != "0") => {
                return Err(Error::new(
                    Kind::Foreign,
                    format!("the schema {} has tables of another program", Safe(schema)),
                )
                .hinted("name another schema with ?schema=NAME in the URI"));
            }
            (None, true) => 0,
        };
        if done == NEWEST {
            return Ok(false);
        }
        if row.get(1).is_none() {
            run(&format!("CREATE SCHEMA {schema}"))?;
        }
        for step in &MIGRATIONS[done..] {
            run(&in_schema(step, schema))?;
        }
        run("COMMIT")?;
        database.connect(wait)?;
        database.refuse_difference()?;
        Ok(true)
    }
}
