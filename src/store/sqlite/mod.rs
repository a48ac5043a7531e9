//! A store in an SQLite file: everything specific to SQLite.
//!
//! This module never holds a rule of keys: the tables' statements and what they mean are the store's, whichever engine runs them.

mod backup;
mod connection;
mod copy;
mod create;
mod failure;
mod foreign;
mod glance;
mod header;
mod info;
mod log;
mod migrations;
mod open;
mod permissions;
mod place;
#[cfg(test)]
mod plans;
mod reserve;
mod restore;
mod salvage;
mod schema;
mod session;
mod transaction;
mod turn;

use std::cell::OnceCell;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;

use crate::files::Entry;
use crate::store::Reader;
use crate::store::session::Session as AnySession;
use header::Held;
use log::LogIndex;
use place::Access;

pub use backup::{Backup, beside, look_at_backup, put_in_place, write_over};
pub use copy::Copy;
pub use foreign::{foreign_kind, foreign_rows};
pub(super) use info::for_each_fault;
pub use restore::Note;
pub use salvage::{Extent, Trace, fingerprint, remains, salvage};
pub(super) use session::{Row, Session, Statement, value};
pub use turn::Turn;

/// A store's file, open.
pub(super) struct Database {
    connection: Connection,
    /// Where it is; nowhere for one in memory.
    entry: Option<Entry>,
    /// The path by which it was opened, its folders' links not followed: it is that by which others find it.
    named: PathBuf,
    access: Access,
    wait: Duration,
    /// Whether commits wait for the disk; nothing before the first.
    synced: Option<bool>,
    /// Whether this process has changed anything.
    changed: bool,
    /// Once it was looked for; there may be none.
    log_index: OnceCell<Option<LogIndex>>,
    /// Last, because it may only be let go once the connection is closed.
    held: Option<Held>,
}

/// The store's tables as this connection sees them.
fn reader(connection: &Connection) -> Reader<'_> {
    Reader::new(AnySession::Sqlite(Session::new(connection)))
}
