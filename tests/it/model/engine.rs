//! What the stores of a run are on: a folder for each, or a schema for each on a server of the run's own.
//!
//! What differs by the contract (section 11): a server's store has no backups, no log that a crash could tear, and its last
//! recorded time lags behind counts by up to a minute, of which other verifiers are not told either.

use std::path::PathBuf;
#[cfg(feature = "postgres")]
use std::rc::Rc;

use tempfile::TempDir;

#[cfg(feature = "postgres")]
use crate::support::server::Server;

/// What stores are on.
#[derive(Clone)]
pub enum Engine {
    Folder,
    #[cfg(feature = "postgres")]
    Server(Rc<Server>),
}

/// A store's place, and the folder that it is in if it is in one.
pub struct Home {
    pub path: PathBuf,
    _folder: TempDir,
}

/// A folder that keyward keeps a store in. In memory where that can be had: what a lost power takes away is said by the
/// images of a log, and waiting for a disk would take most of the time.
#[must_use]
pub fn folder() -> TempDir {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let mut builder = tempfile::Builder::new();
    builder.permissions(mode);
    let made = builder.tempdir_in("/dev/shm");
    let made = made.or_else(|_| builder.tempdir());
    made.expect("a temporary folder can be made")
}

impl Engine {
    /// Where a store can be that is not there yet.
    #[must_use]
    pub fn home(&self) -> Home {
        let folder = folder();
        let path = match self {
            Self::Folder => folder.path().join("keyward.db"),
            #[cfg(feature = "postgres")]
            Self::Server(server) => server.place().into(),
        };
        Home { path, _folder: folder }
    }

    #[must_use]
    pub fn is_folder(&self) -> bool {
        matches!(self, Self::Folder)
    }

    /// Ends every connection to a server; whoever needs one makes another.
    pub fn cut(&self) {
        #[cfg(feature = "postgres")]
        if let Self::Server(server) = self {
            server.cut_all();
        }
    }
}
