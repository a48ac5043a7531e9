//! Opening an existing store, for writing if that is allowed, otherwise for reading.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use rustix::fs::{Access as Permission, AtFlags, accessat};

use super::connection::{LONGEST_WAIT, keep_log, prepare, uri};
use super::failure::failure;
use super::header::Held;
use super::permissions::{absolute, entry_if_possible, has_log, look};
use super::place::{Access, stamp_of};
use super::{
    Database, connection, copy, failure, header, migrations, permissions, reserve, schema,
};
use crate::error::{Error, Kind, Result};
use crate::files::Entry;

impl Database {
    pub(in crate::store) fn open(path: &Path, wait: Duration) -> Result<Option<Self>> {
        let Some(place) = entry_if_possible(path)? else {
            return Ok(None);
        };
        if !permissions::check(&place)? {
            return Ok(None);
        }
        let held = header::check(&place)?;
        let mut store = Self::open_checked(&place, wait.min(LONGEST_WAIT), Some(&held))?;
        store.held = Some(held);
        store.named = absolute(path)?;
        Ok(Some(store))
    }

    pub(in crate::store) fn is_at(path: &Path) -> Result<bool> {
        let Some(place) = entry_if_possible(path)? else {
            return Ok(false);
        };
        Ok(look(&place)?.is_some())
    }

    fn open_checked(store: &Entry, wait: Duration, held: Option<&Held>) -> Result<Self> {
        let mut refusal = None;
        if is_writable(store) {
            let mode = OpenFlags::SQLITE_OPEN_READ_WRITE;
            match Self::open_shared(store, wait, mode, held) {
                // A full disk has no room for the log's index. What is in the file alone can still be read; for a log, the
                // index takes the place of some of what is held back.
                Err(error) if error.kind() == Kind::Io => {
                    if has_log(store)? && reserve::release(store) {
                        let opened = Self::open_shared(store, wait, mode, held);
                        reserve::fill(store);
                        return opened;
                    }
                    refusal = Some(error);
                }
                opened => return opened,
            }
        }
        if has_log(store)? {
            let opened = Self::open_shared(store, wait, OpenFlags::SQLITE_OPEN_READ_ONLY, held);
            return opened.map_err(|error| match (error.kind(), refusal) {
                (Kind::Io, None) => {
                    Error::new(Kind::Io, "the store's log cannot be read without writing beside it")
                        .because(error)
                        .hinted("make the store's folder writable; the log may hold a revocation")
                }
                (Kind::Io, Some(refusal)) => refusal,
                _ => error,
            });
        }
        let reason = refusal.map_or_else(
            || "its file or folder is read-only".to_owned(),
            |refusal| refusal.to_string(),
        );
        Self::open_immutable(store, wait, reason)
    }

    /// Opens the store again, once there is room for what there was none for.
    pub(super) fn reopen(&mut self) -> Result<()> {
        let Some(store) = &self.entry else {
            return Ok(());
        };
        let mut opened = Self::open_checked(store, self.wait, self.held.as_ref())?;
        opened.held = self.held.take();
        opened.named = std::mem::take(&mut self.named);
        // Or closing the old connection would take the room that was just made.
        self.changed = false;
        *self = opened;
        Ok(())
    }

    pub(in crate::store) fn empty() -> Self {
        let mut connection = Connection::open_in_memory().expect("memory holds an empty store");
        migrations::migrate(&mut connection).expect("a test runs every migration");
        Self {
            connection,
            entry: None,
            named: PathBuf::new(),
            access: Access::Shared,
            wait: Duration::ZERO,
            synced: None,
            changed: false,
            log_index: OnceCell::new(),
            held: None,
        }
    }

    pub(super) fn open_shared(
        store: &Entry,
        wait: Duration,
        mode: OpenFlags,
        held: Option<&Held>,
    ) -> Result<Self> {
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = Connection::open_with_flags(store.path(), flags).map_err(failure)?;
        let mut connection = prepare(connection, wait)?;
        // A refused store is not changed, and neither is its log.
        keep_log(&connection, has_log(store)?)?;
        // The first read, which fails if the file is not a database.
        let version = migrations::version(&connection).map_err(|error| match error.kind() {
            Kind::Busy if header::lacks_locks(held) => failure::without_locks(),
            _ => error,
        })?;
        header::refuse_newer(version, store.path())?;
        connection::refuse_wrong_log(&connection, store)?;
        let is_older = version < migrations::NEWEST;
        if is_older {
            let kept = store.beside(&format!(".schema-{version}"));
            copy::copy(&connection, &kept, wait, Some(version), |_, _| ()).map_err(|error| {
                error.told(|what| format!("cannot back up the store before migrating it: {what}"))
            })?;
            migrations::migrate(&mut connection)?;
        }
        schema::check(&connection)?;
        if mode.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) && !header::has_wal_mode(held) {
            bring_log_back(&connection, wait)?;
        }
        keep_log(&connection, false)?;
        Ok(Self {
            connection,
            entry: Some(store.clone()),
            named: store.path().to_owned(),
            access: Access::Shared,
            wait,
            synced: None,
            changed: is_older,
            log_index: OnceCell::new(),
            held: None,
        })
    }

    fn open_immutable(store: &Entry, wait: Duration, reason: String) -> Result<Self> {
        let gone = || Error::new(Kind::Io, "the store disappeared while it was opened");
        let stamp = stamp_of(store)?.ok_or_else(gone)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(uri(store.path()), flags).map_err(failure)?;
        let connection = prepare(connection, wait)?;
        let version = migrations::version(&connection)?;
        header::refuse_newer(version, store.path())?;
        if version < migrations::NEWEST {
            return Err(Error::new(
                Kind::Io,
                "the store has an older schema and is read-only, so it cannot be migrated",
            )
            .hinted("run any command once where the file and its folder are writable"));
        }
        schema::check(&connection)?;
        Ok(Self {
            connection,
            entry: Some(store.clone()),
            named: store.path().to_owned(),
            access: Access::Immutable(stamp, reason),
            wait,
            synced: None,
            changed: false,
            log_index: OnceCell::new(),
            held: None,
        })
    }
}

/// Turns the log on again if another program has turned it off. If that program keeps the file locked, readers and
/// writers only wait for each other; `store check` reports it.
fn bring_log_back(connection: &Connection, wait: Duration) -> Result<()> {
    /// If another program keeps the file locked for longer than this, it has the file open for a long time.
    const PATIENCE: Duration = Duration::from_millis(100);
    connection.busy_timeout(wait.min(PATIENCE)).map_err(failure)?;
    let _ = connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()));
    connection.busy_timeout(wait).map_err(failure)
}

/// Whether SQLite could write the file and make files beside it. A file without its owner's write bit counts as
/// read-only even for root: SQLite would give the log that mode, and the log would outlive it.
fn is_writable(store: &Entry) -> bool {
    let folder = store.folder().descriptor();
    let may_write = |name: &std::ffi::OsStr| {
        accessat(folder, name, Permission::WRITE_OK, AtFlags::empty()).is_ok()
    };
    let found = store.look().ok().flatten();
    found.is_some_and(|found| found.mode() & 0o200 != 0)
        && may_write(store.name())
        && may_write(".".as_ref())
}
