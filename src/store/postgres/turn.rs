//! Taking turns on a server: one process at a time looks whether a key is there and delivers one that is not.
//!
//! This module never holds up anything else. The lock is that of a transaction which does nothing, in a connection of its own, so that
//! it holds through a pooler too. Programs that the process starts inherit the connection's socket: when keyward is killed, the turn
//! goes on for as long as a delivery that outlives it.

use std::time::{Duration, Instant};

use super::connection::Connection;
use super::{Database, connection};
use crate::error::{Error, Kind, Result};

/// How long until the lock is asked for again.
const PAUSE: Duration = Duration::from_millis(50);
/// The class of the lock: "KEYT".
const TURNS: i32 = 0x4b45_5954;

/// A host that is cut off or without power loses its turn in about fifteen seconds, not in the two hours of tcp(7).
const BEGIN: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL search_path = pg_catalog, pg_temp;
    SET LOCAL tcp_keepalives_idle = 6; SET LOCAL tcp_keepalives_interval = 3; SET LOCAL tcp_keepalives_count = 3";

/// A turn. It ends when this is dropped.
pub struct Turn(Connection);

impl std::fmt::Debug for Turn {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a turn on a server")
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // For all who have inherited it. A failure means that it is over already.
        let end = self.0.client.batch_execute("ROLLBACK");
        let _ = self.0.wait(Duration::from_secs(1), end);
    }
}

impl Database {
    pub(in crate::store) fn turn(&self, heed: impl Fn() -> Result<()>) -> Result<Turn> {
        let start = Instant::now();
        let held = Self::unopened(&self.server, self.wait);
        held.connection.replace(Some(Connection::open(&self.server, self.wait, true)?));
        let ask = |sql: &str| {
            let line = held.line()?;
            let answered = line.wait(self.wait + PAUSE * 20, line.client.simple_query(sql));
            drop(line);
            held.heard(answered)
        };
        ask(BEGIN)?;
        let lock = format!(
            "SELECT pg_try_advisory_xact_lock({TURNS}, ('{}.head'::regclass::oid::int8 & 2147483647)::int4)::int4",
            self.server.schema
        );
        loop {
            heed()?;
            let row = connection::rows(ask(&lock)?).next();
            if row.is_some_and(|row| row.get(0) == Some("1")) {
                break;
            }
            if start.elapsed() >= self.wait {
                let message = "another keyward process is delivering a key in this store";
                return Err(Error::new(Kind::Busy, message)
                    .hinted("run the command again, or let it wait longer with --wait 1m"));
            }
            std::thread::sleep(PAUSE);
        }
        let gone = || Error::new(Kind::Io, "the connection to the store's server was lost");
        held.connection.take().map(Turn).ok_or_else(gone)
    }
}
