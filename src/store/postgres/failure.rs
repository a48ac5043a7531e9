//! What PostgreSQL's failures mean to the person who meets them.
//!
//! The codes are those of <https://www.postgresql.org/docs/current/errcodes-appendix.html>. Details are left out: they may have
//! values of rows in them.

use tokio_postgres::Error as Failure;

use crate::domain::Safe;
use crate::error::{Error, Kind};
use crate::store::damage::damaged;

/// Where a password may be.
pub(super) const PASSWORDS: &str =
    "a password is read from PGPASSFILE, ~/.pgpass, the service file or PGPASSWORD";

/// Turns a failure of the server or of the connection into keyward's words, exit status included.
pub(super) fn failure(error: Failure) -> Error {
    let Some(said) = error.as_db_error() else {
        return Error::new(Kind::Io, "the connection to the store's server was lost")
            .because(error);
    };
    let text = Safe(said.message());
    match said.code().code() {
        "55P03" | "57014" | "40001" | "40P01" => {
            Error::new(Kind::Busy, "the store was locked by another process")
                .hinted("pass --wait 60s to wait longer")
        }
        "3D000" => Error::new(Kind::StoreNotFound, format!("no store: {text}"))
            .hinted("make the database with createdb, then `keyward store create`"),
        "42501" => {
            Error::new(Kind::Permissions, format!("the database role may not do this: {text}"))
                .hinted("use a role that may: `keyward store roles` prints what each is granted")
        }
        code if code.starts_with("28") => {
            Error::new(Kind::Permissions, format!("the server refused: {text}")).hinted(PASSWORDS)
        }
        "53100" => Error::new(Kind::Io, "the server's disk is full; the store is as it was"),
        // What keyward writes breaks no constraint: a row that is there does.
        code if code.starts_with("23") => damaged(text),
        // keyward's statements fit its tables.
        "42P01" | "42703" | "42883" | "3F000" | "XX001" | "XX002" => damaged(text),
        "25006" => Error::new(Kind::Io, format!("the server can only be read: {text}")),
        code if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
            Error::new(Kind::Io, format!("the server cannot be used: {text}"))
        }
        code => Error::new(Kind::Internal, format!("database error {code}: {text}")),
    }
}

/// Whether the failure is of a connection that is gone, and not an answer to a statement.
pub(super) fn is_of_connection(error: &Failure) -> bool {
    match error.as_db_error() {
        None => true,
        Some(said) => ["08", "57P"].iter().any(|class| said.code().code().starts_with(class)),
    }
}
