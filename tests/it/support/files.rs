//! Files as a run found and left them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::Sandbox;

/// What a file is: two of these are equal when nobody has touched it in between.
#[derive(Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its bytes.
    pub bytes: Vec<u8>,
    inode: u64,
    /// Seconds and nanoseconds of its last change.
    changed: (i64, i64),
    mode: u32,
}

impl Stamp {
    /// The file as it is now.
    #[must_use]
    pub fn of(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let found = fs::symlink_metadata(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self {
            bytes: fs::read(path).expect("the file can be read"),
            inode: found.ino(),
            changed: (found.mtime(), found.mtime_nsec()),
            mode: found.mode() & 0o7777,
        }
    }
}

/// A file's permissions.
#[must_use]
pub fn mode(path: impl AsRef<Path>) -> u32 {
    let path = path.as_ref();
    let found =
        fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    found.mode() & 0o7777
}

/// Gives a file these permissions.
pub fn set_mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is the test's own");
}

/// The file that SQLite keeps beside a store under this ending.
#[must_use]
pub fn beside(store: &Path, ending: &str) -> PathBuf {
    let mut path = store.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// The names in a folder, sorted.
#[must_use]
pub fn names_in(folder: impl AsRef<Path>) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        let name = entry.expect("an entry can be read").file_name();
        name.to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// A database at this path, made if it is not there, for planting what no command can produce.
#[must_use]
pub fn database(path: impl AsRef<Path>) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    Connection::open_with_flags(path, flags).expect("a SQLite file")
}

impl Sandbox {
    /// The store's bytes, or what its tables contain on a server, with nobody having it open. A log beside it, which `verify` may leave, must be empty: it would
    /// hold a part of them.
    #[must_use]
    pub fn store_bytes(&self) -> Vec<u8> {
        if let Some(content) = self.content_on_server() {
            return content;
        }
        let log = self.store_path().with_extension("db-wal");
        let length = fs::metadata(log).map_or(0, |log| log.len());
        assert_eq!(length, 0, "the store's log holds a part of it");
        fs::read(self.store_path()).expect("there is a store")
    }

    /// The store's bytes once what `verify` left in its log is part of them.
    pub fn settled_bytes(&self) -> Vec<u8> {
        if let Some(content) = self.content_on_server() {
            return content;
        }
        let connection = self.sqlite();
        connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .expect("nobody else has the store open");
        connection.close().expect("the store can be closed");
        self.store_bytes()
    }

    /// The names beside the store and its own, sorted, but for the space that it holds back and the file by which turns are
    /// taken, which are always left.
    #[must_use]
    pub fn names_beside_store(&self) -> Vec<String> {
        let store = self.store_path();
        let mut names = names_in(store.parent().expect("the store has a folder"));
        names.retain(|name| !["keyward.db.reserve", "keyward.db.lock"].contains(&name.as_str()));
        names
    }

    /// The names in HOME, sorted, but for the folder that a store in a file is in.
    #[must_use]
    pub fn names_at_home(&self) -> Vec<String> {
        let mut names = names_in(&self.home);
        names.retain(|name| name != ".local");
        names
    }

    /// The text of a file in HOME.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.home().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The only line of a file in HOME.
    #[must_use]
    pub fn line(&self, name: &str) -> String {
        let text = self.text(name);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        assert!(!line.contains('\n'), "{name} has more than one line");
        line.to_owned()
    }
}
