//! What `store info` shows.

use std::path::{Path, PathBuf};

use super::failure::failure;
use super::{Database, migrations};
use crate::error::Result;
use crate::files::trusted_folder;

/// Facts about a store.
#[derive(Debug, Clone)]
pub struct Info {
    /// The schema's number.
    pub schema: i64,
    /// SQLite's journal mode.
    pub journal_mode: String,
    /// The file's size in bytes, its log not counted.
    pub size_bytes: u64,
    /// The trusted folder, if the store is in it.
    pub trusted_folder: Option<PathBuf>,
    /// How many workspaces there are.
    pub workspaces: u64,
    /// How many key records there are, revoked and expired ones included.
    pub keys: u64,
}

impl Database {
    pub(in crate::store) fn info(&mut self) -> Result<Info> {
        let store = self.entry.as_ref();
        let size_bytes = store.map_or(Ok(0), super::permissions::length)?;
        let trusted_folder = store
            .filter(|store| store.folder().is_in_trusted())
            .and_then(|_| trusted_folder())
            .map(Path::to_owned);
        self.read(|session| {
            let connection = session.connection();
            let count = |sql: &str| -> Result<u64> {
                let count = connection.query_row(sql, [], |row| row.get(0));
                count.map(i64::unsigned_abs).map_err(failure)
            };
            Ok(Info {
                schema: migrations::version(connection)?,
                journal_mode: connection
                    .pragma_query_value(None, "journal_mode", |row| row.get(0))
                    .map_err(failure)?,
                size_bytes,
                trusted_folder,
                workspaces: count("SELECT count(*) FROM workspace")?,
                keys: count("SELECT count(*) FROM key")?,
            })
        })
    }
}
