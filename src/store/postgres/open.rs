//! Opening a store on a server: is it one, is it whole, and what may this role do.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use super::connection::{self, Connection};
use super::server::Server;
use super::shared::Shared;
use super::{Database, migrations, schema};
use crate::domain::audit::Head;
use crate::error::{Error, Kind, Result};

/// What this role may do, and how this server commits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Privileges {
    pub may_write: bool,
    pub may_count: bool,
    /// Whether a commit waits for the disk by itself.
    pub is_synced: bool,
}

impl Database {
    pub(in crate::store) fn open(server: &Server, wait: Duration) -> Result<Option<Self>> {
        let database = Self::unopened(server, wait);
        match database.connect(wait) {
            Ok(()) => Ok(Some(database)),
            Err(error) if error.kind() == Kind::StoreNotFound && error.hint().is_none() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn unopened(server: &Server, wait: Duration) -> Self {
        Self {
            server: server.clone(),
            connection: RefCell::new(None),
            wait,
            seen: Cell::new(Head::NONE),
            privileges: Cell::default(),
            shared: Shared::of(server),
        }
    }

    /// Whether uses can be counted here.
    pub(in crate::store) fn can_count(&self) -> bool {
        self.privileges.get().may_count
    }

    /// Whether the server is there as far as is known.
    pub(in crate::store) fn is_connected(&self) -> bool {
        self.line().is_ok()
    }

    /// Sees to it that there is a connection to a store that this keyward knows.
    pub(super) fn connect(&self, wait: Duration) -> Result<()> {
        if self.line().is_ok_and(|line| !line.client.is_closed()) {
            return Ok(());
        }
        self.connection.replace(None);
        let line = Connection::open(&self.server, wait, false)?;
        self.connection.replace(Some(line));
        self.look_over(wait).inspect_err(|_| {
            self.connection.replace(None);
        })
    }

    /// Sees to it that this is a store, that it can be written, and that nothing was planted in it.
    fn look_over(&self, wait: Duration) -> Result<()> {
        let line = self.line()?;
        let sql = schema::in_schema(include_str!("opening.sql"), &self.server.schema);
        let answered = line.wait(wait.max(Duration::from_secs(5)), line.client.simple_query(&sql));
        drop(line);
        let mut rows = connection::rows(self.heard(answered)?);
        let row =
            rows.next().ok_or_else(|| Error::new(Kind::Internal, "the server says nothing"))?;
        if row.get(0) == Some("1") {
            return Err(Error::new(
                Kind::Io,
                format!("the server of {} is a standby, which may be behind", self.server),
            )
            .hinted(
                "name the primary in --store, or all of them: postgres://HOST1,HOST2/DATABASE",
            ));
        }
        if row.get(1) != Some("UTF8") {
            return Err(Error::new(Kind::Io, "the database's encoding is not UTF8")
                .hinted("make one with createdb --encoding UTF8 --template template0"));
        }
        if row.get(4) == Some("0") {
            let message = format!(
                "the role {} may not use the schema {}",
                self.server.user, self.server.schema
            );
            return Err(Error::new(Kind::Permissions, message)
                .hinted("`keyward store roles` prints what a role is granted"));
        }
        migrations::check(row.get(3), &self.server)?;
        let is_as_created = row.get(8) == Some("0") && row.get(7).is_some_and(schema::has_outlines);
        if !is_as_created {
            self.refuse_difference()?;
        }
        let is_granted = |column| row.get(column) == Some("1");
        self.privileges.set(Privileges {
            may_write: is_granted(5),
            may_count: is_granted(6),
            is_synced: matches!(row.get(2), Some("on" | "remote_apply")),
        });
        Ok(())
    }
}
