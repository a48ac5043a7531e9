//! What a command that runs as a service needs of the world: a store for each thread, the clock, accounts, and what the service
//! manager says.
//!
//! This module never opens a store by itself.

use std::time::{Duration, SystemTime};

use super::environment::{text, variable};
use super::{Context, owner};
use crate::domain::Timestamp;
use crate::error::{Error, Result};
use crate::serve::{Manager, Opener};
use crate::store::Store;

impl Context {
    /// What opens the store for another thread.
    pub fn opener(&self) -> Result<Opener> {
        let place = self.store_place()?;
        let open =
            move |wait: Duration| Store::open_at(&place, wait)?.ok_or_else(|| place.absent());
        Ok(Box::new(open))
    }

    /// Refuses `--as` for a service, whose callers present keys of their own.
    pub fn refuse_caller(&self) -> Result<()> {
        match self.caller {
            None => Ok(()),
            Some(_) => {
                Err(Error::usage("serve does not take --as: each caller presents its own key")
                    .hinted("leave --as out, and KEYWARD_AS_FILE unset"))
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the clock of those who have no context")]
    pub fn clock(&self) -> fn() -> Timestamp {
        || SystemTime::now().into()
    }

    /// What names accounts by their numbers.
    pub fn accounts(&self) -> fn(u32) -> String {
        owner::name
    }

    /// What a service manager says to a service that it starts.
    pub fn service_manager(&self) -> Result<Manager> {
        let names = text("LISTEN_FDNAMES")?.unwrap_or_default();
        Ok(Manager {
            notify: variable("NOTIFY_SOCKET"),
            names: names.split(':').map(str::to_owned).collect(),
        })
    }
}
