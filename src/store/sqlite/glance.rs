//! Reading a store on behalf of a message, and not of a command.
//!
//! This module never writes: not the store, which it leaves in an older keyward's form, and not its log.

use std::cell::OnceCell;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::connection::{LONGEST_WAIT, open_alone, prepare};
use super::failure::failure;
use super::permissions::{entry_if_possible, has_log};
use super::place::Access;
use super::{Database, header, permissions};
use crate::error::Result;

impl Database {
    pub(in crate::store) fn glance(path: &Path, wait: Duration) -> Result<Option<Self>> {
        let Some(place) = entry_if_possible(path)? else {
            return Ok(None);
        };
        if !permissions::check(&place)? {
            return Ok(None);
        }
        let held = header::check(&place)?;
        let connection = match has_log(&place)? {
            false => open_alone(place.path())?,
            true => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
                    | OpenFlags::SQLITE_OPEN_NO_MUTEX
                    | OpenFlags::SQLITE_OPEN_NOFOLLOW;
                let connection =
                    Connection::open_with_flags(place.path(), flags).map_err(failure)?;
                prepare(connection, wait.min(LONGEST_WAIT))?
            }
        };
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .map_err(failure)?;
        Ok(Some(Self {
            connection,
            named: place.path().to_owned(),
            entry: Some(place),
            access: Access::Shared,
            wait: wait.min(LONGEST_WAIT),
            synced: None,
            changed: false,
            log_index: OnceCell::new(),
            held: Some(held),
        }))
    }
}
