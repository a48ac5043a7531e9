//! Which store a command works on, and opening or making it.
//!
//! This module never opens a store for arguments with one of its secrets among them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::environment::variable;
use super::{Context, owner};
use crate::domain::tilde;
use crate::error::{Error, Result};
use crate::store::{Place, Store};

impl Context {
    /// Where the store is, or would be.
    pub fn store_place(&self) -> Result<Place> {
        let path = match self.named_store() {
            Some(path) if path.as_os_str().is_empty() => {
                return Err(Error::usage("the store's path is empty"));
            }
            Some(path) => tilde::refuse(&path).map(|()| path)?,
            None => default_store()?,
        };
        Place::find(&path, &connection_variable)
    }

    /// The file that the store is in, or would be, for an operation that only makes sense for one.
    pub fn store_file(&self, operation: &str) -> Result<PathBuf> {
        self.store_place()?.file(operation)
    }

    /// The path that `--store` or the environment gives.
    fn named_store(&self) -> Option<PathBuf> {
        let variable = || variable("KEYWARD_STORE").map(PathBuf::from);
        self.store.clone().or_else(variable)
    }

    /// Opens the store, which must exist: a gate that looked at nothing must not pass.
    pub fn open_store(&self) -> Result<Store> {
        match self.existing_store()? {
            Some(store) => Ok(store),
            None => Err(self.store_place()?.absent()),
        }
    }

    /// Opens the store for a listing. One that nobody named and that does not exist yet reads as an empty one.
    pub fn open_store_or_empty(&self) -> Result<Store> {
        if let Some(store) = self.store_if_any()? {
            return Ok(store);
        }
        let place = self.store_place()?;
        self.ui.hint(&format!("no store at {place} yet"));
        Ok(Store::empty())
    }

    /// Opens the store if it exists; one that was named must.
    pub fn store_if_any(&self) -> Result<Option<Store>> {
        match self.named_store() {
            None => self.existing_store(),
            Some(_) => self.open_store().map(Some),
        }
    }

    pub fn existing_store(&self) -> Result<Option<Store>> {
        match Store::open_at(&self.store_place()?, self.wait)? {
            Some(store) => self.checked(store).map(Some),
            None => {
                self.guard.refuse_known_before_speaking()?;
                Ok(None)
            }
        }
    }

    /// Opens the store at this path, or the one that a command would use, to look names up: nothing is made, brought up to
    /// date, or waited for. One that does not exist reads as an empty one.
    pub fn glance(&self, typed: Option<&str>) -> Result<Store> {
        let path = match typed {
            // No shell has replaced the tilde yet.
            Some(path) => match (path.strip_prefix("~/"), variable("HOME")) {
                (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
                _ => PathBuf::from(path),
            },
            None => return self.glance_at(&self.store_place()?),
        };
        self.glance_at(&Place::find(&path, &connection_variable)?)
    }

    fn glance_at(&self, place: &Place) -> Result<Store> {
        let store = Store::glance_at(place, Duration::from_millis(50))?;
        Ok(store.unwrap_or_else(Store::empty))
    }

    /// Opens the store, making it first if needed. `rehearse` runs on an empty store before one is made, so that a
    /// command that would fail leaves no file behind.
    pub fn open_or_create_store(
        &self,
        rehearse: impl FnOnce(&mut Store) -> Result<()>,
    ) -> Result<Store> {
        let place = self.store_place()?;
        if let Some(store) = self.existing_store()? {
            return Ok(store);
        }
        if !place.makes_itself() {
            return Err(place.absent());
        }
        if self.caller.is_some() {
            // There is no calling key, because its store does not exist.
            return Ok(Store::empty());
        }
        if let Err(error) = rehearse(&mut Store::empty()) {
            // Another process may have made the store meanwhile, and what stood in the way with it.
            return self.existing_store()?.ok_or(error);
        }
        if Store::create_at(&place, self.wait)? {
            self.say_made(&place);
        }
        self.open_store()
    }

    /// Opens the store, making it first if needed, wherever that is. The caller says that it was made.
    pub fn create_store(&self) -> Result<Store> {
        if let Some(store) = self.existing_store()? {
            return Ok(store);
        }
        if self.caller.is_some() {
            return Ok(Store::empty());
        }
        Store::create_at(&self.store_place()?, self.wait)?;
        self.open_store()
    }

    /// Says where a store was made: a wrong path would otherwise go unnoticed.
    pub fn say_made(&self, place: &Place) {
        self.ui.status(&format!("created the store {place}"));
    }

    /// Refuses secrets among what was given before something is said that needs no store.
    pub fn refuse_secrets(&self) -> Result<()> {
        self.guard.refuse_known_before_speaking()
    }

    /// How long another process is waited for.
    pub fn patience(&self) -> Duration {
        self.wait
    }

    fn checked(&self, mut store: Store) -> Result<Store> {
        // Scripts have one object on stderr, and that only for a failure.
        let warns = self.ui.is_for_people();
        if !warns && self.guard.is_clear() {
            return Ok(store);
        }
        store.read(|reader| {
            let refused = self.guard.refuse_known(reader);
            let clock = warns.then(|| reader.clock().ok()).flatten();
            if let Some(doubt) = clock.and_then(|clock| clock.doubt(self.now())) {
                self.ui.warn(&format!(
                    "{doubt}; run `keyward store check --reset-clock` to accept the system clock"
                ));
            }
            refused
        })?;
        Ok(store)
    }
}

/// A variable that says how a server is connected to. Its user is the account's if none is named.
pub(super) fn connection_variable(name: &str) -> Option<OsString> {
    let account = || (name == "PGUSER").then(owner::name_of_user)?.map(OsString::from);
    variable(name).or_else(account)
}

/// Where the store is when nothing names one.
pub(super) fn default_store() -> Result<PathBuf> {
    Ok(data_folder()?.join("keyward.db"))
}

/// The folder of this user's data that belongs to keyward.
fn data_folder() -> Result<PathBuf> {
    let nowhere = |why| {
        Error::usage(format!("no folder for the store: HOME is {why}"))
            .hinted("set HOME, or name the store's file with --store or KEYWARD_STORE")
    };
    // Without HOME `directories` would ask the account database for it. In a static binary that loads the machine's
    // modules for it, which crash where they do not fit.
    if variable("HOME").is_none() {
        let data = variable("XDG_DATA_HOME").map(PathBuf::from);
        let data = data.filter(|folder| folder.is_absolute());
        return data.map(|folder| folder.join("keyward")).ok_or_else(|| nowhere("not set"));
    }
    let folders = directories::ProjectDirs::from("", "", "keyward");
    let folder = folders.map(|folders| folders.data_local_dir().to_owned());
    folder.filter(|folder| folder.is_absolute()).ok_or_else(|| nowhere("not an absolute path"))
}
