//! A store in a schema of a PostgreSQL database: everything that knows PostgreSQL.
//!
//! This module never holds a rule of keys: the tables' statements and what they mean are the store's, whichever engine runs them.

mod address;
mod ahead;
mod connection;
mod counts;
mod credentials;
mod failure;
mod info;
mod look;
mod migrations;
mod open;
mod running;
mod schema;
mod sent;
mod server;
mod session;
mod shared;
mod tls;
mod transaction;
mod turn;

use std::cell::{Cell, Ref, RefCell};
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Error as Failure;

use crate::domain::audit::Head;
use crate::error::{Error, Kind, Result};
use connection::Connection;
use failure::{failure, is_of_connection};
use open::Privileges;
use shared::Shared;

pub(super) use counts::add;
pub(super) use sent::value;
pub use server::Server;
pub(super) use session::{Row, Session, Statement};
pub use turn::Turn;

/// A store on a server. Its connection is made again when it is lost.
pub(super) struct Database {
    server: Server,
    connection: RefCell<Option<Connection>>,
    wait: Duration,
    /// The end of the trail as it was last seen.
    seen: Cell<Head>,
    privileges: Cell<Privileges>,
    /// The looks of all who verify by this store in this process.
    shared: Arc<Shared>,
}

impl Database {
    /// The connection that is there.
    fn line(&self) -> Result<Ref<'_, Connection>> {
        let gone = |_| Error::new(Kind::Io, "the connection to the store's server was lost");
        Ref::filter_map(self.connection.borrow(), Option::as_ref).map_err(gone)
    }

    /// What was answered, in keyward's words. A connection that is of no use any more is given up.
    fn heard<T>(&self, answer: Result<Result<T, Failure>>) -> Result<T> {
        let is_lost = match &answer {
            Ok(Ok(_)) => false,
            Ok(Err(error)) => is_of_connection(error),
            Err(_) => true,
        };
        if is_lost {
            self.connection.replace(None);
        }
        answer?.map_err(failure)
    }
}
