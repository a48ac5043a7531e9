//! Opening a store, operations on a whole store, and the right to provision, which one process has at a time.

use std::path::Path;
use std::time::Duration;

#[cfg(feature = "postgres")]
use super::place::of_files;
#[cfg(feature = "postgres")]
use super::postgres;
use super::sqlite::Database;
use super::{Copy, Engine, Info, Place, Store, Writer, sqlite};
use crate::error::Result;

impl Store {
    /// Opens a store, or says that there is none in this place.
    ///
    /// # Errors
    /// `permissions`, `foreign`, `damaged`, `newer_store`, `busy`, `io`.
    pub fn open_at(place: &Place, wait: Duration) -> Result<Option<Self>> {
        match place {
            Place::File(path) => Self::open(path, wait),
            #[cfg(feature = "postgres")]
            Place::Server(server) => Ok(postgres::Database::open(server, wait)?.map(Self::from)),
        }
    }

    /// Makes an empty store where there is none. Says whether it did.
    pub fn create_at(place: &Place, wait: Duration) -> Result<bool> {
        match place {
            Place::File(path) => Self::create(path, wait),
            #[cfg(feature = "postgres")]
            Place::Server(server) => postgres::Database::migrate(server, wait, true),
        }
    }

    /// Brings a store up to date, which a file's is whenever it is opened. Says whether there was anything to do; nothing where there
    /// is not a store.
    pub fn migrate_at(place: &Place, wait: Duration) -> Result<bool> {
        match place {
            Place::File(path) => match Database::schema_at(path, wait)? {
                None => Err(place.absent()),
                Some(before) => {
                    let info = Self::open(path, wait)?.ok_or_else(|| place.absent())?.info()?;
                    Ok(info.schema != before)
                }
            },
            #[cfg(feature = "postgres")]
            Place::Server(server) => postgres::Database::migrate(server, wait, false),
        }
    }

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

    /// The same of a place.
    pub fn glance_at(place: &Place, wait: Duration) -> Result<Option<Self>> {
        match place {
            Place::File(path) => Self::glance(path, wait),
            #[cfg(feature = "postgres")]
            Place::Server(_) => Self::open_at(place, wait),
        }
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
            #[cfg(feature = "postgres")]
            Engine::Postgres(database) => database.can_count(),
        }
    }

    /// Whether it is on a server.
    pub fn is_far(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => true,
        }
    }

    /// Whether changes go to a log beside the file, as they should.
    pub fn has_wal_mode(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(database) => database.has_wal_mode(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => true,
        }
    }

    /// Waits for a turn, as long as for a busy store and until `heed` fails. A store in memory has no others to wait for.
    /// `heed` is asked while waiting.
    pub fn turn(&self, heed: impl Fn() -> Result<()>) -> Result<Turn> {
        match &self.engine {
            Engine::Sqlite(database) => database.turn(heed).map(Turn::File),
            #[cfg(feature = "postgres")]
            Engine::Postgres(database) => {
                database.turn(heed).map(|turn| Turn::Server(Box::new(turn)))
            }
        }
    }

    /// Looks the facts up.
    pub fn info(&mut self) -> Result<Info> {
        let info = match &mut self.engine {
            Engine::Sqlite(database) => database.info(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(database) => database.info(),
        }?;
        let (workspaces, keys) =
            self.read(|reader| Ok((reader.count_workspaces()?, reader.count_all_keys()?)))?;
        Ok(Info { workspaces, keys, ..info })
    }

    /// Copies the current state of the store while others use it. The closure gets the pages done and their total. If
    /// that fails, the target is unchanged.
    pub fn backup(&mut self, target: &Path, progress: impl FnMut(u64, u64)) -> Result<Copy> {
        match &mut self.engine {
            Engine::Sqlite(database) => database.backup(target, progress),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => Err(of_files("a backup")),
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
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => return Err(of_files("a restoration")),
        }
        let outcome = self.write(body);
        match &mut self.engine {
            Engine::Sqlite(database) => database.detach(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => {}
        }
        outcome
    }

    /// Checks that the store is still where it was opened: one look.
    pub(crate) fn confirm_place(&self) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(database) => database.confirm_place(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => Ok(()),
        }
    }

    /// Continues with the store at this path now, if it is not the one that was opened. Says whether it was replaced.
    /// If that fails, nothing can be read or written until another call succeeds.
    pub(crate) fn follow(&mut self) -> Result<bool> {
        match &mut self.engine {
            Engine::Sqlite(database) => database.follow(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => Ok(false),
        }
    }

    /// Whether what others count shows in [`Store::freshness`].
    pub(crate) fn tells_of_counts(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(_) => true,
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => false,
        }
    }

    /// Whether a verdict may be given although nothing can be counted: a file that is full is as right as ever, a server that is
    /// gone says nothing.
    pub(crate) fn is_there(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(_) => true,
            #[cfg(feature = "postgres")]
            Engine::Postgres(database) => database.is_connected(),
        }
    }
}

impl From<Database> for Store {
    fn from(database: Database) -> Self {
        Self { engine: Engine::Sqlite(database), is_rehearsal: false, remark: None }
    }
}

#[cfg(feature = "postgres")]
impl From<postgres::Database> for Store {
    fn from(database: postgres::Database) -> Self {
        Self { engine: Engine::Postgres(database), is_rehearsal: false, remark: None }
    }
}

/// A turn. It ends when this is dropped. When its process is killed instead, it goes on for as long as a program that the process has
/// started does: a delivery that outlives keyward must not overtake the next one.
#[derive(Debug)]
pub enum Turn {
    /// At a file.
    File(sqlite::Turn),
    /// On a server.
    #[cfg(feature = "postgres")]
    Server(Box<postgres::Turn>),
}

impl Turn {
    /// Waits for a turn at a store in a file that may not be there, or not be whole. Its folder is made.
    pub fn at(store: &Path, wait: Duration) -> Result<Self> {
        sqlite::Turn::at(store, wait).map(Self::File)
    }
}
