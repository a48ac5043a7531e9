//! Opening a store, and operations on a whole store.

use std::path::Path;
use std::time::Duration;

use super::sqlite::Database;
use super::{Copy, Engine, Info, Store, Turn, Writer};
use crate::domain::SafePath;
use crate::error::{Error, Kind, Result};

impl Store {
    /// Opens a store, or says that there is none at this path.
    ///
    /// A store on a read-only file, folder or file system is opened for reading when its log is empty.
    pub fn open(path: &Path, wait: Duration) -> Result<Option<Self>> {
        Ok(Database::open(path, wait)?.map(Self::from))
    }

    /// Opens the store at this path, making it first when there is none. Folders it makes are 0700, the file 0600.
    pub fn open_or_create(path: &Path, wait: Duration) -> Result<Self> {
        Database::open_or_create(path, wait).map(Self::from)
    }

    /// Creates an empty store if no file exists. Says whether it did.
    pub fn create(path: &Path, wait: Duration) -> Result<bool> {
        Database::create(path, wait)
    }

    /// Opens a store for reading before a message, or says that none is at this path. Nothing is written, not even a
    /// migration.
    pub fn glance(path: &Path, wait: Duration) -> Result<Option<Self>> {
        Ok(Database::glance(path, wait)?.map(Self::from))
    }

    /// Whether there is a file at this path, a store or not.
    pub fn is_at(path: &Path) -> Result<bool> {
        Database::is_at(path)
    }

    /// An empty store in memory: what a store that does not exist reads as.
    pub fn empty() -> Self {
        Database::empty().into()
    }

    /// Whether uses can be counted here; a store that can only be read still answers.
    pub fn can_count(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(database) => database.can_count(),
        }
    }

    /// Whether changes go to a log beside the file, as they should.
    pub fn has_wal_mode(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(database) => database.has_wal_mode(),
        }
    }

    /// Waits for a turn, as long as for a busy store and until `heed` fails. A store in memory has no others to wait for.
    /// `heed` is asked while waiting.
    pub fn turn(&self, heed: impl Fn() -> Result<()>) -> Result<Turn> {
        match &self.engine {
            Engine::Sqlite(database) => database.turn(heed),
        }
    }

    /// Looks the facts up.
    pub fn info(&mut self) -> Result<Info> {
        match &mut self.engine {
            Engine::Sqlite(database) => database.info(),
        }
    }

    /// Copies the current state of the store while others use it. The closure gets the pages done and their total. If
    /// that fails, the target is unchanged.
    pub fn backup(&mut self, target: &Path, progress: impl FnMut(u64, u64)) -> Result<Copy> {
        match &mut self.engine {
            Engine::Sqlite(database) => database.backup(target, progress),
        }
    }

    /// Changes the store in one transaction that also reads the tables of another store, which nobody else uses.
    pub fn write_beside<T>(
        &mut self,
        other: &Path,
        body: impl FnOnce(&Writer<'_>) -> Result<T>,
    ) -> Result<T> {
        match &mut self.engine {
            Engine::Sqlite(database) => database.attach(other)?,
        }
        let outcome = self.write(body);
        match &mut self.engine {
            Engine::Sqlite(database) => database.detach(),
        }
        outcome
    }

    /// Checks that the store is still where it was opened: one look.
    pub(crate) fn confirm_place(&self) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(database) => database.confirm_place(),
        }
    }

    /// Continues with the store at this path now, if it is not the one that was opened. Says whether it was replaced.
    /// If that fails, nothing can be read or written until another call succeeds.
    pub(crate) fn follow(&mut self) -> Result<bool> {
        match &mut self.engine {
            Engine::Sqlite(database) => database.follow(),
        }
    }
}

impl From<Database> for Store {
    fn from(database: Database) -> Self {
        Self { engine: Engine::Sqlite(database), is_rehearsal: false, remark: None }
    }
}

/// The error of a store that is not there.
pub fn absent(path: &Path) -> Error {
    Error::new(Kind::StoreNotFound, format!("no store at {}", SafePath(path)))
        .hinted("`keyward store create` makes an empty one; --store and KEYWARD_STORE name another")
}
