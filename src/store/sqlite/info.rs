//! What `store info` shows.

use std::path::Path;
use std::time::Duration;

use super::failure::failure;
use super::{Database, migrations};
use crate::error::Result;
use crate::files::trusted_folder;
use crate::store::Info;

impl Database {
    /// The schema's number of the store at this path, as it is before it is opened.
    pub(in crate::store) fn schema_at(path: &Path, wait: Duration) -> Result<Option<i64>> {
        let store = Self::glance(path, wait)?;
        store.map(|store| migrations::version(&store.connection)).transpose()
    }

    /// The facts that are SQLite's.
    pub(in crate::store) fn info(&mut self) -> Result<Info> {
        let store = self.entry.as_ref();
        let size_bytes = store.map_or(Ok(0), super::permissions::length)?;
        let trusted_folder = store
            .filter(|store| store.folder().is_in_trusted())
            .and_then(|_| trusted_folder())
            .map(Path::to_owned);
        self.read(|session| {
            let connection = session.connection();
            let mode = connection.pragma_query_value(None, "journal_mode", |row| row.get(0));
            Ok(Info {
                schema: migrations::version(connection)?,
                journal_mode: mode.map(Some).map_err(failure)?,
                size_bytes,
                trusted_folder,
                ..Info::default()
            })
        })
    }
}
