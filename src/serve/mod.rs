//! `keyward serve`: keyward in front of an HTTP API. The command line reads the options; everything behind them is here.
//!
//! | file | what it does |
//! |---|---|
//! | `listen` | sockets: their addresses, their modes, those that a service manager hands over |
//! | `acceptor` | takes connections, gives them to the workers in turn, and ends everything on a signal |
//! | `thread`, `worker` | a thread, its connections and what they share |
//! | `judge` | a worker's verifiers, and the requests that are judged together |
//! | `connection` | a connection's bytes, and how long each phase of it may take |
//! | `http`, `unread`, `answer`, `body`, `identity` | a request becomes an answer |
//! | `caller`, `query` | what a request says of itself: its key, its address, its options |
//! | `auth`, `verify`, `introspect`, `health` | the routes that judge |
//! | `manage` | the routes that manage, those of two documented systems among them |
//! | `tokens` | the tokens of operators and clients |
//! | `dialect` | what refusals look like |
//! | `metrics`, `log`, `notify` | what is said of it while it runs |
//!
//! This module never holds a rule of keys: it is a view over `ops`. It never listens where it was not asked to, and never
//! answers 200 in doubt.

mod acceptor;
mod answer;
mod auth;
mod body;
mod caller;
mod connection;
mod dialect;
mod http;
mod identity;
mod introspect;
mod judge;
mod listen;
mod log;
mod manage;
mod metrics;
mod query;
mod thread;
mod tokens;
mod unread;
mod verify;
mod worker;

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::{Network, Timestamp};
use crate::error::Result;
use crate::store::Store;

pub use acceptor::{End, run, run_until};
pub use dialect::Dialect;
pub use listen::Place;
pub use log::{Unwritten, start as start_log};
pub use manage::Routes;

/// How long a request waits for another process that holds the store: proxies give up after 200 ms (Envoy).
const WAIT: Duration = Duration::from_millis(50);

/// Opens the store again, waiting for another process at most so long.
pub type Opener = Box<dyn Fn(Duration) -> Result<Store> + Send + Sync>;

/// What is served, where and to whom.
pub struct Settings {
    /// Where requests are judged.
    pub listen: Vec<Place>,
    pub manage: Option<Place>,
    /// Whether it may be reached from other machines.
    pub allow_remote: bool,
    /// The documented systems whose routes there are beside keyward's own.
    pub routes: Vec<Routes>,
    /// What refusals look like.
    pub errors: Dialect,
    /// Whose word on a client's address is taken.
    pub trusted: Vec<Network>,
    /// The header field with the client's address, in small letters.
    pub client_from: Option<String>,
    /// The header fields that may carry a key, in small letters.
    pub key_from: Vec<String>,
    /// Files with an operator's token.
    pub operators: Vec<PathBuf>,
    /// The file with the token of those who may introspect.
    pub clients: Option<PathBuf>,
    /// How many threads judge.
    pub workers: usize,
    /// Where each request is logged.
    pub log: Option<log::Log>,
    /// The only workspace whose keys are good.
    pub workspace: Option<String>,
    pub open: Opener,
    /// How long a change waits for another process.
    pub patience: Duration,
    pub clock: fn() -> Timestamp,
    /// The name of the account with this number.
    pub account: fn(u32) -> String,
    /// The service manager's socket, and the names of the sockets that it hands over.
    pub manager: Manager,
}

/// What a service manager says (systemd's `sd_notify(3)` and `sd_listen_fds(3)`).
#[derive(Debug, Default)]
pub struct Manager {
    /// Where it is notified that the service is ready.
    pub notify: Option<std::ffi::OsString>,
    /// The names of the sockets that it hands over, in their order.
    pub names: Vec<String>,
}
